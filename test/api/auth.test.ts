/** Who is let in, and what the others are told. */

import { describe, expect, test } from "vitest";
import { failure, TestClient } from "./client.ts";
import type { ErrorBody } from "./client.ts";
import { FakeNamespace } from "./fake-group.ts";

const paths = ["/v1/kv/a", "/v1/kv", "/v1/cluster", "/metrics", "/readyz", "/v1/groups/g/kv/a", "/v1/kv/%", "/nothing"];

describe("with a token", () => {
  const withToken = (): TestClient => new TestClient(new FakeNamespace(), { API_TOKEN: "secret-1" });

  test.each(["Bearer secret-1", "bearer secret-1", "Bearer   secret-1"])("%j opens", async (authorization) => {
    expect((await withToken().get("/v1/kv", { authorization })).status).toBe(200);
  });

  test.each([
    "",
    "secret-1",
    "Bearer",
    "Bearer ",
    "Bearer secret-2",
    "Bearer secret-",
    "Bearer secret-11",
    "Bearer SECRET-1",
    "Bearer secret-1 secret-1",
    "Basic secret-1",
    "Bearer undefined",
  ])("%j does not", async (authorization) => {
    const client = withToken();
    const response = await client.get("/v1/kv", { authorization });
    expect(response.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(await failure(response)).toEqual({ status: 401, code: "unauthorized", ambiguous: false });
    expect(client.nodes.calls).toEqual([]);
  });

  test.each(paths)("%s is closed without it, even on loopback, and says nothing of the group", async (path) => {
    const client = withToken();
    await client.put("/v1/kv/a", "1", { authorization: "Bearer secret-1" });
    const before = client.nodes.calls.length;
    for (const method of ["GET", "PUT", "POST", "OPTIONS"]) {
      const response = await client.send(method, path);
      expect([response.status, [...response.headers.keys()].filter((name) => name.startsWith("x-raft"))]).toEqual([
        401,
        [],
      ]);
    }
    expect(client.nodes.calls).toHaveLength(before);
  });

  test("/healthz is open, and tells only those with the token where the group stands", async () => {
    const client = withToken();
    const authorization = "Bearer secret-1";
    await client.put("/v1/kv/a", "1", { authorization });
    const strange = await client.get("/healthz?probe=1");
    expect([strange.status, strange.headers.has("x-raft-term")]).toEqual([200, false]);
    const known = await client.get("/healthz", { authorization });
    expect([known.status, known.headers.get("x-raft-term")]).toEqual([200, "1"]);
  });
});

describe("without a token", () => {
  test.each([{}, { API_TOKEN: "" }, { RAFT_OPEN: "yes" }])(
    "and %o, everything but /healthz is refused",
    async (more) => {
      const client = new TestClient(new FakeNamespace(), { RAFT_OPEN: "", ...more });
      for (const path of paths) {
        const response = await client.get(path, { authorization: "Bearer " });
        expect(await failure(response)).toEqual({ status: 403, code: "no_token_configured", ambiguous: false });
      }
      expect(await (await client.get("/v1/kv")).text()).toContain("npx wrangler secret put API_TOKEN");
      expect((await client.get("/healthz")).status).toBe(200);
      expect(client.nodes.calls).toEqual([]);
    },
  );

  test.each(["localhost", "localhost:8787", "127.0.0.1", "127.1.2.3:80", "[::1]:8787", "127.1"])(
    "a server on loopback is open under %s",
    async (host) => {
      expect((await new TestClient().get(`http://${host}/v1/kv`)).status).toBe(200);
    },
  );

  test.each(["http://localhost:3000", "http://127.0.0.1", "https://[::1]:8443"])(
    "a page of this machine at %s may call it",
    async (origin) => {
      expect((await new TestClient().get("/v1/kv", { origin })).status).toBe(200);
    },
  );

  test.each(["https://example.com", "http://localhost.example.com", "null"])(
    "a page of %s may not, whatever name it calls",
    async (origin) => {
      const client = new TestClient();
      const response = await client.send("POST", "/v3/kv/put", { body: '{"key":"YQ=="}', headers: { origin } });
      expect([response.status, client.nodes.calls]).toEqual([403, []]);
      expect(await failure(await client.get("/v1/kv", { origin }))).toMatchObject({ code: "no_token_configured" });
    },
  );

  test.each(["example.com", "localhost.example.com", "127.0.0.1.example.com", "128.0.0.1", "[::2]", "0.0.0.0"])(
    "but not under %s, as which a web page may reach it",
    async (host) => {
      const response = await new TestClient().get(`http://${host}/v1/kv`);
      const { error } = await response.json<ErrorBody>();
      expect([response.status, error.code]).toEqual([403, "no_token_configured"]);
      expect(error.message).toContain("no host name but localhost");
    },
  );
});
