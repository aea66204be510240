/** Lists of keys over HTTP. */

import { describe, expect, test } from "vitest";
import { encodeCursor } from "../../src/api/cursor.ts";
import { failure, TestClient } from "./client.ts";

interface Page {
  readonly items: readonly { readonly key: string; readonly value?: string }[];
  readonly cursor: string | null;
  readonly revision: number;
}

async function filled(...keys: string[]): Promise<TestClient> {
  const client = new TestClient();
  for (const key of keys) await client.put(`/v1/kv/${key}`, `value of ${key}`);
  return client;
}

async function list(client: TestClient, query: string): Promise<Page> {
  return await (await client.get(`/v1/kv?${query}`)).json<Page>();
}

async function listedKeys(client: TestClient, query: string): Promise<string[]> {
  return (await list(client, query)).items.map(({ key }) => key);
}

test("a list is in the order of bytes, with everything there is to know of each key", async () => {
  const client = await filled("b", "a%ff", "a", "%00", "%C3%BC", "Z");
  expect(await listedKeys(client, "")).toEqual(["\0", "Z", "a", "Yf8=", "b", "ü"]);
  const response = await client.get("/v1/kv?prefix=b");
  expect([response.status, response.headers.get("x-raft-index")]).toEqual([200, "7"]);
  expect(await response.json()).toEqual({
    items: [
      {
        key: "b",
        value: "value of b",
        encoding: "utf8",
        value_bytes: 10,
        content_type: "text/plain;charset=UTF-8",
        create_revision: 2,
        mod_revision: 2,
        version: 1,
      },
    ],
    cursor: null,
    revision: 7,
  });
});

describe("a list is bounded", () => {
  test.each([
    ["prefix=b", ["b", "b/1", "b/2", "b%FF"]],
    ["prefix=b%2F", ["b/1", "b/2"]],
    ["prefix=b/", ["b/1", "b/2"]],
    ["prefix=b%ff", ["b%FF"]],
    ["prefix=b+", []],
    ["prefix=x+", ["x y"]],
    ["prefix=x%20", ["x y"]],
    ["prefix=x%2B", []],
    ["start=b/1", ["b/1", "b/2", "b%FF", "c", "x y"]],
    ["end=b/2", ["a", "b", "b/1"]],
    ["start=b&end=c", ["b", "b/1", "b/2", "b%FF"]],
    ["prefix=b&start=b/&end=b0", ["b/1", "b/2"]],
    ["start=c&end=a", []],
    ["prefix=&start=&end=&cursor=", ["a", "b", "b/1", "b/2", "b%FF", "c", "x y"]],
    ["limit=2", ["a", "b"]],
  ])("by %s", async (query, expected) => {
    const client = await filled("c", "b/2", "b%FF", "b", "a", "b/1", "x y");
    const names = expected.map((key) => (key === "b%FF" ? btoa("b\xff") : key));
    expect(await listedKeys(client, query)).toEqual(names);
  });
});

test("pages lead from one to the next, whatever happens to the keys in between", async () => {
  const client = await filled("a", "b", "c", "d", "e");
  const first = await list(client, "limit=2&keys_only");
  expect(first.items).toMatchObject([{ key: "a", value_bytes: 10 }, { key: "b" }]);
  expect(first.items.some((item) => "value" in item)).toBe(false);
  await client.delete("/v1/kv/b");
  await client.put("/v1/kv/bb", "1");
  const second = await list(client, `limit=2&cursor=${first.cursor}`);
  expect(second.items.map(({ key }) => key)).toEqual(["bb", "c"]);
  const third = await list(client, `limit=2&cursor=${second.cursor}`);
  expect([third.items.map(({ key }) => key), third.cursor]).toEqual([["d", "e"], null]);
});

test("HEAD of a list has no body", async () => {
  const response = await (await filled("a")).send("HEAD", "/v1/kv");
  expect([response.status, await response.text()]).toEqual([200, ""]);
});

test.each([
  "limit=0",
  "limit=1001",
  "limit=-1",
  "limit=ten",
  "limit=1.5",
  "limit=1e2",
  "limit=",
  "keys_only=yes",
  "cursor=!",
  "cursor=a",
  "cursor=AAAA",
  `cursor=${encodeCursor(new Uint8Array(2049))}`,
  "cursor=AQ",
  "prefix=%",
  "prefix=%zz",
  `start=${"x".repeat(2049)}`,
  "prefx=a",
  "prefix=a&prefix=b",
  "%70refix=a",
  "consistency=Stale",
  "format=json",
])("%s is refused before any node is asked", async (query) => {
  const client = new TestClient();
  const answer = await failure(await client.get(`/v1/kv?${query}`));
  expect(answer).toEqual({ status: 400, code: "invalid_parameter", ambiguous: false });
  expect(client.nodes.calls).toEqual([]);
});

test("the largest limit is taken", async () => {
  expect(await listedKeys(await filled("a"), "limit=1000&keys_only=true")).toEqual(["a"]);
});
