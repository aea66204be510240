/** Elections as clients of the REST API meet them: one leader, whose value is seen, and who is followed as it changes. */

import { expect, test, vi } from "vitest";
import { StoreApp } from "../store-client.ts";

const shown = async (app: StoreApp) => (await app.call("GET", "elections/primary")).body;

async function candidates(app: StoreApp, count: number): Promise<void> {
  await vi.waitFor(async () => expect((await shown(app))["candidates"]).toBe(count), { timeout: 5000, interval: 5 });
}

test("the first candidate leads, the next one when the first has resigned", async () => {
  const app = new StoreApp();
  expect(await shown(app)).toEqual({ name: "primary", leader: null, candidates: 0, revision: 1 });
  const first = await app.call("POST", "elections/primary/campaign?ttl=60s", "one");
  expect(first).toMatchObject({ status: 201, body: { name: "primary", token: 2 } });
  expect(await app.call("POST", "elections/primary/campaign", "two")).toMatchObject({
    status: 409,
    body: { code: "not_elected", ahead: 1 },
  });
  const second = app.call("POST", "elections/primary/campaign?wait=30s", "two");
  await candidates(app, 2);
  expect(await shown(app)).toMatchObject({ leader: { token: 2, value: "one", revision: 2 } });
  expect(await app.call("POST", "elections/primary/resign?token=2")).toMatchObject({
    status: 200,
    body: { resigned: true, token: 2 },
  });
  const elected = await second;
  expect(elected.status).toBe(201);
  expect(await shown(app)).toMatchObject({ candidates: 1, leader: { token: elected.body["token"], value: "two" } });
});

test("a leader gives itself another value; whoever does not lead can't", async () => {
  const app = new StoreApp();
  await app.call("POST", "elections/primary/campaign", "one");
  const { id } = (await app.call("POST", "leases?ttl=60s")).body;
  const refused = await app.call("POST", `elections/primary/campaign?wait=10ms&lease=${String(id)}`, "two");
  const { token } = refused.body["place"] as { token: number };
  expect(await app.call("POST", "elections/primary/proclaim?token=2", "uno")).toMatchObject({
    status: 200,
    body: { token: 2, value: "uno", revision: 4 },
  });
  expect(await shown(app)).toMatchObject({ leader: { token: 2, value: "uno", revision: 4 } });
  expect(await app.call("POST", `elections/primary/proclaim?token=${token}`, "dos")).toMatchObject({
    status: 409,
    body: { code: "not_elected", ahead: 1 },
  });
  await app.call("POST", "elections/primary/resign?token=2");
  expect(await app.call("POST", "elections/primary/proclaim?token=2", "late")).toMatchObject({
    status: 409,
    body: { code: "not_elected" },
  });
  expect(await shown(app)).toMatchObject({ leader: { token, value: "two" } });
  // The lease's own time goes on, as does its place with the new value.
  expect(await app.call("POST", `elections/primary/campaign?lease=${String(id)}`, "dos")).toMatchObject({
    status: 201,
    body: { token },
  });
  expect(await shown(app)).toMatchObject({ leader: { token, value: "dos" } });
  expect(await app.call("POST", `elections/primary/renew?token=${token}`)).toMatchObject({
    status: 200,
    body: { leads: true, ahead: 0, ttl_ms: 60_000 },
  });
});

test("a proclamation whose answer is lost takes effect once under its key", async () => {
  const app = new StoreApp();
  await app.call("POST", "elections/primary/campaign", "one");
  app.group.losses = 1;
  const headers = { "idempotency-key": "p1" };
  const first = await app.call("POST", "elections/primary/proclaim?token=2", "uno", { headers });
  expect(first).toMatchObject({ status: 200, body: { value: "uno", revision: 3 } });
  await app.call("POST", "elections/primary/proclaim?token=2", "due");
  expect(await app.call("POST", "elections/primary/proclaim?token=2", "uno", { headers })).toEqual(first);
  expect(await shown(app)).toMatchObject({ leader: { value: "due", revision: 4 } });
  app.group.losses = 1;
  expect(await app.call("POST", "elections/primary/proclaim?token=2", "tre")).toMatchObject({
    status: 503,
    body: { ambiguous: true },
  });
});

