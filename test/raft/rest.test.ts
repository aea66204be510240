/** Time and timers while a group rests: it wakes for the next timer alone, in memory or out of it, and loses none. */

import { describe, expect, test } from "vitest";
import type { NodeId } from "../../src/raft/entry.ts";
import { textOf } from "./build.ts";
import { Cluster, type ClusterSettings } from "./cluster.ts";

const idleAfterMs = 100;
const hourMs = 3_600_000;
const never = Number.POSITIVE_INFINITY;

interface Resting {
  readonly cluster: Cluster;
  /** When the timer is due, in cluster time, which is also the cluster's own as long as nothing goes wrong. */
  readonly timerMs: number;
}

/** A group led by `n1` that rests, with a timer in so many milliseconds. */
function resting(inMs: number, settings: ClusterSettings = {}): Resting {
  const cluster = new Cluster({ ...settings, timers: true, options: { idleAfterMs, ...settings.options } });
  cluster.elect("n1");
  const timerMs = cluster.nowMs + inMs;
  cluster.propose("n1", `timer ${timerMs}`);
  cluster.run(5 * idleAfterMs);
  expect(cluster.running.every(({ raft }) => raft.quiescent)).toBe(true);
  return { cluster, timerMs };
}

/** The stamps at which the timers of the group have rung, as some node has applied them. */
function rings(cluster: Cluster): number[] {
  return cluster.witness.committed.filter((entry) => textOf(entry) === "ring").map(({ timeMs }) => timeMs);
}

function others(cluster: Cluster, ...ids: readonly NodeId[]): NodeId[] {
  return [...cluster.nodes.keys()].filter((id) => !ids.includes(id));
}

/** A command's stamp at the present leader. */
function stampNow(cluster: Cluster): number {
  cluster.propose(cluster.leader.id, "now");
  cluster.deliver();
  return cluster.leader.disk.applied.at(-1)!.timeMs;
}

function wake(cluster: Cluster, id: NodeId, suspect: NodeId | null = null): void {
  cluster.act(id, (node) => node.turn(() => node.raft.wake(suspect, cluster.nowMs)));
  cluster.deliver();
}

