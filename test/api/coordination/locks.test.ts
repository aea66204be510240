/** Locks as clients of the REST API meet them: one holder, a fair order, tokens that rise, and places that do not stay. */

import { expect, test, vi } from "vitest";
import { drawLeaseId } from "../../../src/api/lease-id.ts";
import { StoreApp } from "../store-client.ts";

const held = async (app: StoreApp, name = "deploy") => (await app.call("GET", `locks/${name}`)).body;

/** Waits until so many wait for the lock. */
async function waiting(app: StoreApp, count: number): Promise<void> {
  await vi.waitFor(async () => expect((await held(app))["waiting"]).toBe(count), { timeout: 5000, interval: 5 });
}

test("a free lock is taken at once, one that is held is refused, and free again when it is given up", async () => {
  const app = new StoreApp();
  const taken = await app.call("POST", "locks/deploy?ttl=30s", "worker 1");
  expect(taken).toMatchObject({ status: 201, body: { name: "deploy", token: 2, ttl_ms: 30_000 } });
  expect(await app.call("POST", "locks/deploy?ttl=30s")).toMatchObject({
    status: 409,
    body: { code: "lock_held", ahead: 1, ambiguous: false },
  });
  expect(await held(app)).toMatchObject({ held: true, holder: { token: 2, value: "worker 1" }, waiting: 0 });
  const { lease, token } = taken.body;
  expect(await app.call("DELETE", `locks/deploy?token=${String(token)}`)).toMatchObject({
    status: 200,
    body: { released: true, lease },
  });
  expect(await held(app)).toMatchObject({ held: false, holder: null, waiting: 0, queue: [] });
  expect(await app.call("GET", `leases/${String(lease)}`)).toMatchObject({ status: 404 });
  const again = await app.call("POST", "locks/deploy");
  expect(again).toMatchObject({ status: 201, body: { ttl_ms: 60_000 } });
  expect(again.body["token"]).toBeGreaterThan(Number(token));
});

test("those who wait get it in the order in which they came, each with a greater token", async () => {
  const app = new StoreApp();
  const first = await app.call("POST", "locks/deploy");
  const order: number[] = [];
  const tokens: number[] = [Number(first.body["token"])];
  const waiters: Promise<void>[] = [];
  for (const client of [1, 2, 3, 4, 5]) {
    const turn = app.call("POST", "locks/deploy?wait=30s", `client ${client}`).then(async ({ status, body }) => {
      expect(status).toBe(201);
      order.push(client);
      tokens.push(Number(body["token"]));
      // Whoever is told that he holds it is shown to others as its holder.
      expect((await held(app))["holder"]).toMatchObject({ value: `client ${client}`, token: body["token"] });
      await app.call("DELETE", `locks/deploy?lease=${String(body["lease"])}`);
    });
    waiters.push(turn);
    await waiting(app, client);
  }
  await app.call("DELETE", `locks/deploy?token=${String(first.body["token"])}`);
  await Promise.all(waiters);
  expect(order).toEqual([1, 2, 3, 4, 5]);
  expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
  expect(new Set(tokens).size).toBe(6);
  expect(await held(app)).toMatchObject({ held: false, waiting: 0 });
});

test("one who gives up his place at the end wakes nobody", async () => {
  const app = new StoreApp();
  await app.call("POST", "locks/deploy");
  for (const client of [1, 2, 3]) {
    void app.call("POST", "locks/deploy?wait=60s");
    await waiting(app, client);
  }
  await vi.waitFor(() => expect(app.group.streams).toBe(3));
  const [, , last] = (await held(app))["queue"] as { token: number }[];
  await app.call("DELETE", `locks/deploy?token=${last?.token}`);
  app.group.calls.length = 0;
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(app.group.calls.filter((call) => !call.endsWith("/propose"))).toEqual([]);
});

