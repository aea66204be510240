/** Alarms of real nodes: one at a time, seldom set, and never what safety rests on. */

import { reset, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { faults } from "./faults.ts";
import { eventually, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

test("a follower's alarm is not moved by heartbeats: they cost no rows, however many come", async () => {
  const group = new TestGroup({ heartbeatMs: 20, electionMinMs: 400, electionMaxMs: 600 });
  const leader = await group.leader();
  const [follower = ""] = group.followers(leader);
  const count = async (): Promise<{ heartbeats: number; rows: number }> => ({
    heartbeats: await group.metric(leader.id, "durable_raft_heartbeats_sent_total"),
    rows: await group.metric(follower, "durable_raft_rows_written_total"),
  });
  const before = await count();
  // Fifty for each of two peers, in the time of some two election timeouts.
  const after = await eventually("a hundred heartbeats", async () => {
    const now = await count();
    return now.heartbeats >= before.heartbeats + 100 ? now : null;
  });
  const rows = after.rows - before.rows;
  expect(rows).toBeGreaterThan(0);
  expect(rows).toBeLessThanOrEqual((after.heartbeats - before.heartbeats) / 2 / 4);
});

describe("hazard-52 an alarm", () => {
  test("that fires long before its time changes nothing", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const before = await group.status(leader.id);
    for (const id of group.ids) {
      for (let time = 0; time < 5; time += 1) await runDurableObjectAlarm(group.stub(id));
    }
    const after = await group.statuses();
    expect(after.map(({ term }) => term)).toEqual(group.ids.map(() => before.term));
    expect(after.map((status) => status.leader)).toEqual(group.ids.map(() => before.id));
    for (const id of group.ids) await eventually(`an alarm of ${id}`, () => group.alarm(id));
  });

  test("that was lost with its object is set again by the next request", async () => {
    const group = new TestGroup();
    await group.leader();
    for (const id of group.ids) {
      await runInDurableObject(group.stub(id), async (_, { storage }) => await storage.deleteAlarm());
      await group.abort(id);
      await group.status(id);
      expect(await group.alarm(id)).not.toBeNull();
    }
    await group.leader();
  });

  test("that was lost while its object runs is made good by whatever request comes next", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const others = group.followers(leader);
    for (const id of others) {
      faults.cut(group.object(id), group.object(leader.id));
      await runInDurableObject(group.stub(id), async (_, { storage }) => await storage.deleteAlarm());
    }
    const next = await group.leader(others);
    expect(next.term).toBeGreaterThan(leader.term);
  });

  test("of an object that is no node does nothing", async () => {
    const group = new TestGroup();
    await runInDurableObject(group.stub("n1"), async (_, { storage }) => await storage.setAlarm(Date.now() + 60_000));
    expect(await runDurableObjectAlarm(group.stub("n1"))).toBe(true);
    expect(await group.alarm("n1")).toBeNull();
  });
});
