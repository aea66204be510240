/** What fuzzing has found, each as the one input that shows it. */

import { describe, expect, test, vi } from "vitest";
import { internalPath, refusalStatus } from "../../src/internal.ts";
import { addChecksum, emptyChecksum } from "../../src/node/checksum.ts";
import { encodeFrame } from "../../src/node/frame.ts";
import { encodePage } from "../../src/node/page-codec.ts";
import { decodePartAnswer, encodePart, type PartAnswer } from "../../src/node/snapshot-part.ts";
import type { InstallSnapshot, Message } from "../../src/raft/message.ts";
import { StoreApp } from "../api/store-client.ts";
import { frameOf } from "./frame-sketch.ts";
import { LoneNode } from "./lone-node.ts";
import { snapshot } from "./snapshot-source.ts";

vi.mock("cloudflare:workers", async () => await import("./durable-object.ts"));
vi.spyOn(console, "log").mockImplementation(() => undefined);

const ends = { from: "n2", to: "n1" };
const sketch = { ...ends, groupId: null, storageId: null, toStorageId: null, incarnation: 1, messages: [] };

function frameWith(node: LoneNode, message: Message) {
  return { ...frameOf(sketch, node.truth), messages: [message] };
}

test("a term at the end of all numbers is not believed: the next one could be neither stored nor sent", async () => {
  const node = await LoneNode.make("follower");
  const before = node.portrait();
  const frame = frameWith(node, { type: "timeoutNow", ...ends, term: 2 ** 53 - 1 });
  const response = await node.object.call(internalPath.raft, encodeFrame(frame));
  expect(response.status).toBe(refusalStatus);
  expect(await response.json()).toMatchObject({
    code: "bad_request",
    message: "n2 speaks of a term that no group comes to",
  });
  expect(node.portrait()).toBe(before);
  node.close();
});

test("whose first frame is refused is not remembered by the storage that it names", async () => {
  const node = await LoneNode.make("follower");
  const writes = node.object.writes;
  const stranger = { ...sketch, from: "n3", storageId: "made up" };
  const message: Message = { type: "timeoutNow", from: "n3", to: "n1", term: 2 ** 53 - 1 };
  const frame = { ...frameOf(stranger, node.truth), messages: [message] };
  expect((await node.object.call(internalPath.raft, encodeFrame(frame))).status).toBe(refusalStatus);
  expect(node.object.writes).toBe(writes);
  node.close();
});

describe("a page of a snapshot, rightly summed up,", () => {
  const message: InstallSnapshot = { type: "installSnapshot", ...ends, term: 2, round: 3, snapshot };
  const key = new Uint8Array([1]).buffer;
  const columns = ["lease", "key"];

  async function take(rows: readonly (readonly (string | number | null | ArrayBuffer)[])[]): Promise<PartAnswer> {
    const node = await LoneNode.make("follower");
    const bytes = encodePage([{ table: "kv_lease_keys", columns, rows }], 100);
    const part = {
      message,
      cutId: "cut",
      sequence: 0,
      checksum: addChecksum(emptyChecksum, bytes),
      page: { bytes, done: false },
    };
    const response = await node.object.call(internalPath.snapshot, encodePart(frameWith(node, message), part));
    expect(node.object.aborted).toBeNull();
    const { answer } = decodePartAnswer(new Uint8Array(await response.arrayBuffer()));
    node.close();
    return answer;
  }

  test("is taken if its table can hold it", async () => {
    expect(await take([["7", key]])).toMatchObject({ result: "staged", sequence: 1 });
  });

  test("with a row twice ends the snapshot, not the node", async () => {
    const rows = [
      ["7", key],
      ["8", key],
      ["7", key],
    ];
    expect(await take(rows)).toMatchObject({
      result: "corrupt",
      sequence: 0,
      detail: "a row that the table kv_lease_keys can't hold",
    });
  });

  test("with a number that is none is no page", async () => {
    expect(await take([[Number.NaN, key]])).toMatchObject({ result: "refused", detail: "a number that is none" });
  });
});

test("a lease is not prolonged by who renews a lock that he does not have with it", async () => {
  const app = new StoreApp();
  await app.call("POST", "leases?ttl=60s&id=7");
  app.group.advance(20_000);
  for (const path of ["locks/deploy/renew?lease=7", "elections/primary/renew?lease=7"]) {
    expect(await app.call("POST", path)).toMatchObject({ status: 409 });
  }
  app.group.advance(20_000);
  // Something is written, for the newest time in the log to be that of now.
  await app.put("a", "1");
  expect(await app.call("GET", "leases/7")).toMatchObject({ body: { remaining_ms: 20_000 } });
});