describe("a group at rest with a timer", () => {
  test.each([1, 3, 5])("of %i voters and a learner does nothing until then, and rests again afterwards", (voters) => {
    const { cluster, timerMs } = resting(hourMs, { voters, learners: 1 });
    const sent = cluster.history.length;
    expect(Math.min(...cluster.running.map(({ raft }) => raft.deadlineMs))).toBe(timerMs);
    expect(cluster.node("l1").raft.deadlineMs).toBe(never);
    cluster.run(timerMs - 1 - cluster.nowMs);
    expect(cluster.history).toHaveLength(sent);
    cluster.run(5 * idleAfterMs);
    expect(rings(cluster)).toEqual([timerMs]);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1 } });
    expect(cluster.running.map(({ raft }) => raft.deadlineMs)).toEqual(cluster.running.map(() => never));
  });

  test("wakes once for each of several", () => {
    const { cluster, timerMs } = resting(hourMs);
    cluster.propose("n1", `timer ${timerMs + hourMs}`, `timer ${timerMs + 1.5 * hourMs}`);
    cluster.run(3 * hourMs);
    expect(rings(cluster)).toEqual([timerMs, timerMs + hourMs, timerMs + 1.5 * hourMs]);
    expect(cluster.leader.raft.term).toBe(1);
  });

  test("rings in time though all nodes have left memory, by the one that led", () => {
    const { cluster, timerMs } = resting(hourMs);
    const sent = cluster.history.length;
    cluster.evict(...cluster.nodes.keys());
    cluster.run(timerMs - 1 - cluster.nowMs);
    expect(cluster.history).toHaveLength(sent);
    cluster.run(5 * idleAfterMs);
    expect(rings(cluster)).toEqual([timerMs]);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 2 } });
    expect(cluster.running.map(({ raft }) => raft.deadlineMs)).toEqual(cluster.running.map(() => never));
  });

  test.each([false, true])("rings though its leader is gone, evicted before: %s", (evicted) => {
    const { cluster, timerMs } = resting(hourMs);
    if (evicted) cluster.evict(...cluster.nodes.keys());
    cluster.crash("n1");
    const { electionMaxMs } = cluster.node("n2").options;
    const sent = cluster.history.length;
    cluster.run(timerMs - cluster.nowMs + 4 * electionMaxMs);
    expect(cluster.history).toHaveLength(sent);
    cluster.run(4 * electionMaxMs);
    const [rung = never, ...more] = rings(cluster);
    expect(more).toEqual([]);
    expect(rung).toBeGreaterThanOrEqual(timerMs);
    expect(rung).toBeLessThanOrEqual(timerMs + 8 * electionMaxMs);
    cluster.restart("n1");
    cluster.run(hourMs);
    expect(rings(cluster)).toEqual([rung]);
  });

  test("rings once though its leader comes late, and others had begun to see to it", () => {
    const { cluster, timerMs } = resting(hourMs);
    const { electionMaxMs } = cluster.node("n2").options;
    cluster.nowMs = timerMs + 5 * electionMaxMs;
    for (const id of others(cluster, "n1")) cluster.tick(id);
    cluster.tick("n1");
    cluster.run(hourMs);
    expect(rings(cluster)).toHaveLength(1);
    expect(rings(cluster)[0]).toBeGreaterThanOrEqual(timerMs);
  });

  test("that can't be seen to for want of a majority rings when there is one again", () => {
    const { cluster, timerMs } = resting(hourMs);
    cluster.partition("n1");
    cluster.partition("n2");
    cluster.run(2 * hourMs);
    expect(rings(cluster)).toEqual([]);
    cluster.heal();
    cluster.run(1_000);
    const [rung = never, ...more] = rings(cluster);
    expect(more).toEqual([]);
    expect(rung).toBeGreaterThanOrEqual(timerMs);
  });

  test("is not rung for by a node that its host keeps from leading", () => {
    const { cluster } = resting(hourMs);
    const node = cluster.node("n2");
    cluster.act("n2", () => node.turn(() => node.raft.abstain(true, cluster.nowMs)));
    expect(node.raft.deadlineMs).toBe(never);
  });
});

describe("hazard-52 alarms of a group at rest", () => {
  test("that ring early, twice or late change nothing but the time", () => {
    const { cluster, timerMs } = resting(hourMs);
    cluster.evict(...cluster.nodes.keys());
    for (const fraction of [0.5, 0.5, 0.999]) {
      cluster.nowMs = timerMs - (1 - fraction) * hourMs;
      const sent = cluster.history.length;
      for (const id of cluster.nodes.keys()) cluster.tick(id);
      expect(cluster.history).toHaveLength(sent);
    }
    cluster.nowMs = timerMs + 150;
    for (let time = 0; time < 3; time += 1) cluster.tick("n1");
    cluster.run(5 * idleAfterMs);
    expect(rings(cluster)).toEqual([timerMs + 150]);
  });
});