test("observers are told of every leader and every value, and that there is none", async () => {
  const app = new StoreApp();
  const observer = await app.events("elections/primary/observe");
  expect(observer.response.headers.get("content-type")).toBe("text/event-stream");
  expect(await observer.take(1)).toMatchObject([{ event: "vacant", id: "1" }]);
  await app.call("POST", "elections/primary/campaign", "one");
  expect(await observer.take(1)).toMatchObject([{ event: "leader", id: "2", data: { token: 2, value: "one" } }]);
  for (const value of ["a", "b", "c"]) await app.call("POST", "elections/primary/proclaim?token=2", value);
  const told = await observer.take(3);
  expect(told.map(({ id, data }) => [id, data["value"]])).toEqual([
    ["3", "a"],
    ["4", "b"],
    ["5", "c"],
  ]);
  void app.call("POST", "elections/primary/campaign?wait=30s", "two");
  await candidates(app, 2);
  await app.call("POST", "elections/primary/resign?token=2");
  expect(await observer.take(1)).toMatchObject([{ event: "leader", id: "6", data: { token: 6, value: "two" } }]);
  // Whoever comes back is not told again what he knows.
  const back = await app.events("elections/primary/observe", { "last-event-id": "6" });
  await app.call("POST", "elections/primary/resign?token=6");
  expect(await observer.take(1)).toMatchObject([{ event: "vacant" }]);
  expect(await back.take(1)).toMatchObject([{ event: "vacant" }]);
  await observer.cancel();
  await back.cancel();
  await vi.waitFor(() => expect(app.group.streams).toBe(0));
});

test("observers are told on when the node that served them crashes, and nothing twice", async () => {
  const app = new StoreApp();
  await app.call("POST", "elections/primary/campaign?ttl=1000s", "one");
  const observer = await app.events("elections/primary/observe");
  await observer.take(1);
  await vi.waitFor(() => expect(app.group.streams).toBe(1));
  for (const [round, id] of ["n2", "n3", "n1"].entries()) {
    app.group.crash(id);
    await app.call("POST", "elections/primary/proclaim?token=2", `value ${round}`);
    expect(await observer.take(1)).toMatchObject([{ event: "leader", data: { value: `value ${round}` } }]);
    app.group.restart(id);
  }
  await observer.cancel();
});

test.each([
  ["POST", "elections/%ff/campaign", 400, "invalid_name"],
  ["POST", "elections/a/campaign?wait=2m", 400, "invalid_parameter"],
  ["POST", "elections/a/campaign?lease=3", 404, "lease_not_found"],
  ["POST", "elections/a/proclaim", 400, "invalid_parameter"],
  ["POST", "elections/a/proclaim?token=5", 409, "not_elected"],
  ["POST", "elections/a/resign?token=x", 400, "invalid_parameter"],
  ["POST", "elections/a/resign?lease=5", 409, "not_elected"],
  ["POST", "elections/a/renew?token=5", 409, "not_elected"],
  ["POST", "elections/a", 405, "method_not_allowed"],
  ["GET", "elections/a/campaign", 405, "method_not_allowed"],
  ["GET", "elections/a/observe?from=1", 400, "invalid_parameter"],
  ["POST", "elections/a/elect", 404, "not_found"],
])("%s %s is answered with %i %s, and changes nothing", async (method, path, status, code) => {
  const app = new StoreApp();
  expect(await app.call(method, path)).toMatchObject({ status, body: { code } });
  expect((await app.store.query("status", { kind: "status" })).revision).toBe(1);
});
