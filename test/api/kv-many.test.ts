/** Several keys in one request: `POST /v1/get` and `DELETE /v1/kv`. */

import { describe, expect, test } from "vitest";
import { failure, TestClient } from "./client.ts";

async function filled(...keys: string[]): Promise<TestClient> {
  const client = new TestClient();
  for (const key of keys) await client.put(`/v1/kv/${key}`, `value of ${key}`);
  return client;
}

const post = (client: TestClient, path: string, body: unknown): Promise<Response> =>
  client.send("POST", path, { body: typeof body === "string" ? body : JSON.stringify(body) });

async function keysIn(client: TestClient): Promise<string[]> {
  const { items } = await (await client.get("/v1/kv")).json<{ items: readonly { key: string }[] }>();
  return items.map(({ key }) => key);
}

describe("a get of several keys", () => {
  test("has an item for each, in their order, at one revision", async () => {
    const client = await filled("a", "b", "%ff");
    const keys = ["b", "none", { key: "/w==", key_encoding: "base64" }, { key: "a" }, "b"];
    const response = await post(client, "/v1/get", { keys });
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      items: [
        { key: "b", value: "value of b" },
        null,
        { key: "/w==", key_encoding: "base64" },
        { key: "a" },
        { key: "b" },
      ],
      revision: 4,
    });
  });

  test("leaves values out when asked to", async () => {
    const client = await filled("a");
    const response = await post(client, "/v1/get", { keys: ["a"], keys_only: true });
    const { items } = await response.json<{ items: readonly object[] }>();
    expect(items[0]).toMatchObject({ value_bytes: 10 });
    expect(items[0]).not.toHaveProperty("value");
  });

  test("is answered by the node that is asked", async () => {
    const client = await filled("a");
    const response = await post(client, "/v1/get?consistency=stale&node=n3", { keys: ["a"] });
    expect([response.status, response.headers.get("x-raft-served-by")]).toEqual([200, "n3"]);
  });

  test("of a hundred keys is the largest", async () => {
    const client = await filled("a");
    const keys = Array.from({ length: 100 }, (_, number) => `key ${number}`);
    const response = await post(client, "/v1/get", { keys });
    expect((await response.json<{ items: readonly null[] }>()).items).toHaveLength(100);
    expect(await failure(await post(client, "/v1/get", { keys: [...keys, "a"] }))).toMatchObject({ status: 400 });
  });

  test.each([
    "",
    "{",
    "[]",
    "null",
    "{}",
    '{"keys":"a"}',
    '{"keys":[]}',
    '{"keys":[""]}',
    '{"keys":[7]}',
    '{"keys":[null]}',
    '{"keys":["\\ud800"]}',
    '{"keys":[{"key":"a","key_encoding":"hex"}]}',
    '{"keys":[{"key":"a=","key_encoding":"base64"}]}',
    '{"keys":[{"kee":"a"}]}',
    '{"keys":["a"],"keys_only":1}',
    '{"keys":["a"],"values":true}',
    `{"keys":["${"x".repeat(2049)}"]}`,
  ])("is refused as %s", async (body) => {
    const client = new TestClient();
    expect(await failure(await post(client, "/v1/get", body))).toEqual({
      status: 400,
      code: "invalid_body",
      ambiguous: false,
    });
    expect(client.nodes.calls).toEqual([]);
  });

  test("says which answer would be too large", async () => {
    const client = new TestClient();
    const value = "x".repeat(1024 * 1024);
    for (let number = 0; number < 33; number += 1) await client.put(`/v1/kv/${number}`, value);
    const keys = Array.from({ length: 33 }, (_, number) => String(number));
    expect(await failure(await post(client, "/v1/get", { keys }))).toMatchObject({
      status: 400,
      code: "answer_too_large",
    });
    expect((await post(client, "/v1/get", { keys, keys_only: true })).status).toBe(200);
  });
});

describe("a deletion by prefix", () => {
  test("deletes what begins with it, at one revision", async () => {
    const client = await filled("a", "a/1", "a/2", "a0", "b%ff", "b%ff%ff");
    const response = await client.delete("/v1/kv?prefix=a/");
    expect([response.status, await response.json()]).toEqual([200, { deleted: 2, revision: 8 }]);
    expect(await (await client.delete("/v1/kv?prefix=b%ff")).json()).toEqual({ deleted: 2, revision: 9 });
    expect(await keysIn(client)).toEqual(["a", "a0"]);
    expect(await (await client.delete("/v1/kv?prefix=b")).json()).toEqual({ deleted: 0, revision: 9 });
  });

  test("of everything must be asked for", async () => {
    const client = await filled("a", "b");
    for (const query of [
      "",
      "?prefix=",
      "?all=false",
      "?prefix=a&all=true",
      "?all=1",
      "?prefix=a&limit=1",
      "?start=a",
    ]) {
      const refused = await client.delete(`/v1/kv${query}`);
      expect(await failure(refused)).toMatchObject({ status: 400, code: "invalid_parameter" });
    }
    expect(await keysIn(client)).toEqual(["a", "b"]);
    expect(await (await client.delete("/v1/kv?all=true")).json()).toEqual({ deleted: 2, revision: 4 });
  });

  test("knows no conditions, and takes effect once under an Idempotency-Key", async () => {
    const client = await filled("a");
    const conditional = await client.delete("/v1/kv?prefix=a", { "if-match": '"2"' });
    expect(await failure(conditional)).toMatchObject({ status: 400, code: "invalid_header" });
    for (let count = 0; count < 2; count += 1) {
      const response = await client.delete("/v1/kv?prefix=a", { "idempotency-key": "one" });
      expect(await response.json()).toEqual({ deleted: 1, revision: 3 });
      await client.put("/v1/kv/a", "again");
    }
    expect(await keysIn(client)).toEqual(["a"]);
  });
});
