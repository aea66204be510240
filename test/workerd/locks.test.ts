/** Locks and elections of real nodes: one holder at a time whatever crashes, and none for ever. */

import { reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { brisk, eventually, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

async function waiting(client: ApiClient, count: number): Promise<void> {
  await eventually(`${count} who wait`, async () => {
    const { body } = await client.call("GET", "locks/shared");
    return body["waiting"] === count ? true : null;
  });
}

test("clients come to their turn in order, while leaders crash", async () => {
  const group = new TestGroup(brisk);
  await group.leader();
  const observer = new ApiClient(group);
  const first = await observer.call("POST", "locks/shared?ttl=60s");
  expect(first.status).toBe(201);
  const seen = { order: [] as number[], tokens: [Number(first.body["token"])], holders: 0 };
  const turn = async (client: number): Promise<void> => {
    const api = new ApiClient(group);
    const { status, body } = await api.call("POST", "locks/shared?ttl=60s&wait=25s");
    expect([status, body["code"]]).toEqual([201, undefined]);
    seen.holders += 1;
    expect(seen.holders).toBe(1);
    seen.order.push(client);
    seen.tokens.push(Number(body["token"]));
    if (client % 2 === 0) await group.abort((await group.leader()).id);
    seen.holders -= 1;
    const released = await api.call("DELETE", `locks/shared?token=${Number(body["token"])}`);
    expect(released.status).toBe(200);
  };
  const turns: Promise<void>[] = [];
  for (const client of [0, 1, 2, 3, 4, 5]) {
    turns.push(turn(client));
    await waiting(observer, client + 1);
  }
  await group.abort((await group.leader()).id);
  expect((await observer.call("DELETE", `locks/shared?token=${seen.tokens[0]}`)).status).toBe(200);
  await Promise.all(turns);
  expect(seen.order).toEqual([0, 1, 2, 3, 4, 5]);
  expect(seen.tokens).toEqual(seen.tokens.toSorted((one, other) => one - other));
  expect(new Set(seen.tokens).size).toBe(7);
});

test("a holder who is not heard of any more loses the lock after its time, and not before", async () => {
  const group = new TestGroup(brisk);
  await group.leader();
  const client = new ApiClient(group);
  const takenAtMs = Date.now();
  const first = await client.call("POST", "locks/shared?ttl=2s", "silent");
  expect(first.status).toBe(201);
  const next = client.call("POST", "locks/shared?ttl=60s&wait=25s", "next");
  await waiting(client, 1);
  // The leader's clock goes on where its follower takes over.
  await group.abort((await group.leader()).id);
  const second = await next;
  expect(second.status).toBe(201);
  expect(Date.now() - takenAtMs).toBeGreaterThanOrEqual(2000);
  expect(Number(second.body["token"])).toBeGreaterThan(Number(first.body["token"]));
  const late = await client.call("POST", `locks/shared/renew?token=${Number(first.body["token"])}`);
  expect(late).toMatchObject({ status: 409, body: { code: "lock_not_held" } });
});

test("whoever waits keeps his place alive for longer than its time", async () => {
  const group = new TestGroup(brisk);
  await group.leader();
  const client = new ApiClient(group);
  const first = await client.call("POST", "locks/shared?ttl=60s");
  const waiter = client.call("POST", "locks/shared?ttl=1s&wait=20s", "patient");
  await waiting(client, 1);
  await scheduler.wait(2500);
  expect((await client.call("GET", "locks/shared")).body["waiting"]).toBe(1);
  await client.call("DELETE", `locks/shared?token=${Number(first.body["token"])}`);
  expect((await waiter).status).toBe(201);
});

test("whoever goes away while he waits leaves no place behind", async () => {
  const group = new TestGroup();
  await group.leader();
  const client = new ApiClient(group);
  await client.call("POST", "locks/shared?ttl=60s");
  const gone = new AbortController();
  const waiter = client.fetch("POST", "locks/shared?ttl=60s&wait=20s", { signal: gone.signal });
  await waiting(client, 1);
  gone.abort();
  await waiter.catch(() => undefined);
  await waiting(client, 0);
  expect((await client.call("GET", "locks/shared")).body["held"]).toBe(true);
});

test("the next candidate leads when the leader of a group of clients is not heard of", async () => {
  const group = new TestGroup(brisk);
  await group.leader();
  const client = new ApiClient(group);
  const one = await client.call("POST", "elections/primary/campaign?ttl=1s", "one");
  expect(one.status).toBe(201);
  const two = await client.call("POST", "elections/primary/campaign?ttl=60s&wait=20s", "two");
  expect(two.status).toBe(201);
  expect((await client.call("GET", "elections/primary")).body["leader"]).toMatchObject({
    value: "two",
    token: two.body["token"],
  });
  const late = await client.call("POST", `elections/primary/proclaim?token=${Number(one.body["token"])}`, "still me");
  expect(late).toMatchObject({ status: 409, body: { code: "not_elected" } });
});
