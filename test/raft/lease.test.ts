/** Lease reads: a leader answers without asking only while a majority keeps its promise to elect nobody else. */

import { describe, expect, test } from "vitest";
import type { Message } from "../../src/raft/message.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { appendReply, heartbeat, heartbeatReply, requestVote, voteReply } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { group } from "./disk.ts";
import { ofType, TestNode } from "./test-node.ts";

/** n1 leads by the promise of n2 alone, given just now; n3 has not heard from it for longer than a timeout. */
function leased(): Cluster {
  const cluster = new Cluster({ options: { leaseReads: true }, random: () => 0 });
  cluster.elect("n1");
  cluster.cut("n1", "n3");
  cluster.cut("n3", "n1");
  cluster.run(150);
  expect(cluster.leader.id).toBe("n1");
  cluster.read("n1");
  expect(cluster.node("n1").reads, "the lease holds").toHaveLength(1);
  return cluster;
}

/** Runs to a time at which n1 still trusts its lease. Whatever others did by then, its answer must know of it. */
function readsLate(cluster: Cluster): void {
  cluster.partition("n1");
  cluster.run(85);
  for (const { id, raft } of cluster.running) {
    if (id === "n1" || raft.role !== "leader") continue;
    cluster.propose(id, "newer");
    cluster.deliver();
  }
  cluster.read("n1");
}

test("hazard-10: a lease ends before the promises that it rests on, counted from when they were asked for", () => {
  const cluster = leased();
  cluster.partition("n1");
  const since = cluster.node("n1").leadership.peers.get("n2")!.lastContactMs!;
  cluster.nowMs = since + 89;
  cluster.read("n1");
  expect(cluster.node("n1").reads).toHaveLength(2);
  cluster.nowMs = since + 90;
  cluster.read("n1");
  expect(cluster.node("n1").reads).toHaveLength(2);
});

test("hazard-10: a restart does not break a promise, neither by a vote nor by standing for election", () => {
  const cluster = leased();
  cluster.crash("n2");
  cluster.restart("n2");
  readsLate(cluster);
  expect(cluster.node("n1").reads).toHaveLength(2);
});

test("a node that may have promised to wait does not wake up before that is over", () => {
  const node = new TestNode({ hardState: { term: 1, vote: null, promiseMs: 100 }, random: () => 0 });
  expect(node.raft.deadlineMs).toBe(100);
  expect(node.expire()).toHaveLength(2);
});

test("hazard-10: a request to stand for election that arrives after its transfer was given up ends the lease", () => {
  const cluster = leased();
  cluster.lose = ({ type }) => type === "timeoutNow";
  const sent = cluster.history.length;
  cluster.act("n1", (node) => node.turn(() => node.raft.transferLeadership("n2", cluster.nowMs)));
  cluster.lose = () => false;
  cluster.deliver();
  const late = cluster.history.slice(sent).filter(({ type }: Message) => type === "timeoutNow");
  expect(late).toHaveLength(1);
  cluster.run(cluster.node("n1").options.electionMaxMs + 10);
  expect(cluster.node("n1").leadership.transferee).toBeNull();
  cluster.put(...late);
  cluster.partition("n1");
  cluster.heal();
  cluster.cut("n2", "n1");
  cluster.cut("n3", "n1");
  cluster.cut("n1", "n3");
  cluster.deliver();
  expect(cluster.node("n2").raft.role).toBe("leader");
  readsLate(cluster);
});

test("hazard-10: a promise outlives news of a later term", () => {
  const node = new TestNode({ id: "n2" });
  node.pass(1_000);
  node.receive(heartbeat({ from: "n1", to: "n2", term: 1, round: 1, leaseMs: 100 }));
  node.pass(50).receive(voteReply({ from: "n3", to: "n2", term: 2, granted: false }));
  expect(node.raft.term).toBe(2);
  expect(node.receive(requestVote({ from: "n3", to: "n2", term: 3 }))).toEqual([]);
  expect(node.raft.vote).toBeNull();
  expect(node.pass(50).receive(requestVote({ from: "n3", to: "n2", term: 3 }))).toMatchObject([{ granted: true }]);
});

test("hazard-10: a promise binds a node that is asked to stand for election by its host", () => {
  const cluster = leased();
  cluster.campaign("n2");
  readsLate(cluster);
  expect(cluster.node("n1").reads).toHaveLength(2);
});

