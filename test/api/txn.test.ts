/** `POST /v1/txn`: what can be said in JSON, what is done, and what is refused. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure, TestClient } from "./client.ts";

interface TxnBody {
  readonly succeeded: boolean;
  readonly results: readonly Record<string, Record<string, unknown>>[];
  readonly revision: number;
}

/** What is done if all compares hold: an object that is written with a `then` would pass for a promise. */
function doing(...operations: readonly unknown[]): object {
  return named({ operations });
}

/** Words of these tests, and those of the API. */
function named(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name.replace("operations", "then"), value]));
}

const text = (body: unknown): string => (typeof body === "string" ? body : JSON.stringify(body));

function post(client: TestClient, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  return client.send("POST", "/v1/txn", { body: text(body), headers });
}

async function transact(client: TestClient, body: unknown): Promise<TxnBody> {
  const response = await post(client, body);
  expect(response.status).toBe(200);
  return await response.json<TxnBody>();
}

/** A store with a, b and c, put at the revisions 2, 3 and 4. */
async function filled(): Promise<TestClient> {
  const client = new TestClient();
  for (const key of ["a", "b", "c"]) await client.put(`/v1/kv/${key}`, `value of ${key}`);
  return client;
}

async function state(client: TestClient): Promise<unknown> {
  return await (await client.get("/v1/kv?metadata=true")).json();
}

describe("operations", () => {
  test("are done in order, at one revision, and each has its result", async () => {
    const client = await filled();
    const { succeeded, results, revision } = await transact(
      client,
      doing(
        { put: { key: "d", value: "4", content_type: "text/plain", metadata: { n: [1] } } },
        { get: { prefix: "a" } },
        { delete: { key: "b", previous: true } },
        { increment: { key: "n", by: "9223372036854775807" } },
        { put: { key: "a", value: "AAE=", encoding: "base64", previous: true } },
        { get: { all: true, keys_only: true } },
      ),
    );
    expect([succeeded, revision]).toEqual([true, 5]);
    expect(results).toMatchObject([
      { put: { key: "d", created: true, create_revision: 5, mod_revision: 5, version: 1 } },
      { get: { items: [{ key: "a", value: "value of a" }], count: 1, more: false } },
      { delete: { deleted: 1, previous: [{ key: "b", value: "value of b", mod_revision: 3 }] } },
      { increment: { key: "n", value: "9223372036854775807", created: true } },
      { put: { key: "a", created: false, version: 2, previous: { value: "value of a" } } },
      { get: { count: 4, items: [{ key: "a" }, { key: "c" }, { key: "d" }, { key: "n" }] } },
    ]);
    expect(await (await client.get("/v1/kv/d?format=json")).json()).toMatchObject({
      metadata: { n: [1] },
      content_type: "text/plain",
    });
    expect(new Uint8Array(await (await client.get("/v1/kv/a")).arrayBuffer())).toEqual(Uint8Array.of(0, 1));
  });

  test("tell nothing of what was there before, unless they are asked to", async () => {
    const client = await filled();
    const { results } = await transact(client, doing({ put: { key: "a", value: "" } }, { delete: { prefix: "b" } }));
    expect(results[0]!["put"]).not.toHaveProperty("previous");
    expect(results[1]).toEqual({ delete: { deleted: 1 } });
  });

  test("read ranges as they are asked to", async () => {
    const client = await filled();
    const read = async (get: object): Promise<unknown[]> => {
      const { results } = await transact(client, doing({ get }));
      const { items } = results[0]!["get"] as { items: readonly { key: string }[] };
      return [...items.map(({ key }) => key), results[0]!["get"]!["count"]];
    };
    expect(await read({ all: true, sort: "mod_revision", order: "descending" })).toEqual(["c", "b", "a", 3]);
    expect(await read({ start: "b" })).toEqual(["b", "c", 2]);
    expect(await read({ end: "b" })).toEqual(["a", 1]);
    expect(await read({ start: "a", end: "c", limit: 1 })).toEqual(["a", 2]);
    expect(await read({ all: true, min_mod_revision: 3 })).toEqual(["b", "c", 3]);
    expect(await read({ all: true, max_create_revision: 2 })).toEqual(["a", 3]);
    expect(await read({ all: true, count_only: true })).toEqual([3]);
    expect(await read({ all: true, revision: 2 })).toEqual(["a", 1]);
    expect(await read({ key: "/w==", key_encoding: "base64" })).toEqual([0]);
  });

  test("nest, and a case that does not hold has results of its own", async () => {
    const client = await filled();
    const { results } = await transact(client, {
      if: [{ key: "a", exists: true }],
      ...doing({ txn: { if: [{ key: "z", exists: true }], else: [{ increment: { key: "n" } }] } }),
      else: [{ put: { key: "never", value: "" } }],
    });
    expect(results).toMatchObject([{ txn: { succeeded: false, results: [{ increment: { key: "n", value: "1" } }] } }]);
    expect((await client.get("/v1/kv/never")).status).toBe(404);
  });

  test("give keys a life, and keep what they have", async () => {
    const client = await filled();
    await transact(
      client,
      doing({ put: { key: "a", value: "1", ttl: "1h" } }, { put: { key: "b", value: "1", ttl: 60 } }),
    );
    const { lease } = await (await client.get("/v1/kv/a?format=json")).json<{ lease: string }>();
    await transact(
      client,
      doing({ put: { key: "a", value: "2", keep_lease: true } }, { put: { key: "b", keep_value: true } }),
    );
    expect(await (await client.get("/v1/kv/a?format=json")).json()).toMatchObject({ lease, value: "2" });
    const b = await (await client.get("/v1/kv/b?format=json")).json();
    expect(b).toMatchObject({ value: "1", version: 3 });
    expect(b).not.toHaveProperty("lease");
  });

  test("of none do nothing, at the present revision", async () => {
    const client = await filled();
    expect(await transact(client, "")).toEqual({ succeeded: true, results: [], revision: 4 });
    expect(await transact(client, { if: null, ...doing() })).toEqual({ succeeded: true, results: [], revision: 4 });
  });
});

