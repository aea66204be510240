/** `POST /v1/kv/{key}/increment`: numbers that grow, and which key is meant. */

import { describe, expect, test } from "vitest";
import { failure, tag, TestClient } from "./client.ts";

const increment = (client: TestClient, path: string, headers: Record<string, string> = {}): Promise<Response> =>
  client.send("POST", `/v1/kv/${path}`, { headers });

describe("an increment", () => {
  test("counts from 0, by one or by what is said, and tells the sum and the revisions", async () => {
    const client = new TestClient();
    const created = await increment(client, "n/increment");
    expect([created.status, tag(created), await created.json()]).toEqual([
      201,
      '"2"',
      { key: "n", value: "1", revision: 2, create_revision: 2, mod_revision: 2, version: 1 },
    ]);
    const more = await increment(client, "n/increment?by=-43");
    expect([more.status, await more.json()]).toMatchObject([200, { value: "-42", revision: 3, version: 2 }]);
    expect(await (await client.get("/v1/kv/n")).text()).toBe("-42");
  });

  test("counts further than a number of JavaScript can", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/n", "9223372036854775800");
    const response = await increment(client, "n/increment?by=%2B7");
    expect(await response.json()).toMatchObject({ value: "9223372036854775807" });
    expect(await failure(await increment(client, "n/increment"))).toMatchObject({
      status: 409,
      code: "number_overflow",
    });
    expect(await (await client.get("/v1/kv/n")).text()).toBe("9223372036854775807");
  });

  test("keeps content type and metadata", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/n", "1", { "content-type": "text/plain", "x-raft-metadata": '{"a":1}' });
    await increment(client, "n/increment");
    const { headers } = await client.get("/v1/kv/n");
    expect([headers.get("content-type"), headers.get("x-raft-metadata")]).toEqual(["text/plain", '{"a":1}']);
  });

  test.each(["one", "", "1.5", " 1", "9223372036854775808"])("of %j is refused, and the value stays", async (value) => {
    const client = new TestClient();
    await client.put("/v1/kv/n", value);
    expect(await failure(await increment(client, "n/increment"))).toEqual({
      status: 409,
      code: "not_a_number",
      ambiguous: false,
    });
    expect(await (await client.get("/v1/kv/n")).text()).toBe(value);
  });

  test.each(["by=", "by=x", "by=1.5", "by=9223372036854775808", "by=1&by=2", "to=5"])(
    "?%s is refused",
    async (query) => {
      const client = new TestClient();
      const code = "invalid_parameter";
      expect(await failure(await increment(client, `n/increment?${query}`))).toMatchObject({ status: 400, code });
      expect(client.nodes.calls).toEqual([]);
    },
  );

  test("takes no body, takes conditions, and takes effect once under an Idempotency-Key", async () => {
    const client = new TestClient();
    const withBody = await client.send("POST", "/v1/kv/n/increment", { body: '{"by":5}' });
    expect(await failure(withBody)).toMatchObject({ status: 400, code: "invalid_body" });
    const refused = await increment(client, "n/increment", { "if-match": "*" });
    expect(await failure(refused)).toMatchObject({ status: 412, code: "precondition_failed" });
    for (let count = 0; count < 2; count += 1) {
      const response = await increment(client, "n/increment", { "if-none-match": "*", "idempotency-key": "one" });
      expect([response.status, await response.json()]).toMatchObject([201, { value: "1" }]);
    }
  });
});

describe("the key", () => {
  test.each([
    ["a/b/increment", "a/b"],
    ["a/increment/increment", "a/increment"],
    ["a%2Fincrement/increment", "a/increment"],
    ["/increment/increment", "/increment"],
    ["%ff/increment", "/w=="],
    ["increment/increment", "increment"],
  ])("of %s is %s", async (path, key) => {
    const response = await increment(new TestClient(), path);
    expect([response.status, await response.json()]).toMatchObject([201, { key }]);
  });

  test.each([
    ["increment", 400, "invalid_key"],
    ["/increment", 400, "invalid_key"],
    ["a", 405, "method_not_allowed"],
    ["a/increment/", 405, "method_not_allowed"],
    ["a%2Fincrement", 405, "method_not_allowed"],
    ["a/incremen%74", 405, "method_not_allowed"],
    ["a/Increment", 405, "method_not_allowed"],
  ])("is none in POST %s", async (path, status, code) => {
    const client = new TestClient();
    const response = await increment(client, path);
    expect(await failure(response)).toMatchObject({ status, code });
    expect(client.nodes.calls).toEqual([]);
  });

  test("that ends with /increment is read, put and deleted as any other", async () => {
    const client = new TestClient();
    expect((await client.put("/v1/kv/a/increment", "7")).status).toBe(201);
    await increment(client, "a/increment/increment");
    expect(await (await client.get("/v1/kv/a/increment")).text()).toBe("8");
    expect((await client.delete("/v1/kv/a/increment")).status).toBe(200);
  });
});
