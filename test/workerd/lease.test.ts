/** Reads by a lease through real nodes: what they cost, and when there is none. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { Timing } from "../../src/env.ts";
import type { NodeStatus } from "../../src/internal.ts";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { eventually, TestGroup } from "./test-group.ts";

/** Heartbeats so rare that few of them fall between the reads of a test. */
const slow: Timing = { heartbeatMs: 300, electionMinMs: 1000, electionMaxMs: 1500 };
const leased: Timing = { ...slow, leaseReads: true, maxClockDriftMs: 100 };
const reads = 40;

afterEach(async () => {
  faults.clear();
  await reset();
});

async function groupWith(timing: Timing): Promise<{ readonly group: TestGroup; readonly leader: NodeStatus }> {
  const group = new TestGroup(timing);
  const leader = await group.leader();
  await group.put(leader.id, "key", "value");
  return { group, leader };
}

async function holdsLease(group: TestGroup, id: string): Promise<void> {
  await eventually("a lease", async () => ((await group.status(id)).lease?.remainingMs ?? 0) > 0 || null);
}

/** How many messages of a round the leader sends while a node answers reads, one after the other. */
async function costOfReads(group: TestGroup, leader: string, node = leader): Promise<number> {
  const sent = (): Promise<number> => group.metric(leader, "durable_raft_heartbeats_sent_total");
  const before = await sent();
  for (let count = 0; count < reads; count += 1) {
    expect(await group.get(node, "key")).toMatchObject({ done: "value" });
  }
  return (await sent()) - before;
}

function isolate(group: TestGroup, id: string): void {
  for (const peer of group.ids) if (peer !== id) faults.cut(group.object(id), group.object(peer));
}

describe("a read", () => {
  test("asks a majority without a lease, and nobody with one", async () => {
    const plain = await groupWith(slow);
    expect((await plain.group.status(plain.leader.id)).lease).toBeUndefined();
    expect(await costOfReads(plain.group, plain.leader.id)).toBeGreaterThanOrEqual(2 * reads);
    const { group, leader } = await groupWith(leased);
    await holdsLease(group, leader.id);
    // What the timer sends in that time is far less.
    expect(await costOfReads(group, leader.id)).toBeLessThan(reads / 2);
  });

  test("at a follower asks the leader alone", async () => {
    const { group, leader } = await groupWith(leased);
    await holdsLease(group, leader.id);
    const [follower = ""] = group.followers(leader);
    expect(await costOfReads(group, leader.id, follower)).toBeLessThan(reads / 2);
    expect((await group.status(follower)).lease).toEqual({ maxClockDriftMs: 100, remainingMs: 0 });
  });
});

describe("hazard-10 a leader", () => {
  test("that is cut off answers by its lease until that is over, and not longer", async () => {
    const { group, leader } = await groupWith(leased);
    await holdsLease(group, leader.id);
    isolate(group, leader.id);
    expect(await group.get(leader.id, "key", "linearizable", 200)).toMatchObject({ done: "value" });
    await scheduler.wait(leased.electionMinMs - 100);
    expect((await group.status(leader.id)).lease?.remainingMs).toBe(0);
    expect(await group.get(leader.id, "key", "linearizable", 200)).toMatchObject({ refused: { ambiguous: false } });
  });

  test("asks for every read again once it has tried to hand over, until another term", async () => {
    const { group, leader } = await groupWith(leased);
    await holdsLease(group, leader.id);
    const [dead = ""] = group.followers(leader);
    const rest = group.ids.filter((id) => id !== dead);
    faults.missing.add(group.object(dead));
    expect(await new ApiClient(group).call("POST", "cluster/transfer", { to: dead })).toMatchObject({ status: 503 });
    expect(await group.leader(rest)).toMatchObject({ id: leader.id, term: leader.term });
    expect((await group.status(leader.id)).lease?.remainingMs).toBe(0);
    expect(await costOfReads(group, leader.id)).toBeGreaterThanOrEqual(reads);
  });

  test("has no lease left when its group has rested, and asks before it answers", async () => {
    const { group, leader } = await groupWith({ ...leased, idleAfterMs: leased.electionMaxMs });
    await eventually("rest everywhere", async () => {
      return (await group.statuses()).every(({ quiescent }) => quiescent) ? true : null;
    });
    expect((await group.status(leader.id)).lease?.remainingMs).toBe(0);
    isolate(group, leader.id);
    expect(await group.get(leader.id, "key", "linearizable", 300)).toMatchObject({ refused: { ambiguous: false } });
    faults.heal();
    expect(await group.get((await group.leader()).id, "key")).toMatchObject({ done: "value" });
  });
});
