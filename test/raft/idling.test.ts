/** Idle groups: when nobody wants anything nobody waits for anything, and the first request is served at once. */

import { describe, expect, test } from "vitest";
import { Cluster } from "./cluster.ts";

const idleAfterMs = 1000;
const options = { idleAfterMs };

function restingGroup(voters = 3, learners = 0): Cluster {
  const cluster = new Cluster({ voters, learners, options });
  cluster.elect("n1");
  cluster.propose("n1", "a");
  cluster.run(2 * idleAfterMs);
  return cluster;
}

function deadlines(cluster: Cluster): number[] {
  return cluster.running.map(({ raft }) => raft.deadlineMs);
}

describe("an idle group", () => {
  test.each([
    [1, 0],
    [3, 0],
    [3, 1],
    [5, 2],
  ])("of %i voters and %i learners waits for no time and sends nothing", (voters, learners) => {
    const cluster = restingGroup(voters, learners);
    expect(new Set(deadlines(cluster))).toEqual(new Set([Number.POSITIVE_INFINITY]));
    const sent = cluster.history.length;
    cluster.run(3_600_000);
    expect(cluster.history.length).toBe(sent);
    expect(cluster.running.map(({ raft }) => raft.quiescent)).not.toContain(false);
  });

  test("is not idle before its time, nor with a configuration that never rests", () => {
    const cluster = new Cluster({ options });
    cluster.elect("n1");
    cluster.propose("n1", "a");
    cluster.run(idleAfterMs - 100);
    expect(cluster.leader.raft.quiescent).toBe(false);
    const restless = new Cluster();
    restless.elect("n1");
    restless.run(60_000);
    expect(restless.leader.raft.quiescent).toBe(false);
  });

  test("serves a write at its leader without an election, and rests again", () => {
    const cluster = restingGroup();
    const { term } = cluster.leader.raft;
    cluster.propose("n1", "b");
    cluster.deliver();
    expect(cluster.applied("n3")).toEqual(["a", "b"]);
    expect(cluster.leader.raft.term).toBe(term);
    expect(cluster.running.every(({ raft }) => raft.deadlineMs < Number.POSITIVE_INFINITY)).toBe(true);
    cluster.run(2 * idleAfterMs);
    expect(cluster.leader.raft.quiescent).toBe(true);
  });

  test("answers no read before a majority has confirmed its leader anew", () => {
    const cluster = restingGroup();
    cluster.partition("n1");
    const context = cluster.read("n1");
    cluster.deliver();
    expect(cluster.node("n1").reads.map((read) => read.context)).not.toContain(context);
    cluster.heal();
    cluster.run(200);
    expect(cluster.node("n1").reads.map((read) => read.context)).toContain(context);
  });

  test("trusts no lease from before its rest", () => {
    const cluster = new Cluster({ options: { ...options, leaseReads: true } });
    cluster.elect("n1");
    cluster.run(2 * idleAfterMs);
    cluster.partition("n1");
    const context = cluster.read("n1");
    expect(cluster.node("n1").reads.map((read) => read.context)).not.toContain(context);
  });
});

describe("a node does not rest", () => {
  test("while a peer lacks something", () => {
    const cluster = new Cluster({ options });
    cluster.elect("n1");
    cluster.partition("n3");
    cluster.propose("n1", "a");
    cluster.run(5 * idleAfterMs);
    expect(cluster.node("n1").raft.quiescent).toBe(false);
    cluster.heal();
    cluster.run(2 * idleAfterMs);
    expect(cluster.running.every(({ raft }) => raft.quiescent)).toBe(true);
  });

  test("by a word of its leader that came late, after it was woken", () => {
    const cluster = new Cluster({ options });
    cluster.elect("n1");
    cluster.run(idleAfterMs - 50);
    cluster.lose = () => false;
    let late = cluster.hold(() => false);
    while (late.length === 0) {
      cluster.nowMs = cluster.leader.raft.deadlineMs;
      cluster.tick("n1");
      late = cluster.hold((message) => message.type === "heartbeat" && message.to === "n2" && message.quiesce);
      cluster.deliver();
    }
    cluster.propose("n1", "b");
    cluster.deliver();
    cluster.put(...late);
    cluster.deliver();
    expect(cluster.node("n2").raft.quiescent).toBe(false);
  });
});

describe("a resting group whose leader is gone", () => {
  test("stands up when one of its nodes is asked, and elects at once", () => {
    const cluster = restingGroup();
    cluster.crash("n1");
    cluster.run(60_000);
    cluster.act("n2", (node) => node.turn(() => node.raft.wake("n1", cluster.nowMs)));
    cluster.deliver();
    expect(cluster.leader.id).toBe("n2");
    cluster.propose("n2", "b");
    cluster.deliver();
    expect(cluster.applied("n3")).toEqual(["a", "b"]);
  });

  test("does not stand up for a suspicion of somebody else than its leader", () => {
    const cluster = restingGroup();
    cluster.act("n2", (node) => node.turn(() => node.raft.wake("n3", cluster.nowMs)));
    cluster.act("n2", (node) => node.turn(() => node.raft.wake(null, cluster.nowMs)));
    expect(cluster.node("n2").raft.quiescent).toBe(true);
  });

  test("rests on through restarts of all its nodes, and elects with the first request", () => {
    const cluster = restingGroup();
    cluster.crash("n1", "n2", "n3");
    cluster.restart("n1", "n2", "n3");
    const sent = cluster.history.length;
    cluster.run(3_600_000);
    expect(cluster.history.length).toBe(sent);
    cluster.act("n3", (node) => node.turn(() => node.raft.wake(null, cluster.nowMs)));
    cluster.deliver();
    expect(cluster.leader.id).toBe("n3");
    cluster.run(5 * idleAfterMs);
    expect(cluster.leader.raft.quiescent).toBe(true);
  });

  test("loses nothing that was committed before it rested", () => {
    const cluster = restingGroup(5);
    cluster.propose("n1", "b", "c");
    cluster.deliver();
    cluster.run(2 * idleAfterMs);
    cluster.crash("n1");
    cluster.act("n4", (node) => node.turn(() => node.raft.wake("n1", cluster.nowMs)));
    cluster.deliver();
    expect(cluster.applied("n4")).toEqual(["a", "b", "c"]);
    cluster.recovers();
  });
});
