/** Lease reads: a leader answers without asking only while a majority keeps its promise to elect nobody else. */

import { expect, test } from "vitest";
import type { Message } from "../../src/raft/message.ts";
import { requestVote, voteReply } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { TestNode } from "./test-node.ts";

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
  const node = new TestNode({ options: { leaseReads: true }, random: () => 0 });
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
  const node = new TestNode({ id: "n2", options: { leaseReads: true } });
  node.pass(1_000);
  node.receive({
    type: "heartbeat",
    timeMs: 500,
    electionMinMs: 150,
    quiesce: false,
    from: "n1",
    to: "n2",
    term: 1,
    commitIndex: 0,
    round: 1,
  });
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
