/** `POST /v1/batch`: a line in for a line out, and nothing done when a line makes no sense. */

import { describe, expect, test } from "vitest";
import { failure, TestClient } from "./client.ts";
import { faults, on } from "./fake-group.ts";
import { internalPath } from "../../src/internal.ts";

type Line = Record<string, Record<string, unknown>> & { readonly revision?: number };

function post(client: TestClient, body: string, headers: Record<string, string> = {}): Promise<Response> {
  return client.send("POST", "/v1/batch", { body, headers });
}

async function lines(response: Response): Promise<Line[]> {
  const text = await response.text();
  expect(text.endsWith("\n")).toBe(true);
  return text
    .slice(0, -1)
    .split("\n")
    .map((line) => JSON.parse(line) as Line);
}

const put = (key: string, value = "1"): string => JSON.stringify({ put: { key, value } });

describe("a batch", () => {
  test("answers each line by what became of it, in one call to the leader", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/word", "one");
    const body = [
      put("a"),
      '{"increment":{"key":"word"}}',
      '{"get":{"key":"a"}}',
      '{"delete":{"key":"a"}}',
      put("b"),
    ].join("\n");
    const response = await post(client, body);
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/x-ndjson"]);
    expect(await lines(response)).toMatchObject([
      { put: { key: "a", created: true, mod_revision: 3 }, revision: 3 },
      { error: { code: "not_a_number", ambiguous: false } },
      { get: { items: [{ key: "a", value: "1" }], count: 1 }, revision: 3 },
      { delete: { deleted: 1 }, revision: 4 },
      { put: { key: "b" }, revision: 5 },
    ]);
    expect(client.nodes.asked()).toEqual(["n1", "n1"]);
    expect(response.headers.get("x-raft-index")).toBe("7");
  });

  test.each(["\n", "\r\n"])("may end its lines with %j, the last one, too", async (end) => {
    const response = await post(new TestClient(), [put("a"), put("b"), ""].join(end));
    expect(await lines(response)).toHaveLength(2);
  });

  test("divides what its answers may hold among its lines, and does not do what would exceed that", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/large", "x".repeat(1024 * 1024));
    const get = '{"get":{"key":"large"}}';
    expect(await lines(await post(client, [get, get].join("\n")))).toMatchObject([
      { get: { count: 1 } },
      { get: { count: 1 } },
    ]);
    const swap = '{"put":{"key":"large","value":"small","previous":true}}';
    const many = await lines(await post(client, [swap, ...Array<string>(32).fill(get), put("a")].join("\n")));
    const codes = many.map((line) => line["error"]?.["code"]);
    expect(codes).toEqual([...Array<string>(33).fill("answer_too_large"), undefined]);
    expect(await (await client.get("/v1/kv/large")).text()).toHaveLength(1024 * 1024);
  });

  test("of a thousand lines is the largest", async () => {
    const client = new TestClient();
    const all = Array.from({ length: 1000 }, (_, number) => put(`key ${number}`));
    expect(await lines(await post(client, all.join("\n")))).toHaveLength(1000);
    const more = await post(client, [...all, put("more")].join("\n"));
    expect(await failure(more)).toEqual({ status: 413, code: "too_large", ambiguous: false });
    expect((await client.get("/v1/kv/more")).status).toBe(404);
  });

  test.each([
    ["", "invalid_body", "The body has one JSON object a line, and at least one."],
    ["\n", "invalid_body", "Line 1 must be JSON."],
    [`${put("a")}\n\n${put("b")}`, "invalid_body", "Line 2 must be JSON."],
    [`${put("a")}\n{"put":`, "invalid_body", "Line 2 must be JSON."],
    [`${put("a")}\n7`, "invalid_body", "Line 2 must be a JSON object."],
    [`${put("a")}\n{"put":{"key":"b"}}`, "invalid_body", "Line 2.put.value is needed."],
    [`${put("a")}\n{}`, "invalid_body", "Line 2 is one of put, get, delete, increment, txn, and nothing else."],
    [
      `${put("a")}\n{"put":{"key":"b","value":"1","ttl":"x"}}`,
      "invalid_body",
      "Line 2.put.ttl must be a whole number of s, ms, m, h or d, up to 9000000000 s.",
    ],
  ])("%j is refused as a whole", async (body, code, message) => {
    const client = new TestClient();
    const response = await post(client, body);
    const { error } = await response.clone().json<{ error: { message: string } }>();
    expect(error.message).toBe(message);
    expect(await failure(response)).toEqual({ status: 400, code, ambiguous: false });
    expect(client.nodes.calls).toEqual([]);
  });

  test("takes effect once under an Idempotency-Key, each line for itself", async () => {
    const client = new TestClient();
    const headers = { "idempotency-key": "batch 1" };
    const body = '{"increment":{"key":"n"}}\n{"increment":{"key":"n"}}\n';
    const first = await lines(await post(client, body, headers));
    expect(first).toMatchObject([{ increment: { value: "1" } }, { increment: { value: "2" } }]);
    expect(await lines(await post(client, body, headers))).toEqual(first);
    const other = await lines(await post(client, '{"increment":{"key":"n"}}\n{"delete":{"key":"n"}}', headers));
    expect(other).toMatchObject([{ increment: { value: "1" } }, { error: { code: "idempotency_key_reused" } }]);
    expect(await (await client.get("/v1/kv/n")).text()).toBe("2");
    const long = await post(client, body, { "idempotency-key": "x".repeat(252) });
    expect(await failure(long)).toMatchObject({ status: 400, code: "invalid_header" });
  });

  test("whose answer is lost says of each line that it may have taken effect", async () => {
    const client = new TestClient();
    client.nodes.faults.set("n1", on(internalPath.proposeAll, faults.losing));
    const response = await post(client, `${put("a")}\n${put("b")}`);
    expect([response.status, await lines(response)]).toMatchObject([
      200,
      [{ error: { code: "unavailable", ambiguous: true } }, { error: { ambiguous: true } }],
    ]);
  });

  test("knows no conditions", async () => {
    const response = await post(new TestClient(), put("a"), { "if-none-match": "*" });
    expect(await failure(response)).toMatchObject({ status: 400, code: "invalid_header" });
  });
});
