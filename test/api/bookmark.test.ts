/** Bookmarks and who served: what every answer says of the group, and what a client may hold a node to. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Bookmark, decodeBookmark, encodeBookmark } from "../../src/api/bookmark.ts";
import { failure, TestClient } from "./client.ts";
import type { ErrorBody } from "./client.ts";

const header = "x-raft-bookmark";
const bookmarkIn = (response: Response): Bookmark => decodeBookmark(response.headers.get(header) ?? "")!;

describe("a bookmark", () => {
  test("round-trips, and nothing else is one", () => {
    const bookmark = fc.record({ generation: fc.nat(), index: fc.maxSafeNat() });
    fc.assert(
      fc.property(bookmark, (made) => {
        expect(decodeBookmark(encodeBookmark(made))).toEqual(made);
      }),
    );
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (text) => {
        const decoded = decodeBookmark(text);
        expect(decoded === undefined ? text : encodeBookmark(decoded)).toBe(text);
      }),
    );
  });

  test("comes with every answer, and so does the name of the node that gave it", async () => {
    const client = new TestClient();
    const written = await client.put("/v1/kv/a", "1");
    expect([bookmarkIn(written), written.headers.get("x-raft-served-by")]).toEqual([{ generation: 0, index: 2 }, "n1"]);
    const missing = await client.get("/v1/kv/z?node=n1");
    expect([missing.status, bookmarkIn(missing).index, missing.headers.get("x-raft-served-by")]).toEqual([
      404,
      2,
      "n1",
    ]);
    const stale = await client.get("/v1/kv/a?consistency=stale&node=n3");
    expect([bookmarkIn(stale).index, stale.headers.get("x-raft-served-by")]).toEqual([2, "n3"]);
    for (const path of ["/v1/kv/%", "/v1/none", "/healthz", "/metrics"]) {
      const nobody = await client.get(path);
      expect([bookmarkIn(nobody).index, nobody.headers.has("x-raft-served-by")]).toEqual([2, false]);
    }
  });

  test("makes a node wait until it has what was seen, or be passed over", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "1");
    client.nodes.group().lagging.add("n2").add("n3");
    const seen = (await client.put("/v1/kv/a", "2")).headers.get(header)!;
    const behind = await client.get("/v1/kv/a?consistency=stale&node=n2");
    expect(await behind.text()).toBe("1");
    const held = await client.get("/v1/kv/a?consistency=stale&node=n2&timeout=200ms", { [header]: seen });
    expect(await failure(held)).toEqual({ status: 503, code: "timeout", ambiguous: false });
    client.nodes.faults.clear();
    const answers = await client.get("/v1/kv/a?consistency=stale", { [header]: seen });
    expect([answers.headers.get("x-raft-served-by"), await answers.text()]).toEqual(["n1", "2"]);
    const linearizable = await client.get("/v1/kv/a", { [header]: seen });
    expect(await linearizable.text()).toBe("2");
  });

  test("never goes back, whoever answers", async () => {
    const client = new TestClient();
    const seen = encodeBookmark({ generation: 0, index: 1_000 });
    for (const path of ["/v1/kv/%", "/v1/cluster", "/v1/nothing", "/v1/kv?limit=0"]) {
      expect(bookmarkIn(await client.get(path, { [header]: seen })).index).toBe(1_000);
    }
    const older = encodeBookmark({ generation: 0, index: 0 });
    expect(bookmarkIn(await client.put("/v1/kv/a", "1", { [header]: older })).index).toBe(2);
  });

  test.each(["", "?consistency=stale&node=n2", "?consistency=stale"])(
    "of another group is refused, and not given back, at /v1/kv/a%s",
    async (query) => {
      const client = new TestClient();
      const foreign = encodeBookmark({ generation: 0, index: 1_000 });
      const response = await client.get(`/v1/kv/a${query}`, { [header]: foreign });
      expect(bookmarkIn(response).index).toBe(1);
      const { error } = await response.json<ErrorBody>();
      expect([response.status, error.code]).toEqual([400, "future_index"]);
      expect(error.message).toMatch(/^This group has not come to index 1000, only to 1\. /);
      const { error: same } = await (await client.get("/v1/kv/a?min_index=2")).json<ErrorBody>();
      expect(same.code).toBe("future_index");
    },
  );

  test.each(["zzz", "AQ", "!", "AQAAAAAAAAAAAAAAAgA"])("is refused as %j by reads", async (text) => {
    const client = new TestClient();
    for (const response of [
      await client.get("/v1/kv/a", { [header]: text }),
      await client.get("/v1/kv", { [header]: text }),
      await client.send("POST", "/v1/get", { body: '{"keys":["a"]}', headers: { [header]: text } }),
    ]) {
      expect(await failure(response)).toMatchObject({ status: 400, code: "invalid_header" });
    }
    expect(client.nodes.calls).toEqual([]);
  });
});

describe("after a recovery by force", () => {
  const old = encodeBookmark({ generation: 0, index: 7 });

  test("a bookmark of the former group is refused, known or not, and a new one is given", async () => {
    for (const knows of [true, false]) {
      const client = new TestClient();
      client.nodes.group().generation = 1;
      if (knows) await client.get("/v1/kv/a");
      const response = await client.get("/v1/kv/a", { [header]: old });
      expect(bookmarkIn(response)).toEqual({ generation: 1, index: 1 });
      expect(await failure(response)).toEqual({ status: 409, code: "bookmark_lost", ambiguous: false });
      const again = await client.get("/v1/kv/a", { [header]: response.headers.get(header)! });
      expect(await failure(again)).toMatchObject({ status: 404, code: "key_not_found" });
    }
  });

  test("a node that waits in vain for an index of the former group says so", async () => {
    const client = new TestClient();
    client.nodes.group().generation = 1;
    client.nodes.group().lagging.add("n2");
    const response = await client.get("/v1/kv/a?consistency=stale&node=n2", { [header]: old });
    expect(await failure(response)).toMatchObject({ status: 409, code: "bookmark_lost" });
  });

  test("a node that was left behind does not answer who has seen the new group", async () => {
    const client = new TestClient();
    const newer = encodeBookmark({ generation: 2, index: 1 });
    const response = await client.get("/v1/kv/a", { [header]: newer });
    expect(bookmarkIn(response)).toEqual({ generation: 2, index: 1 });
    expect(await failure(response)).toMatchObject({ status: 503, code: "unavailable" });
  });
});