test("whoever has waited long enough is told how many come before, and leaves no place behind", async () => {
  const app = new StoreApp();
  await app.call("POST", "locks/deploy");
  const patient = app.call("POST", "locks/deploy?wait=30s");
  await waiting(app, 1);
  const answer = await app.call("POST", "locks/deploy?wait=50ms");
  expect(answer).toMatchObject({ status: 409, body: { code: "lock_held", ahead: 2 } });
  expect(answer.body).not.toHaveProperty("place");
  await waiting(app, 1);
  await app.call("DELETE", "locks/deploy?token=2");
  expect(await patient).toMatchObject({ status: 201 });
});

test("whoever goes away while he waits leaves no place behind", async () => {
  const app = new StoreApp();
  const first = await app.call("POST", "locks/deploy");
  const gone = new AbortController();
  const waiter = app.call("POST", "locks/deploy?wait=30s", "gone", { signal: gone.signal });
  await waiting(app, 1);
  const next = app.call("POST", "locks/deploy?wait=30s", "next");
  await waiting(app, 2);
  gone.abort();
  await waiter.catch(() => undefined);
  await waiting(app, 1);
  await app.call("DELETE", `locks/deploy?token=${String(first.body["token"])}`);
  expect(await next).toMatchObject({ status: 201 });
  expect(await held(app)).toMatchObject({ waiting: 0 });
});

test("whoever waits on a stream is told there, and leaves no place behind when he goes away", async () => {
  const app = new StoreApp();
  const stream = { accept: "text/event-stream" };
  const free = await app.events("locks/other?ttl=30s", stream, "POST");
  expect(await free.next()).toMatchObject({ event: "held", data: { name: "other", token: 2, ttl_ms: 30_000 } });
  expect(await free.next()).toBeUndefined();
  const first = await app.call("POST", "locks/deploy");
  const gone = await app.events("locks/deploy?wait=1m", stream, "POST");
  const reading = gone.next();
  await waiting(app, 1);
  const next = await app.events("locks/deploy?wait=60m", stream, "POST");
  const told = next.next();
  await waiting(app, 2);
  const late = await app.events("locks/deploy?wait=10ms", stream, "POST");
  expect(await late.next()).toMatchObject({ event: "failure", data: { code: "lock_held", ahead: 3 } });
  await gone.cancel();
  expect(await reading).toBeUndefined();
  await waiting(app, 1);
  await app.call("DELETE", `locks/deploy?token=${String(first.body["token"])}`);
  expect(await told).toMatchObject({ event: "held", data: { name: "deploy" } });
  const unknown = await app.events("locks/deploy?lease=7&wait=1s", stream, "POST");
  expect(await unknown.next()).toMatchObject({ event: "failure", data: { code: "lease_not_found" } });
  expect(await app.call("POST", "locks/deploy?wait=61m", undefined, { headers: stream })).toMatchObject({
    status: 400,
  });
});

test("a holder whose lease has ended holds it no longer: the next one does, with a greater token", async () => {
  const app = new StoreApp();
  const first = await app.call("POST", "locks/deploy?ttl=5s", "slow");
  const next = app.call("POST", "locks/deploy?ttl=60s&wait=30s", "next");
  await waiting(app, 1);
  app.group.advance(4000);
  expect(await app.call("POST", `locks/deploy/renew?token=${String(first.body["token"])}`)).toMatchObject({
    status: 200,
    body: { held: true, ahead: 0, ttl_ms: 5000 },
  });
  app.group.advance(4000);
  expect(await held(app)).toMatchObject({ holder: { value: "slow" } });
  app.group.advance(2000);
  const second = await next;
  expect(second.status).toBe(201);
  expect(second.body["token"]).toBeGreaterThan(Number(first.body["token"]));
  for (const path of ["locks/deploy/renew", "locks/deploy"]) {
    const method = path.endsWith("renew") ? "POST" : "DELETE";
    expect(await app.call(method, `${path}?token=${String(first.body["token"])}`)).toMatchObject({
      status: 409,
      body: { code: "lock_not_held" },
    });
  }
  expect(await held(app)).toMatchObject({ holder: { value: "next" } });
});