describe("compares", () => {
  test.each<[object, boolean]>([
    [{ key: "a", exists: true }, true],
    [{ key: "a", exists: false }, false],
    [{ key: "z", exists: false }, true],
    [{ key: "a", target: "value", to: "value of a" }, true],
    [{ key: "a", target: "value", op: "!=", to: "dmFsdWUgb2YgYQ==", encoding: "base64" }, false],
    [{ key: "a", target: "value", op: "<", to: "value of b" }, true],
    [{ key: "a", target: "value", op: ">", to: "value of b" }, false],
    [{ key: "z", target: "value", op: "!=", to: "1" }, false],
    [{ key: "a", target: "version", to: 1 }, true],
    [{ key: "a", target: "mod_revision", op: ">", to: 1 }, true],
    [{ key: "c", target: "create_revision", op: "<", to: 4 }, false],
    [{ key: "a", target: "lease", to: 0 }, true],
    [{ key: "a", target: "lease", op: "!=", to: "-9223372036854775808" }, true],
    [{ all: true, target: "version", to: 1 }, true],
    [{ start: "a", end: "c", target: "mod_revision", op: "<", to: 4 }, true],
    [{ start: "a", target: "mod_revision", op: "<", to: 4 }, false],
    [{ prefix: "nobody", target: "version", to: 0 }, true],
  ])("%j holds: %s", async (compare, holds) => {
    const client = await filled();
    expect((await transact(client, { if: [compare] })).succeeded).toBe(holds);
    expect((await transact(client, { if: [{ key: "a", exists: true }, compare] })).succeeded).toBe(holds);
  });
});

