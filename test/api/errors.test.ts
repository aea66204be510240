/** Every answer to a mistake is one that a program can act on, and none is a 500. */

import * as fc from "fast-check";
import { Hono } from "hono";
import { describe, expect, test } from "vitest";
import { createApp } from "../../src/api/app.ts";
import type { Env } from "../../src/env.ts";
import { failure, TestClient } from "./client.ts";
import type { ErrorBody } from "./client.ts";

describe("addresses", () => {
  test("the root says where to go on", async () => {
    const client = new TestClient();
    const response = await client.get("/");
    expect([response.status, client.nodes.calls]).toEqual([200, []]);
    const { api, cluster, keys, metrics, ready } = await response.json<Record<string, string>>();
    for (const path of [api, cluster, keys, metrics, ready]) expect((await client.get(path ?? "")).status).toBe(200);
    expect(await failure(await client.get("/?a=1"))).toMatchObject({ status: 400, code: "invalid_parameter" });
  });

  test.each([
    ["/v1/locks/a/b", "GET / names"],
    ["/v1/kv/", "POST /v1/get"],
    ["/v1/kv/a?limt=5", "no parameter limt. It has timeout,"],
    ["/v1/txn", "for POST alone"],
    ["/v1/groups/g g/kv/a", "1 to 64 of letters"],
    [`/v1/kv?${"x".repeat(100)}`, `no parameter ${"x".repeat(64)}. It has`],
  ])("%s is refused with what to do instead", async (path, advice) => {
    const { error } = await (await new TestClient().get(path)).json<ErrorBody>();
    expect(error.message).toContain(advice);
  });

  test.each(["/v1", "/v1/", "/v2/kv/a", "/v1/kvs", "/v1/KV/a", "/v1/groups", "/v1/groups/g", "/v1/groups/g/", "/kv/a"])(
    "%s is none",
    async (path) => {
      expect(await failure(await new TestClient().get(path))).toEqual({
        status: 404,
        code: "not_found",
        ambiguous: false,
      });
    },
  );

  test.each(["/store/v1/kv/a", "/store/v1/groups/g/locks/a"])(
    "%s, below a path that was left on, is none, and says how to take it off",
    async (path) => {
      const app = new Hono().route("/store", createApp());
      const answer = await app.request(path, { method: path.includes("kv") ? "PUT" : "POST", body: "x" });
      const { error } = await answer.json<ErrorBody>();
      expect([answer.status, error.code]).toEqual([404, "not_found"]);
      expect(error.message).toContain("mount()");
    },
  );

  test.each([
    ["POST", "/v1/kv/a", "GET, HEAD, PUT, DELETE"],
    ["PATCH", "/v1/groups/g/kv/a", "GET, HEAD, PUT, DELETE, POST"],
    ["PUT", "/v1/kv", "GET, HEAD, DELETE"],
    ["POST", "/v1/cluster", "GET, HEAD"],
    ["DELETE", "/healthz", "GET, HEAD"],
    ["POST", "/readyz", "GET, HEAD"],
    ["PUT", "/metrics", "GET, HEAD"],
    ["OPTIONS", "/v1/kv/a", "GET, HEAD, PUT, DELETE, POST"],
  ])("%s %s is answered with what is allowed", async (method, path, allowed) => {
    const response = await new TestClient().send(method, path);
    expect(response.headers.get("allow")).toBe(allowed);
    expect(await failure(response)).toEqual({ status: 405, code: "method_not_allowed", ambiguous: false });
  });

  test.each(["-g", "a b", "a%2Fb", "%00", "g!", "x".repeat(65), "..%2f"])("the group %j is none", async (group) => {
    const client = new TestClient();
    for (const path of ["kv/a", "kv", "cluster", "metrics", "readyz"]) {
      const answer = await failure(await client.get(`/v1/groups/${group}/${path}`));
      expect(answer).toEqual({ status: 400, code: "invalid_group", ambiguous: false });
    }
    expect(client.nodes.calls).toEqual([]);
  });

  test("groups are apart from each other, and the plain paths are the group default", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "plain");
    await client.put("/v1/groups/g/kv/a", "of g");
    expect(await (await client.get("/v1/groups/default/kv/a")).text()).toBe("plain");
    expect(await (await client.get("/v1/groups/g/kv/a")).text()).toBe("of g");
  });
});

