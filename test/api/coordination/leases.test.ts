/** Leases as clients of the REST API meet them. */

import { expect, test } from "vitest";
import { StoreApp } from "../store-client.ts";

const revision = async (app: StoreApp) => (await app.store.query("status", { kind: "status" })).revision;

test("a lease is granted, kept alive, shown with its keys, and takes them with it when it ends", async () => {
  const app = new StoreApp();
  const granted = await app.call("POST", "leases?ttl=10s");
  expect(granted).toMatchObject({ status: 201, body: { ttl_ms: 10_000 } });
  const id = String(granted.body["id"]);
  await app.put("a", "1", id);
  await app.put("b", "2", id);
  app.group.advance(6000);
  // What is left is told as of the newest entry of the log.
  await app.put("c", "3");
  expect(await app.call("GET", `leases/${id}?keys=true`)).toMatchObject({
    status: 200,
    body: { id, granted_ttl_ms: 10_000, remaining_ms: 4000, keys: [{ key: "a" }, { key: "b" }] },
  });
  expect((await app.call("GET", `leases/${id}`)).body).not.toHaveProperty("keys");
  expect(await app.call("POST", `leases/${id}/keepalive`)).toMatchObject({ status: 200, body: { ttl_ms: 10_000 } });
  app.group.advance(9999);
  await app.delete("c");
  expect(await app.call("GET", `leases/${id}`)).toMatchObject({ body: { remaining_ms: 1 } });
  app.group.advance(1);
  expect(await app.call("GET", `leases/${id}`)).toMatchObject({ status: 404, body: { code: "lease_not_found" } });
  expect(await app.call("POST", `leases/${id}/keepalive`)).toMatchObject({ status: 404 });
  const { items } = await app.store.query("list", {
    kind: "list",
    prefix: new Uint8Array(0),
    start: null,
    end: null,
    after: null,
    reverse: false,
    delimiter: new Uint8Array(0),
    limit: 10,
    keysOnly: true,
    revision: 0,
  });
  expect(items).toEqual([]);
  // Both keys went at one revision.
  expect(await revision(app)).toBe(6);
});

test("an id may be chosen, negative ones and those beyond 2^53 too, but not twice", async () => {
  const app = new StoreApp();
  for (const id of ["7", "-7", "9223372036854775807", "-9223372036854775808"]) {
    expect(await app.call("POST", `leases?ttl=60s&id=${id}`)).toMatchObject({ status: 201, body: { id } });
    expect(await app.call("POST", `leases?ttl=60s&id=${id}`)).toMatchObject({
      status: 409,
      body: { code: "lease_exists", ambiguous: false },
    });
    expect(await app.call("GET", `leases/${id}`)).toMatchObject({ status: 200, body: { id } });
  }
  const { leases } = (await app.call("GET", "leases")).body as { leases: { id: string }[] };
  expect(leases.map(({ id }) => id).toSorted()).toEqual(
    ["7", "-7", "9223372036854775807", "-9223372036854775808"].toSorted(),
  );
});

test("a lease that is revoked takes its keys with it", async () => {
  const app = new StoreApp();
  await app.call("POST", "leases?ttl=60s&id=5");
  await app.put("a", "1", "5");
  expect(await app.call("DELETE", "leases/5")).toMatchObject({ status: 200, body: { id: "5", revision: 3 } });
  expect(await app.call("DELETE", "leases/5")).toMatchObject({ status: 404, body: { code: "lease_not_found" } });
  expect(await revision(app)).toBe(3);
});

test("a grant or a revocation whose answer is lost is not told as a failure", async () => {
  const app = new StoreApp();
  app.group.losses = 1;
  const granted = await app.call("POST", "leases?ttl=60s");
  expect(granted.status).toBe(201);
  expect((await app.call("GET", "leases")).body["leases"]).toEqual([{ id: granted.body["id"] }]);
  app.group.losses = 1;
  expect(await app.call("DELETE", `leases/${String(granted.body["id"])}`)).toMatchObject({ status: 200 });
  // A chosen id is sent once alone, as another client may choose the same.
  app.group.losses = 1;
  expect(await app.call("POST", "leases?ttl=60s&id=9")).toMatchObject({ status: 503, body: { ambiguous: true } });
  const headers = { "idempotency-key": "grant" };
  app.group.losses = 1;
  const once = await app.call("POST", "leases?ttl=60s&id=10", undefined, { headers });
  expect(once).toMatchObject({ status: 201, body: { id: "10" } });
  expect(await app.call("POST", "leases?ttl=60s&id=10", undefined, { headers })).toMatchObject({ status: 201 });
  const other = { "idempotency-key": "drawn" };
  const drawn = await app.call("POST", "leases?ttl=60s", undefined, { headers: other });
  expect(await app.call("POST", "leases?ttl=60s", undefined, { headers: other })).toEqual(drawn);
});

test.each([
  ["POST", "leases", 400],
  ["POST", "leases?ttl=", 400],
  ["POST", "leases?ttl=-5s", 400],
  ["POST", "leases?ttl=1.5s", 400],
  ["POST", "leases?ttl=1w", 400],
  ["POST", "leases?ttl=104166667d", 400],
  ["POST", "leases?ttl=60s&id=0", 400],
  ["POST", "leases?ttl=60s&id=01", 400],
  ["POST", "leases?ttl=60s&id=1e3", 400],
  ["POST", "leases?ttl=60s&id=9223372036854775808", 400],
  ["POST", "leases?ttl=60s&ttl=60s", 400],
  ["GET", "leases/abc", 400],
  ["GET", "leases/0", 400],
  ["DELETE", "leases/1", 404],
  ["POST", "leases/1/keepalive", 404],
  ["PUT", "leases/1", 405],
  ["GET", "leases/1/keepalive", 405],
])("%s %s is answered with %i, and changes nothing", async (method, path, status) => {
  const app = new StoreApp();
  expect((await app.call(method, path)).status).toBe(status);
  expect((await app.call("GET", "leases")).body).toMatchObject({ leases: [], revision: 1 });
});

test("the longest time to live is taken", async () => {
  const app = new StoreApp();
  const granted = await app.call("POST", "leases?ttl=9000000000s");
  expect(granted).toMatchObject({ status: 201, body: { ttl_ms: 9_000_000_000_000 } });
});

test.each([
  ["POST", "leases?ttl=30s"],
  ["DELETE", "leases/7"],
  ["POST", "compact"],
  ["POST", "sessions?ttl=30s"],
])("conditions, which are of keys, are refused: %s %s", async (method, path) => {
  const app = new StoreApp();
  const refused = await app.call(method, path, method === "POST" ? "{}" : undefined, {
    headers: { "if-match": '"7"' },
  });
  expect(refused).toMatchObject({ status: 400, body: { code: "invalid_header", ambiguous: false } });
});
