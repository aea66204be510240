/** Keys and values over HTTP: what is stored, what comes back, and on which condition. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { failure, tag, TestClient } from "./client.ts";

const binary = Uint8Array.of(0, 0xff, 0x80, 0x0a);

describe("a put", () => {
  test("creates with 201, replaces with 200, and tells the revisions", async () => {
    const client = new TestClient();
    const created = await client.put("/v1/kv/a", "1");
    expect(created.status).toBe(201);
    expect(await created.json()).toEqual({ key: "a", revision: 2, create_revision: 2, mod_revision: 2, version: 1 });
    const replaced = await client.put("/v1/kv/a", "1");
    expect([replaced.status, tag(replaced)]).toEqual([200, '"3"']);
    expect(await replaced.json()).toEqual({ key: "a", revision: 3, create_revision: 2, mod_revision: 3, version: 2 });
  });

  test("stores any bytes, none among them, and gives them back with their type", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", binary, { "content-type": "image/x-own" });
    const got = await client.get("/v1/kv/a");
    expect(got.headers.get("content-type")).toBe("image/x-own");
    expect(new Uint8Array(await got.arrayBuffer())).toEqual(binary);
    await client.send("PUT", "/v1/kv/empty");
    const empty = await client.get("/v1/kv/empty");
    expect([empty.status, empty.headers.get("content-type")]).toEqual([200, "application/octet-stream"]);
    expect((await empty.arrayBuffer()).byteLength).toBe(0);
  });

  test("with the same Idempotency-Key takes effect once", async () => {
    const client = new TestClient();
    const headers = { "idempotency-key": "order 1" };
    const first = await client.put("/v1/kv/a", "1", headers);
    await client.put("/v1/kv/a", "2");
    const second = await client.put("/v1/kv/a", "1", headers);
    expect([second.status, await second.json()]).toEqual([first.status, await first.json()]);
    expect(await (await client.get("/v1/kv/a")).text()).toBe("2");
    for (const other of [
      client.put("/v1/kv/a", "3", headers),
      client.put("/v1/kv/b", "1", headers),
      client.put("/v1/kv/a", "1", { ...headers, "content-type": "text/html" }),
      client.put("/v1/kv/a", "1", { ...headers, "if-match": "*" }),
      client.delete("/v1/kv/a", headers),
    ]) {
      expect(await failure(await other)).toEqual({ status: 409, code: "idempotency_key_reused", ambiguous: false });
    }
  });
});

describe("keys", () => {
  test("are any bytes, percent-encoded", async () => {
    const client = new TestClient();
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 8 }), async (key) => {
        const path = `/v1/kv/${Array.from(key, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")}`;
        // A segment that is nothing but dots is resolved before anything of this API sees it.
        fc.pre(!/^(?:%2e){1,2}$/.test(path.slice("/v1/kv/".length)));
        await client.put(path, key);
        expect(new Uint8Array(await (await client.get(path)).arrayBuffer())).toEqual(key);
      }),
      { numRuns: 200 },
    );
  });

  test.each([
    ["/v1/kv/a/b", "a/b"],
    ["/v1/kv/a%2Fb", "a/b"],
    ["/v1/kv//a//", "/a//"],
    ["/v1/kv/a+b", "a+b"],
    ["/v1/kv/%E2%82%AC", "€"],
    ["/v1/kv/€", "€"],
    ["/v1/kv/a%2F..%2Fb", "a/../b"],
    ["/v1/groups/default/kv/x/kv/y", "x/kv/y"],
    ["/v1/groups/kv/kv/groups", "groups"],
  ])("%s names %j", async (path, key) => {
    const client = new TestClient();
    expect(await (await client.put(path, "1")).json()).toMatchObject({ key });
    expect(await (await client.get(`${path}?format=json`)).json()).toMatchObject({ key, value: "1" });
  });

  test.each(["/v1/kv/%", "/v1/kv/%4", "/v1/kv/%zz", "/v1/kv/a%e2%8", "/v1/kv/", `/v1/kv/${"x".repeat(2049)}`])(
    "%s is refused before any node is asked",
    async (path) => {
      const client = new TestClient();
      for (const method of ["GET", "PUT", "DELETE"]) {
        expect(await failure(await client.send(method, path))).toMatchObject({ status: 400, code: "invalid_key" });
      }
      expect(client.nodes.calls).toEqual([]);
    },
  );

  test("of 2,048 bytes are the longest, however long their encoding", async () => {
    expect((await new TestClient().put(`/v1/kv/${"%ff".repeat(2048)}`, "1")).status).toBe(201);
  });
});

describe("a get", () => {
  test("tells revision, term, index and leader, and keeps browsers from running what is stored", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "<script>", { "content-type": "text/html" });
    const { headers } = await client.get("/v1/kv/a");
    expect(Object.fromEntries(headers)).toMatchObject({
      etag: '"2"',
      "content-type": "text/html",
      "x-raft-term": "1",
      "x-raft-index": "2",
      "x-raft-leader": "n1",
      "x-content-type-options": "nosniff",
      "content-security-policy": "default-src 'none'; sandbox",
      "cache-control": "private, no-cache, no-transform",
    });
  });

  test("of a missing key is a 404 that a node stands for", async () => {
    const response = await new TestClient().get("/v1/kv/a");
    expect(response.headers.get("x-raft-leader")).toBe("n1");
    expect(await failure(response)).toEqual({ status: 404, code: "key_not_found", ambiguous: false });
  });

  test("as JSON shows text as text, and what is none in base64", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/text", "\uFEFFgrün \uFFFD", { "content-type": "text/plain" });
    expect(await (await client.get("/v1/kv/text?format=json")).json()).toEqual({
      key: "text",
      value: "\uFEFFgrün \uFFFD",
      encoding: "utf8",
      value_bytes: 12,
      content_type: "text/plain",
      create_revision: 2,
      mod_revision: 2,
      version: 1,
      revision: 2,
    });
    await client.put("/v1/kv/%ff", binary);
    expect(await (await client.get("/v1/kv/%ff?format=json")).json()).toMatchObject({
      key: "/w==",
      key_encoding: "base64",
      value: "AP+ACg==",
      encoding: "base64",
      content_type: "application/octet-stream",
      revision: 3,
    });
  });

  test("with HEAD has the headers alone, and asks no node for the value", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "12345");
    const response = await client.send("HEAD", "/v1/kv/a");
    expect([response.status, tag(response), response.headers.get("content-length")]).toEqual([200, '"2"', "5"]);
    expect(await response.text()).toBe("");
    expect((await client.send("HEAD", "/v1/kv/missing")).status).toBe(404);
  });
});

describe("a delete", () => {
  test("tells the revision it made and the last ones of the key", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "1");
    const response = await client.delete("/v1/kv/a");
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({ key: "a", revision: 3, create_revision: 2, mod_revision: 2, version: 1 });
    expect((await client.get("/v1/kv/a")).status).toBe(404);
  });

  test("of a missing key is a 404", async () => {
    const answer = await failure(await new TestClient().delete("/v1/kv/a"));
    expect(answer).toEqual({ status: 404, code: "key_not_found", ambiguous: false });
  });
});

describe("conditions on writes", () => {
  test("If-None-Match: * creates, and never replaces", async () => {
    const client = new TestClient();
    expect((await client.put("/v1/kv/a", "1", { "if-none-match": "*" })).status).toBe(201);
    const again = await client.put("/v1/kv/a", "2", { "if-none-match": "*" });
    expect([tag(again), await failure(again)]).toEqual([
      '"2"',
      { status: 412, code: "precondition_failed", ambiguous: false },
    ]);
  });

  test("If-Match: * replaces, and never creates", async () => {
    const client = new TestClient();
    const missing = await client.put("/v1/kv/a", "1", { "if-match": "*" });
    expect([missing.status, tag(missing)]).toEqual([412, ""]);
    await client.put("/v1/kv/a", "1");
    expect((await client.put("/v1/kv/a", "2", { "if-match": "*" })).status).toBe(200);
  });

  test("If-Match with an ETag lets the first of two writers through, for put and delete", async () => {
    const client = new TestClient();
    const seen = tag(await client.put("/v1/kv/a", "1"));
    const won = await client.put("/v1/kv/a", "2", { "if-match": seen });
    const lost = await client.put("/v1/kv/a", "3", { "if-match": seen });
    expect([won.status, lost.status, tag(lost)]).toEqual([200, 412, tag(won)]);
    expect((await client.delete("/v1/kv/a", { "if-match": seen })).status).toBe(412);
    expect((await client.delete("/v1/kv/a", { "if-match": tag(won) })).status).toBe(200);
    expect((await client.delete("/v1/kv/a", { "if-match": tag(won) })).status).toBe(412);
  });

  test.each<Record<string, string>>([
    { "if-match": 'W/"2"' },
    { "if-match": '"2", "3"' },
    { "if-match": "2" },
    { "if-match": '"x"' },
    { "if-match": '"-1"' },
    { "if-match": '"9007199254740993"' },
    { "if-match": "" },
    { "if-none-match": '"2"' },
    { "if-none-match": "" },
    { "if-match": "*", "if-none-match": "*" },
    { "if-unmodified-since": "Sat, 29 Oct 1994 19:43:31 GMT" },
  ])("%o can't be kept, so the write is refused", async (headers) => {
    const client = new TestClient();
    for (const method of ["PUT", "DELETE"]) {
      expect(await failure(await client.send(method, "/v1/kv/a", { headers }))).toMatchObject({
        code: "invalid_header",
      });
    }
    expect(client.nodes.calls).toEqual([]);
  });
});

describe("conditions on reads", () => {
  test.each([
    ['"2"', 304],
    ['W/"2"', 304],
    ['"1", W/"2"', 304],
    ["*", 304],
    ['"1"', 200],
    ['"22"', 200],
    ["2", 200],
  ])("If-None-Match: %s is answered with %i", async (header, status) => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "1");
    const response = await client.get("/v1/kv/a", { "if-none-match": header });
    expect([response.status, tag(response)]).toEqual([status, '"2"']);
    expect(await response.text()).toBe(status === 304 ? "" : "1");
  });

  test("If-Match reads that revision or nothing", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "1");
    expect((await client.get("/v1/kv/a", { "if-match": '"2"' })).status).toBe(200);
    expect((await client.get("/v1/kv/a", { "if-match": '"3"' })).status).toBe(412);
    expect((await client.get("/v1/kv/a", { "if-match": 'W/"2"' })).status).toBe(400);
  });
});

describe("limits", () => {
  const mebibyte = 1024 * 1024;

  /** A body of unknown length that counts what is taken from it. */
  function stream(bytes: number): { body: ReadableStream; taken: () => number } {
    let taken = 0;
    const body = new ReadableStream({
      pull(controller) {
        const chunk = new Uint8Array(Math.min(65_536, bytes - taken));
        taken += chunk.length;
        if (chunk.length > 0) controller.enqueue(chunk);
        else controller.close();
      },
    });
    return { body, taken: () => taken };
  }

  test("a value of 1 MiB is taken, with or without its length", async () => {
    const client = new TestClient();
    const length = { "content-length": String(mebibyte) };
    expect((await client.put("/v1/kv/a", new Uint8Array(mebibyte), length)).status).toBe(201);
    const init = { body: stream(mebibyte).body, duplex: "half" } as RequestInit;
    expect((await client.send("PUT", "/v1/kv/a", init)).status).toBe(200);
    expect((await (await client.get("/v1/kv/a")).arrayBuffer()).byteLength).toBe(mebibyte);
  });

  test("one byte more is refused, and no further bytes are read", async () => {
    const client = new TestClient();
    const announced = await client.put("/v1/kv/a", "1", { "content-length": String(mebibyte + 1) });
    expect(await failure(announced)).toEqual({ status: 413, code: "too_large", ambiguous: false });
    const { body, taken } = stream(100 * mebibyte);
    const streamed = await client.send("PUT", "/v1/kv/a", { body, duplex: "half" } as RequestInit);
    expect(streamed.status).toBe(413);
    expect(taken()).toBeLessThan(2 * mebibyte);
    expect(client.nodes.calls).toEqual([]);
  });

  test("a body that breaks off writes nothing", async () => {
    const client = new TestClient();
    const body = new ReadableStream({ pull: (controller) => controller.error(new Error("the sender is gone")) });
    const response = await client.send("PUT", "/v1/kv/a", { body, duplex: "half" } as RequestInit);
    expect(await failure(response)).toMatchObject({ status: 400, code: "invalid_body" });
    expect(client.nodes.calls).toEqual([]);
  });

  test.each([
    ["content-type", "x".repeat(257), 400],
    ["content-type", "text/\u00fc", 400],
    ["idempotency-key", "x".repeat(257), 400],
    ["idempotency-key", "", 400],
    ["idempotency-key", "\u00fc", 400],
    ["content-range", "bytes 0-1/2", 400],
    ["content-encoding", "gzip", 415],
    ["content-encoding", "identity, br", 415],
  ])("%s: %s is answered with %#: %i", async (name, value, status) => {
    const client = new TestClient();
    expect((await client.put("/v1/kv/a", "1", { [name]: value })).status).toBe(status);
    expect(client.nodes.calls).toEqual([]);
  });

  test("the longest headers are taken, and the identity encoding", async () => {
    const headers = {
      "content-type": "x".repeat(256),
      "idempotency-key": "y".repeat(256),
      "content-encoding": "Identity",
    };
    expect((await new TestClient().put("/v1/kv/a", "1", headers)).status).toBe(201);
  });
});