test("a lease of one's own keeps its place when the time to wait is over, and finds it again", async () => {
  const app = new StoreApp();
  const first = await app.call("POST", "locks/deploy");
  const { id } = (await app.call("POST", "leases?ttl=60s")).body;
  const lease = String(id);
  const refused = await app.call("POST", `locks/deploy?lease=${lease}&wait=20ms`);
  expect(refused).toMatchObject({ status: 409, body: { code: "lock_held", ahead: 1, place: { lease } } });
  const later = await app.call("POST", "locks/deploy?wait=20ms");
  expect(later.body).toMatchObject({ ahead: 2 });
  const tried = await app.call("POST", `locks/deploy?lease=${lease}`);
  expect(tried).toMatchObject({ status: 409, body: { ahead: 1, place: { lease } } });
  const again = app.call("POST", `locks/deploy?lease=${lease}&wait=30s`);
  await vi.waitFor(() => expect(app.group.streams).toBe(1));
  await app.call("DELETE", `locks/deploy?token=${String(first.body["token"])}`);
  const taken = await again;
  const { token } = refused.body["place"] as { token: number };
  expect(taken).toMatchObject({ status: 201, body: { token, lease } });
  // Asked once more, it is still his.
  expect(await app.call("POST", `locks/deploy?lease=${lease}`)).toMatchObject({ status: 201, body: { token } });
  // Giving it up leaves the lease, which may have other keys.
  await app.call("DELETE", `locks/deploy?lease=${lease}`);
  expect(await app.call("GET", `leases/${lease}`)).toMatchObject({ status: 200 });
});

test("a lease that ends while it waits is told", async () => {
  const app = new StoreApp();
  await app.call("POST", "locks/deploy?ttl=1000s");
  const { id } = (await app.call("POST", "leases?ttl=5s")).body;
  const waiter = app.call("POST", `locks/deploy?lease=${String(id)}&wait=30s`);
  await waiting(app, 1);
  app.group.advance(6000);
  await app.call("DELETE", "locks/deploy?token=2");
  expect(await waiter).toMatchObject({ status: 404, body: { code: "lease_not_found" } });
});

test("an answer that is lost takes no second place", async () => {
  const app = new StoreApp();
  app.group.losses = 1;
  const taken = await app.call("POST", "locks/deploy", "once");
  expect(taken).toMatchObject({ status: 201, body: { token: 2 } });
  app.group.losses = 1;
  const { id } = (await app.call("POST", "leases?ttl=60s")).body;
  expect((await app.call("GET", "leases")).body["leases"]).toEqual([{ id }]);
  app.group.losses = 1;
  const refused = await app.call("POST", `locks/deploy?lease=${String(id)}&wait=1ms`);
  expect(refused).toMatchObject({ status: 409, body: { ahead: 1 } });
  expect(await held(app)).toMatchObject({ waiting: 1 });
  app.group.losses = 1;
  expect(await app.call("DELETE", "locks/deploy?token=2")).toMatchObject({ status: 200 });
});

test("waiting goes on when the node that is watched, or the leader, crashes", async () => {
  const app = new StoreApp();
  const first = await app.call("POST", "locks/deploy?ttl=1000s");
  const waiter = app.call("POST", "locks/deploy?ttl=1000s&wait=30s", "patient");
  await waiting(app, 1);
  await vi.waitFor(() => expect(app.group.streams).toBe(1));
  for (const id of ["n2", "n3", "n1"]) {
    app.group.crash(id);
    await vi.waitFor(() => expect(app.group.streams).toBe(1), { timeout: 5000 });
    app.group.restart(id);
  }
  await app.call("DELETE", `locks/deploy?token=${String(first.body["token"])}`);
  expect(await waiter).toMatchObject({ status: 201 });
});

test("many clients never hold it at the same time", async () => {
  const app = new StoreApp();
  const group = app.group;
  let holders = 0;
  const tokens: number[] = [];
  const clients = Array.from({ length: 12 }, async () => {
    const client = new StoreApp(group);
    for (let round = 0; round < 3; round += 1) {
      const { status, body } = await client.call("POST", "locks/shared?wait=60s");
      expect(status).toBe(201);
      holders += 1;
      expect(holders).toBe(1);
      tokens.push(Number(body["token"]));
      await new Promise((resolve) => setImmediate(resolve));
      holders -= 1;
      await client.call("DELETE", `locks/shared?token=${String(body["token"])}`);
    }
  });
  await Promise.all(clients);
  expect(tokens).toHaveLength(36);
  expect(tokens).toEqual(tokens.toSorted((one, other) => one - other));
  expect(await held(app, "shared")).toMatchObject({ held: false, waiting: 0 });
});