describe("hazard-10: who follows", () => {
  const asks = (round: number, leaseMs = 100, term = 1): Message =>
    heartbeat({ from: "n2", to: "n1", term, round, leaseMs });
  const wantsVote = requestVote({ from: "n3", to: "n1", term: 9 });
  /** Whether the node would give its vote now: its stickiness to the leader aside, which ends with its memory or the term. */
  const isFree = (node: TestNode): boolean => {
    node.receive(voteReply({ from: "n3", to: "n1", term: node.raft.term + 1, granted: false }));
    return node.receive(wantsVote).length > 0;
  };

  test.each([true, false])(
    "promises what it is asked for, whatever its own options are: leaseReads=%s",
    (leaseReads) => {
      const node = new TestNode({ options: { leaseReads } });
      node.receive(asks(1));
      expect(node.disk.hardState.promiseMs).toBe(100);
      expect([isFree(node.pass(99)), isFree(node.pass(1))]).toEqual([false, true]);
    },
  );

  test("promises before its answer leaves, and writes nothing for a promise that it has made before", () => {
    const node = new TestNode();
    node.receive(asks(1));
    expect(node.readies.at(-1)).toMatchObject({
      hardState: { promiseMs: 100 },
      messages: [{ type: "heartbeatReply" }],
    });
    node.receive(asks(2));
    expect(node.readies.at(-1)?.hardState).toBeNull();
  });

  test("keeps its promise over a restart, for as long as it had promised", () => {
    const node = new TestNode();
    node.receive(asks(1));
    node.pass(50).crash();
    node.restart();
    expect([isFree(node.pass(99)), isFree(node.pass(1))]).toEqual([false, true]);
  });

  test("is free at once when the leader gives the promise back, and says so to its disk", () => {
    const node = new TestNode();
    node.receive(asks(1), asks(2, 0));
    expect(node.disk.hardState.promiseMs).toBeUndefined();
    expect(isFree(node)).toBe(true);
  });

  test("is not set free by a heartbeat from before the promise, nor by one that a restart has made older", () => {
    const node = new TestNode();
    node.receive(asks(2), asks(1, 0));
    expect(isFree(node)).toBe(false);
    const restarted = new TestNode();
    restarted.receive(asks(2));
    restarted.crash();
    restarted.restart();
    restarted.receive(asks(1, 0));
    expect(restarted.disk.hardState.promiseMs).toBe(100);
    expect(isFree(restarted)).toBe(false);
  });

  test("is set free by a leader of a later term that asks for nothing", () => {
    const node = new TestNode();
    node.receive(asks(5));
    node.crash();
    node.restart();
    node.receive(asks(1, 0, 2));
    expect(isFree(node)).toBe(true);
  });
});

describe("hazard-10: the leader", () => {
  /** n1 of three leads and may read; its heartbeats are answered by hand. */
  function leader(options: Partial<RaftOptions> = {}): TestNode {
    const node = new TestNode({ options: { leaseReads: true, ...options } }).lead();
    node.receive(appendReply({ term: 1, index: 1 }), appendReply({ from: "n3", term: 1, index: 1 }));
    return node;
  }

  /** Lets the next heartbeat leave; answers its round. */
  const beats = (node: TestNode): number => ofType(node.expire(), "heartbeat")[0]!.round;
  const leaseMs = (node: TestNode): number => node.leadership.leaseMs(node.nowMs);

  test("counts answers to heartbeats alone: nothing else asks for a promise", () => {
    const node = leader();
    const round = beats(node);
    node.receive(appendReply({ term: 1, index: 1, round }));
    expect(leaseMs(node)).toBe(0);
    node.receive(heartbeatReply({ term: 1, round }));
    expect(leaseMs(node)).toBe(90);
    node.readIndex(1);
    expect(node.reads).toHaveLength(1);
  });

  test("counts from the time of the question, however late the answers are", () => {
    const node = leader();
    const round = beats(node);
    node.pass(60).receive(heartbeatReply({ term: 1, round }));
    expect(leaseMs(node)).toBe(30);
    node.pass(30);
    expect(leaseMs(node)).toBe(0);
    expect(ofType(node.readIndex(1), "heartbeat"), "a read then asks again").toHaveLength(2);
    expect(node.reads).toHaveLength(0);
  });

  test("has none while it hands leadership over, nor for the rest of its term once the other was told to stand", () => {
    const node = leader();
    node.receive(heartbeatReply({ term: 1, round: beats(node) }));
    node.turn(() => node.raft.transferLeadership("n3", node.nowMs));
    expect(leaseMs(node)).toBe(0);
    node.pass(node.options.electionMaxMs).tick();
    expect(node.leadership.transferee).toBeNull();
    const heartbeats = ofType(node.expire(), "heartbeat");
    expect(heartbeats.map((message) => message.leaseMs)).toEqual([0, 0]);
    node.receive(heartbeatReply({ term: 1, round: heartbeats[0]!.round }));
    expect(leaseMs(node)).toBe(0);
  });

  test("gives it back when it asks its peers to rest, and asks for it anew when the group wakes", () => {
    const node = leader({ idleAfterMs: 20 });
    node.receive(heartbeatReply({ term: 1, round: beats(node) }));
    expect(leaseMs(node)).toBeGreaterThan(0);
    let asked = ofType(node.expire(), "heartbeat");
    while (!asked[0]!.quiesce) asked = ofType(node.expire(), "heartbeat");
    expect(asked.map((message) => message.leaseMs)).toEqual([0, 0]);
    node.receive(heartbeatReply({ term: 1, round: asked[0]!.round }));
    expect(leaseMs(node)).toBe(0);
    const woken = ofType(node.readIndex(1), "heartbeat");
    expect(woken.map((message) => message.leaseMs)).toEqual([100, 100]);
    expect(node.reads, "the lease from before the rest is worth nothing").toHaveLength(0);
    node.receive(heartbeatReply({ term: 1, round: asked[0]!.round }));
    expect(leaseMs(node)).toBe(0);
    node.receive(heartbeatReply({ term: 1, round: woken[0]!.round }));
    expect(leaseMs(node)).toBe(90);
  });

  test("counts again when others may elect: the promises of those that were voters are not enough", () => {
    const node = new TestNode({ configuration: group(1), options: { leaseReads: true } });
    node.expire();
    expect(node.raft.role).toBe("leader");
    node.expire();
    expect(leaseMs(node)).toBe(90);
    node.turn(() => {
      node.raft.proposeChange({ changes: [{ type: "addVoter", id: "n2" }], transition: "auto" }, node.nowMs);
    });
    expect(node.raft.configuration.voters).toEqual(["n1", "n2"]);
    expect(leaseMs(node)).toBe(0);
  });
});
