/** Timers of the state machine on real nodes: in time, once, and while they rest nothing else. */

import { abortAllDurableObjects, reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeStatus } from "../../src/internal.ts";
import { faults } from "./faults.ts";
import { type Ring, TimerGroup } from "./timer-node.ts";
import { brisk, eventually } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

interface Resting {
  readonly group: TimerGroup;
  readonly leader: NodeStatus;
  /** When its only timer is due. Its first leader's wall clock began it, so that is a time of the system's too. */
  readonly dueMs: number;
}

/** A group at rest with one timer. */
async function resting(inMs: number): Promise<Resting> {
  const group = new TimerGroup({ ...brisk, idleAfterMs: 300 });
  const leader = await group.leader();
  const dueMs = await group.set(leader.id, inMs);
  await group.rests();
  return { group, leader, dueMs };
}

async function rang(group: TimerGroup, ids = group.ids): Promise<readonly Ring[]> {
  const [first = [], ...others] = await eventually("a ring on every node", async () => {
    const rings = await Promise.all(ids.map((id) => group.rings(id)));
    return rings.every(({ length }) => length > 0) ? rings : null;
  });
  for (const rings of others) expect(rings).toEqual(first);
  return first;
}

/** Makes sure that whatever was set going is over. */
async function atRest(group: TimerGroup): Promise<void> {
  await group.rests();
  await eventually("no alarm anywhere", async () => {
    const alarms = await Promise.all(group.ids.map((id) => group.alarm(id)));
    return alarms.every((alarmMs) => alarmMs === null) ? true : null;
  });
}

describe("a group at rest with a timer", () => {
  test("has an alarm for it on each node, makes no call before it, and rings and rests again", async () => {
    const { group, leader, dueMs } = await resting(3500);
    const calls = async (): Promise<number[]> =>
      await Promise.all(group.ids.map((id) => group.metric(id, "durable_raft_peer_calls_total")));
    const before = await calls();
    await eventually("an alarm for the timer alone", async () => {
      const alarms = await Promise.all(group.ids.map((id) => group.alarm(id)));
      return alarms.every((alarmMs) => (alarmMs ?? 0) > dueMs - 100) ? true : null;
    });
    expect(await group.alarm(leader.id)).toBeLessThan(dueMs + 100);
    for (const id of group.followers(leader)) {
      expect(await group.alarm(id)).toBeGreaterThanOrEqual(dueMs + 4 * brisk.electionMaxMs - 100);
    }
    expect(Date.now()).toBeLessThan(dueMs - 500);
    expect(await calls()).toEqual(before);
    const [ring, ...more] = await rang(group);
    expect(more).toEqual([]);
    expect(ring?.timers).toEqual([dueMs]);
    expect(ring?.timeMs).toBeLessThan(dueMs + 1000);
    await atRest(group);
    expect((await group.leader()).term).toBe(leader.term);
  });

  test("rings in time though all of its objects have ended meanwhile, and nobody asks for anything", async () => {
    const { group, leader, dueMs } = await resting(2500);
    await abortAllDurableObjects();
    await scheduler.wait(dueMs - Date.now() + 500);
    const [ring, ...more] = await rang(group);
    expect(more).toEqual([]);
    expect(ring?.timers).toEqual([dueMs]);
    expect(ring?.timeMs).toBeLessThan(dueMs + 1000);
    const { id, term } = await group.leader();
    expect([id, term]).toEqual([leader.id, leader.term + 1]);
    await atRest(group);
    expect(await rang(group)).toHaveLength(1);
  });

  test("rings though its leader is cut off, and once when it comes back", async () => {
    const { group, leader, dueMs } = await resting(2000);
    const others = group.followers(leader);
    for (const peer of others) faults.cut(group.object(leader.id), group.object(peer));
    await abortAllDurableObjects();
    const [ring] = await rang(group, others);
    expect(ring?.timers).toEqual([dueMs]);
    expect(ring?.timeMs).toBeLessThan(dueMs + 10 * brisk.electionMaxMs);
    expect(await group.rings(leader.id)).toEqual([]);
    faults.heal();
    expect(await rang(group)).toHaveLength(1);
    await atRest(group);
  });

  test("counts the time that it rests, whoever is asked first when it has left memory", async () => {
    const { group, leader } = await resting(60_000);
    await abortAllDurableObjects();
    const [asked = ""] = group.followers(leader);
    const next = await eventually("a leader", async () => {
      await group.propose(asked, new TextEncoder().encode("set 60000"), 300);
      return (await group.statuses()).find(({ role }) => role === "leader") ?? null;
    });
    const dueMs = await group.set(next.id, 60_000);
    expect(Math.abs(dueMs - 60_000 - Date.now())).toBeLessThan(1500);
  });
});

test("a timer is neither lost nor doubled when leaders end about its time", async () => {
  const group = new TimerGroup(brisk);
  const timers: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    const { id } = await group.leader();
    const dueMs = await group.set(id, 400);
    timers.push(dueMs);
    // In some rounds before the command is proposed, in others before it is committed, applied, or known to be.
    await scheduler.wait(dueMs - Date.now() + 4 * round - 4);
    await group.abort(id);
    await eventually(`ring ${round + 1}`, async () => {
      const rings = await Promise.all(group.ids.map((each) => group.rings(each)));
      return rings.every((list) => list.flatMap((ring) => ring.timers).includes(dueMs)) ? true : null;
    });
  }
  const rings = await rang(group);
  expect(rings.flatMap((ring) => ring.timers)).toEqual(timers);
  for (const { timeMs, timers: due } of rings) for (const dueMs of due) expect(timeMs).toBeGreaterThanOrEqual(dueMs);
});