describe("a transaction", () => {
  const many = (count: number): object[] => Array.from({ length: count }, (_, at) => ({ get: { key: `k${at}` } }));
  const nested = (depth: number): object => doing(...(depth > 1 ? [{ txn: nested(depth - 1) }] : []));

  test.each<[unknown, string]>([
    ["{", "invalid_body"],
    ["[]", "invalid_body"],
    ["\u{feff}{", "invalid_body"],
    [{ when: [] }, "invalid_body"],
    [{ ...named({ operations: {} }) }, "invalid_body"],
    [doing({}), "invalid_body"],
    [doing(null), "invalid_body"],
    [doing({ put: { key: "a", value: "1" }, get: { key: "a" } }), "invalid_body"],
    [doing({ post: {} }), "invalid_body"],
    [doing({ put: [] }), "invalid_body"],
    [doing({ put: { value: "1" } }), "invalid_body"],
    [doing({ put: { key: "", value: "1" } }), "invalid_body"],
    [doing({ put: { key: "a" } }), "invalid_body"],
    [doing({ put: { key: "a", value: 1 } }), "invalid_body"],
    [doing({ put: { key: "a", value: "%", encoding: "base64" } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", ttl: "x" } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", ttl: 1.5 } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", expires_at: 1 } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", content_type: "ü" } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", lease: 2 ** 53 } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", lease: "0" } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", metadata: "x".repeat(1023) } }), "invalid_body"],
    [doing({ put: { key: "a", value: "1", keep_value: true } }), "invalid_body"],
    [doing({ put: { key: "a", value: "x".repeat(1024 * 1024 + 1) } }), "invalid_body"],
    [doing({ get: {} }), "invalid_body"],
    [doing({ get: { prefix: "" } }), "invalid_body"],
    [doing({ get: { key: "a", prefix: "a" } }), "invalid_body"],
    [doing({ get: { all: false } }), "invalid_body"],
    [doing({ get: { all: true, limit: -1 } }), "invalid_body"],
    [doing({ get: { all: true, sort: "size" } }), "invalid_body"],
    [doing({ delete: {} }), "invalid_body"],
    [doing({ increment: { key: "a", by: 2 ** 53 } }), "invalid_body"],
    [doing({ increment: { key: "a", by: "9223372036854775808" } }), "invalid_body"],
    [{ if: [{ key: "a" }] }, "invalid_body"],
    [{ if: [{ key: "a", target: "mod_revision" }] }, "invalid_body"],
    [{ if: [{ key: "a", target: "size", to: 1 }] }, "invalid_body"],
    [{ if: [{ key: "a", target: "version", op: ">=", to: 1 }] }, "invalid_body"],
    [{ if: [{ key: "a", target: "version", to: "1" }] }, "invalid_body"],
    [{ if: [{ key: "a", exists: true, op: "=" }] }, "invalid_body"],
    [{ if: [{ key: "a", exists: "yes" }] }, "invalid_body"],
    [doing(...many(129)), "too_many_operations"],
    [nested(9), "too_many_operations"],
    [doing(...many(127), { txn: doing(...many(2)) }), "too_many_operations"],
    [doing({ put: { key: "a", value: "1" } }, { put: { key: "a", value: "2" } }), "duplicate_key"],
    [doing({ put: { key: "a", value: "1" } }, { get: { key: "a", revision: 99 } }), "future_revision"],
    [doing({ put: { key: "z", keep_value: true } }), "key_not_found"],
    [doing({ put: { key: "z", value: "1" } }, { put: { key: "y", value: "1", lease: "7" } }), "lease_not_found"],
    [doing({ put: { key: "z", value: "1" } }, { increment: { key: "a" } }), "not_a_number"],
  ])("is refused as %j: %s, and nothing changes", async (body, code) => {
    const client = await filled();
    const before = await state(client);
    expect(await failure(await post(client, body))).toMatchObject({ code, ambiguous: false });
    expect(await state(client)).toEqual(before);
  });

  test("that is too large in all is refused with the limits", async () => {
    const client = await filled();
    // None of its lists is too long.
    const inner = doing(...Array.from({ length: 120 }, () => ({ get: { key: "a" } })));
    const response = await post(client, doing(...Array.from({ length: 70 }, () => ({ txn: inner }))));
    const { error } = await response.json<{ error: { code: string; message: string } }>();
    expect([response.status, error.code]).toEqual([400, "too_many_operations"]);
    expect(error.message).toMatch(/\b128 compares and operations a list\b.*\b8 deep, and 8192 in all\b/);
  });

  test("of 128 operations a list, eight deep, is the largest", async () => {
    const client = await filled();
    expect((await transact(client, doing(...many(128)))).results).toHaveLength(128);
    expect((await transact(client, nested(8))).succeeded).toBe(true);
  });

  test("takes effect once under an Idempotency-Key", async () => {
    const client = await filled();
    const body = doing(
      { increment: { key: "n" } },
      { put: { key: "e", value: "", expires_at: "2099-01-01T00:00:00Z" } },
    );
    const headers = { "idempotency-key": "one" };
    const first = await (await post(client, body, headers)).json();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(await (await post(client, body, headers)).json()).toEqual(first);
    expect(await (await client.get("/v1/kv/n")).text()).toBe("1");
    expect(await failure(await post(client, {}, headers))).toMatchObject({
      status: 409,
      code: "idempotency_key_reused",
    });
  });

  test("that is not UTF-8, or too long, is refused", async () => {
    const client = await filled();
    const notText = await client.send("POST", "/v1/txn", { body: Uint8Array.of(0x7b, 0xff, 0x7d) });
    expect(await failure(notText)).toMatchObject({ status: 400, code: "invalid_body" });
    const long = await post(client, " ".repeat(4 * 1024 * 1024 + 1));
    expect(await failure(long)).toMatchObject({ status: 413, code: "too_large" });
  });
});

test("no JSON at all is answered with a failure of the server, or changes anything but by a success", async () => {
  const words = [
    "if",
    "then",
    "else",
    "put",
    "get",
    "delete",
    "increment",
    "txn",
    "key",
    "value",
    "prefix",
    "all",
    "ttl",
  ];
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: "small" },
      fc.constantFrom<unknown>(null, true, -1, 7, 1e300, "", "a", "base64", "1s", "__proto__"),
      fc.array(tie("value"), { maxLength: 3 }),
      fc.dictionary(fc.constantFrom(...words, "key_encoding", "by", "target", "to", "exists"), tie("value"), {
        maxKeys: 4,
      }),
    ),
  })).value;
  const client = await filled();
  await fc.assert(
    fc.asyncProperty(
      json,
      fc.constantFrom("/v1/txn", "/v1/batch", "/v1/get", "/v1/compact", "/v1/sessions"),
      async (value, path) => {
        const before = await state(client);
        const response = await client.send("POST", path, { body: JSON.stringify(value) });
        expect([200, 201, 400, 404, 409, 410]).toContain(response.status);
        const isSuccess = response.status < 300;
        expect(isSuccess ? before : await state(client)).toEqual(before);
      },
    ),
    { numRuns: 500 },
  );
});
