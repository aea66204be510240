/** Lists of keys over HTTP. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeCursor } from "../../src/api/cursor.ts";
import { failure, TestClient } from "./client.ts";

interface Page {
  readonly items: readonly { readonly key: string; readonly value?: string }[];
  readonly common_prefixes?: readonly { readonly prefix: string }[];
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

/** What a list holds, from first to last: keys, and common prefixes with a star behind them. */
async function entries(client: TestClient, query: string): Promise<string[]> {
  const { items, common_prefixes: prefixes = [] } = await list(client, query);
  return [...items.map(({ key }) => key), ...prefixes.map(({ prefix }) => `${prefix}*`)].toSorted();
}

test("pages that ask for the first one's revision show one state, whatever is written meanwhile", async () => {
  const client = await filled("a", "b", "c", "d");
  const first = await list(client, "limit=2");
  await client.put("/v1/kv/b/2", "new");
  await client.delete("/v1/kv/c");
  const query = `limit=2&cursor=${first.cursor}`;
  expect(await listedKeys(client, query)).toEqual(["b/2", "d"]);
  const then = await list(client, `${query}&revision=${first.revision}`);
  expect([then.items.map(({ key, value }) => [key, value]), then.cursor]).toEqual([
    [
      ["c", "value of c"],
      ["d", "value of d"],
    ],
    null,
  ]);
  await client.send("POST", "/v1/compact", { body: '{"revision":7}' });
  expect(await failure(await client.get(`/v1/kv?${query}&revision=${first.revision}`))).toMatchObject({
    status: 410,
    code: "compacted",
  });
  expect(await failure(await client.get("/v1/kv?revision=99"))).toMatchObject({ status: 400, code: "future_revision" });
});

describe("a list", () => {
  test("goes backwards", async () => {
    const client = await filled("a", "b", "b/1", "c");
    expect(await listedKeys(client, "reverse=true")).toEqual(["c", "b/1", "b", "a"]);
    expect(await listedKeys(client, "reverse=true&prefix=b&limit=1")).toEqual(["b/1"]);
    expect(await listedKeys(client, "reverse=true&start=b&end=c")).toEqual(["b/1", "b"]);
    const { cursor } = await list(client, "reverse=true&limit=3");
    expect(await listedKeys(client, `reverse=true&cursor=${cursor}`)).toEqual(["a"]);
  });

  test("folds what has a delimiter behind the prefix into common prefixes", async () => {
    const client = await filled("a", "b/1", "b/2", "b/c/3", "d//e", "%ff/1", "f");
    const { items, common_prefixes: prefixes } = await list(client, "delimiter=/");
    expect(items.map(({ key }) => key)).toEqual(["a", "f"]);
    expect(prefixes).toEqual([{ prefix: "b/" }, { prefix: "d/" }, { prefix: "/y8=", prefix_encoding: "base64" }]);
    expect(await entries(client, "delimiter=/&prefix=b/")).toEqual(["b/1", "b/2", "b/c/*"]);
    expect(await entries(client, "delimiter=//")).toContain("d//*");
    expect(await list(client, "prefix=b/&delimiter=")).not.toHaveProperty("common_prefixes");
  });

  test("goes page by page through all that there is, whatever it folds and in either direction", async () => {
    const keys = ["a", "a/", "a/1", "a/1/2", "a0", "b/1", "b/2", "c", "/", "//"];
    const client = await filled(...keys);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom("", "a", "a/", "b/", "/"),
        fc.constantFrom("", "/", "1"),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (prefix, delimiter, limit, reverse) => {
          const query = `prefix=${prefix}&delimiter=${delimiter}&reverse=${reverse}`;
          const found: string[] = [];
          for (let cursor = ""; ;) {
            const page = await list(client, `${query}&limit=${limit}&cursor=${cursor}`);
            const { items, common_prefixes: prefixes = [] } = page;
            found.push(...items.map(({ key }) => key), ...prefixes.map((folded) => `${folded.prefix}*`));
            if (page.cursor === null) break;
            expect(items.length + prefixes.length).toBe(limit);
            ({ cursor } = page);
          }
          const folded = keys
            .filter((key) => key.startsWith(prefix))
            .map((key) => {
              const at = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
              return at === -1 ? key : `${key.slice(0, at + delimiter.length)}*`;
            });
          expect(found.toSorted()).toEqual([...new Set(folded)].toSorted());
        },
      ),
      { numRuns: 60 },
    );
  });
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
  "reverse=1",
  "metadata=no",
  "delimiter=%",
  `delimiter=${"x".repeat(2049)}`,
  "revision=0",
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