test("unknown parameters are refused, known ones may not be given twice", async () => {
  const client = new TestClient();
  for (const [method, path] of [
    ["GET", "/v1/kv/a?fromat=json"],
    ["GET", "/v1/kv/a?format=xml"],
    ["PUT", "/v1/kv/a?prefix=b"],
    ["DELETE", "/v1/kv/a?timeout=1s&timeout=2s"],
    ["GET", "/v1/cluster?node=n1"],
    ["GET", "/metrics?x"],
    ["GET", "/readyz?consistency=stale"],
  ] as const) {
    expect(await failure(await client.send(method, path))).toMatchObject({ status: 400, code: "invalid_parameter" });
  }
  expect(client.nodes.calls).toEqual([]);
});

describe("anything at all", () => {
  const segment = fc.oneof(
    fc.constantFrom(
      "v1",
      "kv",
      "groups",
      "default",
      "cluster",
      "metrics",
      "readyz",
      "healthz",
      "",
      ".",
      "..",
      "%",
      "%00",
      "a",
    ),
    fc.webSegment(),
    fc.string({ unit: "binary", maxLength: 6 }).map((text) => text.replaceAll(/[?#]/g, "_").toWellFormed()),
  );
  const parameter = fc.oneof(
    fc.constantFrom(
      "timeout=50ms",
      "limit=3",
      "prefix=%ff",
      "cursor=AQE",
      "consistency=stale",
      "format=json",
      "node=n1",
    ),
    fc.webQueryParameters(),
  );
  const header = fc.tuple(
    fc.constantFrom(
      "if-match",
      "if-none-match",
      "content-type",
      "idempotency-key",
      "content-encoding",
      "content-length",
      "x-raft-group",
    ),
    fc.oneof(
      fc.constantFrom("*", '"2"', 'W/"2"', "0", "text/plain", "identity"),
      fc.stringMatching(/^[\x20-\x7e]{0,20}$/),
    ),
  );
  const method = fc.constantFrom("GET", "HEAD", "PUT", "DELETE", "POST", "OPTIONS", "REPORT");

  test("is answered, never with a 500, and errors have their shape", async () => {
    const client = new TestClient();
    await client.put("/v1/kv/a", "1");
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          verb: method,
          segments: fc.oneof(
            fc.array(segment, { maxLength: 6 }),
            fc.array(segment, { maxLength: 2 }).map((rest) => ["v1", "kv", ...rest]),
          ),
          parameters: fc.array(parameter, { maxLength: 2 }),
          headers: fc.array(header, { maxLength: 3 }),
          body: fc.uint8Array({ maxLength: 8 }),
        }),
        async ({ verb, segments, parameters, headers, body }) => {
          const path = `/${segments.join("/")}${parameters.length > 0 ? `?${parameters.join("&")}` : ""}`;
          const mayHaveBody = verb !== "GET" && verb !== "HEAD";
          const init = { headers: new Headers(headers), body: mayHaveBody ? body : null };
          const response = await client.send(verb, `http://localhost${path}`, init);
          expect(response.status).not.toBe(500);
          const text = await response.text();
          const { error } = (
            response.ok || response.status === 304 || verb === "HEAD" ? {} : JSON.parse(text)
          ) as Partial<ErrorBody>;
          expect(
            Object.values(error ?? { code: "", message: "", ambiguous: false }).map((value) => typeof value),
          ).toEqual(["string", "string", "boolean"]);
          expect(text).not.toMatch(/\bat .*\.ts|node\.internal|SELECT|kv_pairs/);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

test("a mistake in this code is told without its particulars", async () => {
  const broken = new Proxy({} as Env, {
    get: () => {
      throw new Error("private particulars");
    },
  });
  const request = (method: string): Request => new Request("http://localhost/v1/kv/a", { method });
  for (const method of ["GET", "PUT"]) {
    const response = await createApp().fetch(request(method), broken);
    expect(await response.clone().text()).not.toContain("private");
    expect(await failure(response)).toEqual({ status: 500, code: "internal", ambiguous: method === "PUT" });
  }
});
