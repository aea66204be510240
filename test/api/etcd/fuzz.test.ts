/** Whatever is sent, etcd's API answers as it is documented to, and what it refuses has changed nothing. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { methods } from "../../../src/api/etcd/methods.ts";
import { EtcdApp } from "./etcd-app.ts";

/** The statuses that etcd has for each code. */
const statuses: ReadonlyMap<number, number> = new Map([
  [2, 500],
  [3, 400],
  [5, 404],
  [7, 403],
  [8, 429],
  [9, 412],
  [11, 400],
  [12, 501],
  [14, 503],
  [16, 401],
]);

const unaryPaths = [...methods].filter(([, { kind }]) => kind === "unary").map(([path]) => path);
/** Those that wait until it is somebody's turn. */
const waiting = new Set(["lock/lock", "election/campaign"]);

const fieldNames = `
  key range_end rangeEnd value name lease limit revision version create_revision mod_revision sort_order sort_target
  target result compare success failure ID TTL request_put request_range request_delete_range request_txn prev_kv
  ignore_value leader serializable count_only peerURLs targetID action alarm physical password __proto__ watch_id
  create_request cancel_request progress_request filters
`
  .trim()
  .split(/\s+/);

const oddValue = fc.oneof(
  fc.constantFrom<unknown>("", "YQ==", "@@", "YQ", "-_-_", "AA==", "UP", "EQUAL", "VALUE", "ASCEND", null, true, {}),
  fc.constantFrom<unknown>(0, 1, -1, 1.5, 1e300, "1", "-5", "9223372036854775808", "18446744073709551615", [], [{}]),
  fc.constantFrom(2 ** 53, -(2 ** 63)),
  fc.string(),
  fc.jsonValue(),
);

const oddObject: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  object: fc.dictionary(fc.constantFrom(...fieldNames), tie("value"), { maxKeys: 6 }),
  value: fc.oneof(
    { maxDepth: 4, depthIdentifier: "odd" },
    oddValue,
    tie("object"),
    fc.array(tie("object"), { maxLength: 3 }),
  ),
})).object;

const oddBody = fc.oneof(
  { arbitrary: oddObject.map((value) => JSON.stringify(value)), weight: 8 },
  { arbitrary: fc.json(), weight: 1 },
  { arbitrary: fc.string(), weight: 1 },
  {
    arbitrary: fc.tuple(oddObject, fc.nat(200), fc.string({ maxLength: 3 })).map(([value, at, noise]) => {
      const text = JSON.stringify(value);
      return text.slice(0, at % (text.length + 1)) + noise + text.slice(at % (text.length + 1));
    }),
    weight: 3,
  },
);

function expectDocumented(status: number, body: unknown): void {
  const { code, message, error } = body as { code?: number; message?: string; error?: string };
  expect(statuses.get(code ?? 0)).toBe(status);
  expect(error).toBe(message);
  expect(message).toMatch(/\S/);
  // No stack, no text of ours that nobody has written for clients.
  expect(message).not.toMatch(/\bat \w+ \(|\.ts:|undefined|\[object|internal error/);
}

async function contents(app: EtcdApp): Promise<unknown> {
  const { body } = await app.call("kv/range", { key: "AA==", range_end: "AA==" });
  return [body, await app.revision(), (await app.call("lease/leases")).body];
}

test("any request to any method", async () => {
  const app = new EtcdApp();
  await app.put("a", "1");
  const paths = fc.constantFrom(...unaryPaths.filter((path) => !waiting.has(path)), "kv/put", "kv/range", "kv/txn");
  await fc.assert(
    fc.asyncProperty(paths, oddBody, async (path, body) => {
      const before = await contents(app);
      const response = await app.fetch(`/v3/${path}`, body);
      const answer: unknown = await response.json();
      if (response.status === 200) return;
      expectDocumented(response.status, answer);
      expect(await contents(app)).toEqual(before);
    }),
    { numRuns: 1500 },
  );
}, 120_000);

test("any bytes to a stream", async () => {
  const app = new EtcdApp();
  const noise = fc.tuple(fc.constantFrom("watch", "lease/keepalive"), oddBody);
  await fc.assert(
    fc.asyncProperty(noise, async ([path, body]) => {
      const before = await contents(app);
      const response = await app.fetch(`/v3/${path}`, body);
      if (response.status === 200) {
        await response.body?.cancel();
        return;
      }
      expectDocumented(response.status, await response.json());
      expect(await contents(app)).toEqual(before);
    }),
    { numRuns: 500 },
  );
}, 60_000);
