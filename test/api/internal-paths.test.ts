/** The calls between nodes can't be made from outside, whatever an address or a header looks like. */

import { describe, expect, test } from "vitest";
import { internalHeader, internalPath, objectName } from "../../src/internal.ts";
import { TestClient } from "./client.ts";

const methods = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"];
const prefixes = [
  "",
  "/v1",
  "/v1/groups/default",
  "/v1/groups/default/n1",
  "/default/n1",
  "/v1/kv/../..",
  "/v1/cluster",
  "//node.internal",
];
const spellings = (path: string): string[] => [
  path,
  `${path}/`,
  `/${path}`,
  path.toUpperCase(),
  path.replace("/", "/%2e/"),
  path.replace(/[a-z]/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  path.replace("/", "%2F"),
  `${path}?node=n1`,
  `${path}#x`,
];

/** The two internal paths that have public namesakes, which make a report of their own. */
function isPublic(method: string, pathname: string): boolean {
  return (method === "GET" || method === "HEAD") && /^(?:\/v1(?:\/groups\/default)?)?\/metrics$/.test(pathname);
}

/** All that an internal call carries, with a body that a node would take. */
const headers = {
  [internalHeader.group]: "default",
  [internalHeader.node]: "n1",
  [internalHeader.timeoutMs]: "1000",
  [internalHeader.consistency]: "stale",
};

describe.each(Object.values(internalPath))("the internal path %s", (path) => {
  test.each(prefixes)("reaches no node under %j", async (prefix) => {
    const client = new TestClient();
    for (const spelling of spellings(path)) {
      const url = new URL(
        `http://localhost${prefix}${prefix === "" && !spelling.startsWith("/") ? "/" : ""}${spelling}`,
      );
      for (const method of methods) {
        if (isPublic(method, url.pathname)) continue;
        const body = ["GET", "HEAD"].includes(method) ? null : "x";
        const response = await client.send(method, url.href, { headers, body });
        expect([url.href, method, [404, 405].includes(response.status)]).toEqual([url.href, method, true]);
      }
    }
    expect(client.nodes.calls).toEqual([]);
  });

  test("is not what a key, a group or a cursor can be made to mean", async () => {
    const client = new TestClient();
    await client.put(`/v1/kv${path}`, "1", headers);
    await client.get(`/v1/kv?prefix=${path}`, headers);
    for (const name of [objectName("default", "n1"), `..${path}`, `default${path}`]) {
      await client.put(`/v1/groups/${encodeURIComponent(name)}/kv/a`, "1", headers);
    }
    const reached = new Set(client.nodes.calls.map((call) => `${call.group} ${call.path}`));
    expect(reached).toEqual(new Set(["default /status", "default /propose", "default /query"]));
  });
});

test("the headers of internal calls are made here, never passed on", async () => {
  const client = new TestClient();
  const forged = {
    ...headers,
    [internalHeader.node]: "n2",
    [internalHeader.group]: "other",
    authorization: "x",
    cookie: "y",
  };
  await client.put("/v1/kv/a", "1", forged);
  await client.get("/v1/kv/a", forged);
  for (const call of client.nodes.calls) {
    expect(call.headers.get(internalHeader.group)).toBe("default");
    expect(call.headers.get(internalHeader.node)).toBe(call.node);
    expect([call.headers.has("authorization"), call.headers.has("cookie")]).toEqual([false, false]);
  }
  const read = client.nodes.calls.find(({ path }) => path === internalPath.query);
  expect(read!.headers.get(internalHeader.consistency)).toBe("linearizable");
});
