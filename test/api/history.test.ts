/** Past revisions, compaction, and sessions over REST. */

import { describe, expect, test } from "vitest";
import { failure, tag, TestClient } from "./client.ts";
import type { ErrorBody } from "./client.ts";

const post = (
  client: TestClient,
  path: string,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<Response> =>
  client.send("POST", path, { body: typeof body === "string" ? body : JSON.stringify(body), headers });

/** A key that was put at the revisions 2, 3 and 4, and deleted at 5. */
async function written(): Promise<TestClient> {
  const client = new TestClient();
  for (const value of ["one", "two", "three"]) await client.put("/v1/kv/a", value);
  await client.delete("/v1/kv/a");
  return client;
}

describe("a past revision", () => {
  test("is read as it was then", async () => {
    const client = await written();
    const read = async (revision: number): Promise<string> => {
      const response = await client.get(`/v1/kv/a?revision=${revision}`);
      return response.status === 200 ? `${await response.text()} ${tag(response)}` : String(response.status);
    };
    expect(await Promise.all([1, 2, 3, 4, 5].map(read))).toEqual(["404", 'one "2"', 'two "3"', 'three "4"', "404"]);
    const whole = await client.get("/v1/kv/a?revision=3&format=json");
    expect(await whole.json()).toMatchObject({ value: "two", mod_revision: 3, version: 2, revision: 5 });
    const known = await client.get("/v1/kv/a?revision=3", { "if-none-match": '"3"' });
    expect(known.status).toBe(304);
  });

  test.each(["", "0", "-1", "1.5", "x", "99999999999999999999"])("%j is none", async (revision) => {
    const response = await new TestClient().get(`/v1/kv/a?revision=${revision}`);
    expect(await failure(response)).toMatchObject({ status: 400, code: "invalid_parameter" });
  });

  test("that is not yet is refused", async () => {
    const client = await written();
    const response = await client.get("/v1/kv/a?revision=6");
    const { error } = await response.json<ErrorBody>();
    expect([response.status, error.code]).toEqual([400, "future_revision"]);
    expect(error.message).toMatch(/only to 5\.$/);
  });

  test("that a node behind does not have yet is asked of one that does", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "one");
    client.nodes.group().lagging.add("n2").add("n3");
    await client.put("/v1/kv/a", "two");
    for (const query of ["consistency=stale", "consistency=stale&node=n1"]) {
      const response = await client.get(`/v1/kv/a?revision=3&${query}`);
      expect([response.status, await response.text()]).toEqual([200, "two"]);
    }
    client.nodes.group().leader = "n1";
    const stale = await client.get("/v1/kv/a?revision=2&consistency=stale&node=n2");
    expect([stale.headers.get("x-raft-served-by"), await stale.text()]).toEqual(["n2", "one"]);
  });
});

describe("compaction", () => {
  test("forgets what only earlier revisions have", async () => {
    const client = await written();
    const response = await post(client, "/v1/compact", { revision: 3 });
    expect([response.status, await response.json()]).toEqual([200, { compact_revision: 3, revision: 5 }]);
    expect(await (await client.get("/v1/kv/a?revision=3")).text()).toBe("two");
    const gone = await client.get("/v1/kv/a?revision=2");
    expect([gone.status, await gone.json()]).toMatchObject([
      410,
      { error: { code: "compacted", compact_revision: 3 } },
    ]);
    expect(await failure(await post(client, "/v1/compact", { revision: 2 }))).toMatchObject({ status: 410 });
    expect(await failure(await post(client, "/v1/compact", { revision: 6 }))).toMatchObject({
      code: "future_revision",
    });
  });

  test.each(["", "{", "[]", '{"revision":0}', '{"revision":-1}', '{"revision":"3"}', '{"revision":1.5}', '{"rev":3}'])(
    "is refused as %s",
    async (body) => {
      const client = await written();
      const response = await post(client, "/v1/compact", body);
      expect(await failure(response)).toEqual({ status: 400, code: "invalid_body", ambiguous: false });
      expect((await client.get("/v1/kv/a?revision=2")).status).toBe(200);
    },
  );
});

describe("a session", () => {
  const open = async (client: TestClient, body: unknown = ""): Promise<{ id: string; ttl_ms: number }> =>
    await (await post(client, "/v1/sessions", body)).json();

  test("makes writes safe to repeat for as long as it lives, and then says that it can't tell", async () => {
    const client = new TestClient();
    const { id, ttl_ms: ttlMs } = await open(client, { ttl: "10s" });
    expect(ttlMs).toBe(10_000);
    const headers = { "idempotency-key": "1", "idempotency-session": id };
    const send = (): Promise<Response> => client.send("POST", "/v1/kv/n/increment", { headers });
    const first = await send();
    expect([first.status, await first.json()]).toMatchObject([201, { value: "1" }]);
    client.nodes.group().timeMs += 9_999;
    expect(await (await send()).json()).toMatchObject({ value: "1", revision: 2 });
    client.nodes.group().timeMs += 11_250;
    expect(await failure(await send())).toEqual({ status: 409, code: "session_expired", ambiguous: false });
    expect(await (await client.get("/v1/kv/n")).text()).toBe("1");
  });

  test("has keys of its own", async () => {
    const client = new TestClient();
    const sessions = [await open(client), await open(client, { ttl: 60 }), { id: "" }];
    for (const { id } of sessions) {
      const session: Record<string, string> = id === "" ? {} : { "idempotency-session": id };
      await client.send("POST", "/v1/kv/n/increment", { headers: { "idempotency-key": "1", ...session } });
    }
    expect(await (await client.get("/v1/kv/n")).text()).toBe("3");
  });

  test.each(["7", '{"ttl":"0s"}', '{"ttl":"8d"}', '{"ttl":true}', '{"ttl":"1h","id":"x"}'])(
    "is refused as %s",
    async (body) => {
      const response = await post(new TestClient(), "/v1/sessions", body);
      expect(await failure(response)).toEqual({ status: 400, code: "invalid_body", ambiguous: false });
    },
  );

  test("is named beside a key, and by what can be its name", async () => {
    const client = new TestClient();
    for (const headers of [
      { "idempotency-session": "s" },
      { "idempotency-session": "", "idempotency-key": "1" },
      { "idempotency-session": "x".repeat(257), "idempotency-key": "1" },
    ]) {
      expect(await failure(await client.put("/v1/kv/a", "1", headers))).toMatchObject({ code: "invalid_header" });
    }
    const unknown = await client.put("/v1/kv/a", "1", { "idempotency-session": "s", "idempotency-key": "1" });
    expect(await failure(unknown)).toMatchObject({ status: 409, code: "session_expired" });
    expect((await client.get("/v1/kv/a")).status).toBe(404);
  });
});