test("names are kept apart, whatever is in them", async () => {
  const app = new StoreApp();
  const names = ["a", "a%2Fb", "a%252Fb", "%C3%BC", "a%20b", "A"];
  for (const name of names) expect(await app.call("POST", `locks/${name}`)).toMatchObject({ status: 201 });
  expect(await app.call("GET", "locks/a%2Fb")).toMatchObject({ body: { name: "a/b", held: true, waiting: 0 } });
  expect(await app.call("GET", "locks/a")).toMatchObject({ body: { name: "a", waiting: 0 } });
});

test.each([
  ["POST", "locks/%ff", 400, "invalid_name"],
  ["POST", `locks/${"x".repeat(257)}`, 400, "invalid_name"],
  ["POST", "locks/%", 400, "invalid_name"],
  ["POST", "locks/a?ttl=0s", 400, "invalid_parameter"],
  ["POST", "locks/a?ttl=999ms", 400, "invalid_parameter"],
  ["POST", "locks/a?ttl=5x", 400, "invalid_parameter"],
  ["POST", "locks/a?ttl=9000000001s", 400, "invalid_parameter"],
  ["POST", "locks/a?wait=61s", 400, "invalid_parameter"],
  ["POST", "locks/a?lease=0", 400, "invalid_parameter"],
  ["POST", "locks/a?lease=9223372036854775808", 400, "invalid_parameter"],
  ["POST", "locks/a?lease=7&ttl=5s", 400, "invalid_parameter"],
  ["POST", "locks/a?lease=7", 404, "lease_not_found"],
  ["POST", "locks/a?lease=-9223372036854775808&wait=1s", 404, "lease_not_found"],
  ["DELETE", "locks/a", 400, "invalid_parameter"],
  ["DELETE", "locks/a?token=0", 400, "invalid_parameter"],
  ["DELETE", "locks/a?token=1&lease=7", 400, "invalid_parameter"],
  ["DELETE", "locks/a?token=1", 409, "lock_not_held"],
  ["POST", "locks/a/renew?lease=7", 409, "lock_not_held"],
  ["PUT", "locks/a", 405, "method_not_allowed"],
  ["GET", "locks/a/renew", 405, "method_not_allowed"],
  ["GET", "locks", 404, "not_found"],
])("%s %s is answered with %i %s, and changes nothing", async (method, path, status, code) => {
  const app = new StoreApp();
  const before = app.group.index;
  expect(await app.call(method, path)).toMatchObject({ status, body: { code } });
  expect((await app.store.query("status", { kind: "status" })).revision).toBe(1);
  expect(app.group.index - before).toBeLessThanOrEqual(1);
});

test("ids that are drawn fit into a double", () => {
  const ids = Array.from({ length: 1000 }, drawLeaseId);
  expect(new Set(ids).size).toBe(1000);
  expect(ids.every((id) => Number.isSafeInteger(Number(id)) && String(Number(id)) === id)).toBe(true);
});

test.each(["locks/deploy?ttl=30s", "elections/deploy/campaign?ttl=30s"])(
  "what could not be kept is refused, not ignored: %s",
  async (path) => {
    const app = new StoreApp();
    for (const [name, value, reason] of [
      ["idempotency-key", "one", "lease="],
      ["idempotency-session", "s", "lease="],
      ["if-match", '"7"', "single keys"],
      ["if-none-match", "*", "single keys"],
    ] as const) {
      const refused = await app.call("POST", path, "", { headers: { [name]: value } });
      expect(refused).toMatchObject({ status: 400, body: { code: "invalid_header" } });
      expect(refused.body["message"]).toContain(reason);
    }
    expect(await app.call("POST", path)).toMatchObject({ status: 201 });
  },
);
