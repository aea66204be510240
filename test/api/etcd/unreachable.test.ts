/** What etcd's clients are told when no node answers. */

import { expect, test } from "vitest";
import { elapse, useVirtualTime } from "../virtual-time.ts";
import { EtcdApp } from "./etcd-app.ts";

useVirtualTime();

const connectionLost = "etcdserver: request timed out, possibly due to connection lost";

/** The answer to a call to a group without nodes, and how long it took. */
async function ask(path: string, body: unknown, init: RequestInit = {}): Promise<[Response, number]> {
  const app = new EtcdApp();
  for (const id of app.group.ids) app.group.down.add(id);
  const { value, elapsedMs } = await elapse(app.fetch(path, body, init));
  return [value, elapsedMs];
}

test("a call fails in a way that clients repeat", async () => {
  const [response, elapsedMs] = await ask("/v3/kv/range", { key: "YQ==" });
  expect([response.status, response.headers.get("retry-after")]).toEqual([503, "1"]);
  expect(await response.json()).toEqual({ error: connectionLost, message: connectionLost, code: 14 });
  expect(elapsedMs).toBeLessThanOrEqual(10_000);
});

test("a stream fails as one that has begun does", async () => {
  const [response] = await ask("/v3/watch", { create_request: { key: "YQ==" } });
  expect([response.status, await response.json()]).toEqual([
    503,
    {
      error: {
        grpc_code: 14,
        http_code: 503,
        http_status: "Service Unavailable",
        message: connectionLost,
        code: 14,
      },
    },
  ]);
});

test("the group is not healthy", async () => {
  const [response] = await ask("/health", "", { method: "GET", body: null });
  expect([response.status, await response.json()]).toEqual([503, { health: "false", reason: connectionLost }]);
});