describe("the time that a group rests", () => {
  test("counts, whoever is woken first and leads the next term, though all memory of it is gone", () => {
    for (const id of ["n1", "n2", "n3"]) {
      const { cluster } = resting(hourMs);
      cluster.evict(...cluster.nodes.keys());
      cluster.run(hourMs / 2);
      wake(cluster, id);
      expect(cluster.leader).toMatchObject({ id, raft: { term: 2 } });
      expect(stampNow(cluster)).toBe(cluster.nowMs);
    }
  });

  test("counts where the leader is lost in it, until somebody is asked", () => {
    const { cluster } = resting(hourMs);
    cluster.crash("n1");
    cluster.run(hourMs / 2);
    wake(cluster, "n2", "n1");
    expect(cluster.leader.id).toBe("n2");
    expect(stampNow(cluster)).toBe(cluster.nowMs);
  });

  test("ends for a follower that is asked for a read, and does not count while it waits for its leader in vain", () => {
    const { cluster } = resting(hourMs);
    cluster.crash("n1");
    cluster.run(hourMs / 4);
    const askedAtMs = cluster.nowMs;
    cluster.read("n2");
    cluster.run(1_000);
    expect(cluster.leader).toMatchObject({ id: "n2", raft: { term: 2 } });
    expect(cluster.witness.committed.at(-1)).toMatchObject({ kind: "noop", timeMs: askedAtMs });
  });

  test("ends for a leader with the first request, and from then on a standstill counts no more than before the rest", () => {
    const { cluster } = resting(hourMs);
    const stampMs = stampNow(cluster);
    cluster.nowMs += hourMs / 4;
    expect(stampNow(cluster)).toBe(stampMs + cluster.node("n1").options.electionMaxMs);
    expect(cluster.running.map(({ disk }) => disk.quiescent)).toEqual([false, false, false]);
  });

  test("ends for a node that its host lets stand for election", () => {
    const { cluster } = resting(hourMs);
    cluster.campaign("n2");
    expect(cluster.node("n2").disk.quiescent).toBe(false);
  });

  test("counts no longer when somebody is asked in vain", () => {
    const { cluster } = resting(hourMs);
    cluster.crash("n1");
    cluster.partition("n2");
    cluster.run(hourMs / 4);
    const askedAtMs = cluster.nowMs;
    wake(cluster, "n2", "n1");
    cluster.run(hourMs / 4);
    expect(cluster.node("n2").raft).toMatchObject({ term: 1, quiescent: false });
    cluster.heal();
    cluster.run(1_000);
    expect(cluster.leader).toMatchObject({ id: "n2", raft: { term: 2 } });
    expect(cluster.witness.committed.at(-1)).toMatchObject({ kind: "noop", timeMs: askedAtMs });
  });

  test("does not count for a node that led before somebody else did", () => {
    const { cluster } = resting(hourMs, { voters: 5 });
    cluster.crash("n1");
    cluster.run(hourMs / 4);
    // n2 is elected by n3 and n4, and is gone before anybody has heard of its first entry.
    cluster.lose = ({ type, from }) => type === "appendEntries" && from === "n2";
    wake(cluster, "n2", "n1");
    expect(cluster.node("n2").raft).toMatchObject({ role: "leader", term: 2 });
    cluster.crash(...cluster.nodes.keys());
    cluster.lose = () => false;
    cluster.nowMs += hourMs / 4;
    cluster.restart("n1", "n3", "n5");
    const before = cluster.node("n1").disk.applied.at(-1)!.timeMs;
    wake(cluster, "n1");
    cluster.elect("n1");
    expect(cluster.node("n1").raft.term).toBeGreaterThan(2);
    expect(cluster.node("n1").disk.wholeLog.at(-1)!.timeMs).toBe(before);
  });

  test("does not count for a leader that stood still beyond the timer, and rings later", () => {
    const { cluster, timerMs } = resting(hourMs);
    const leftMs = timerMs - cluster.nowMs;
    cluster.nowMs = timerMs + hourMs;
    cluster.tick("n1");
    cluster.run(leftMs - 1);
    expect(rings(cluster)).toEqual([]);
    cluster.run(leftMs);
    expect(rings(cluster)).toEqual([timerMs]);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1 } });
  });

  test("does not count if nobody was there when the timer was due: that was an outage, and shortens nothing", () => {
    const { cluster, timerMs } = resting(hourMs);
    const stampedMs = cluster.node("n1").disk.applied.at(-1)!.timeMs;
    const all = [...cluster.nodes.keys()];
    cluster.crash(...all);
    cluster.nowMs = timerMs + hourMs;
    cluster.restart(...all);
    cluster.tick("n1");
    cluster.deliver();
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 2 } });
    cluster.run(1_000);
    expect(rings(cluster)).toEqual([]);
    const leftMs = timerMs - stampedMs;
    cluster.run(leftMs - 5 * idleAfterMs - 1_000);
    expect(rings(cluster)).toEqual([]);
    cluster.run(2 * leftMs);
    expect(rings(cluster)).toEqual([timerMs]);
  });
});
