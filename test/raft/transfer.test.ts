/** Handing leadership over: it goes to whoever was asked, or stays, and either way it ends. */

import { describe, expect, test } from "vitest";
import { appendReply, heartbeat, requestVote } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { group } from "./disk.ts";
import { TestNode } from "./test-node.ts";

function transferred(cluster: Cluster, to: string): void {
  const { leader } = cluster;
  const outcome = cluster.act(leader.id, (node) => {
    let result: string | null = null;
    node.turn(() => {
      result = node.raft.transferLeadership(to, cluster.nowMs);
    });
    return result;
  });
  expect(outcome).toBe("started");
}

describe("leadership goes to another voter", () => {
  test("at once when it has everything, although all others have just heard from the leader", () => {
    const cluster = new Cluster({ voters: 5 });
    cluster.elect("n1");
    cluster.run(50);
    transferred(cluster, "n4");
    cluster.deliver();
    expect(cluster.leader).toMatchObject({ id: "n4", raft: { term: 2 } });
    cluster.recovers();
  });

  test("when it has caught up, and no proposal is taken meanwhile", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    cluster.propose("n1", "a");
    cluster.hold(({ to }) => to === "n2");
    transferred(cluster, "n2");
    expect(cluster.history.some(({ type }) => type === "timeoutNow")).toBe(false);
    expect(cluster.propose("n1", "b")).toEqual([{ accepted: false, reason: "transferring" }]);
    cluster.run(30);
    expect(cluster.leader.id).toBe("n2");
    expect(cluster.applied("n2")).toEqual(["a"]);
    cluster.recovers();
  });

  test("and no other, whatever was asked before", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    cluster.crash("n2");
    transferred(cluster, "n2");
    transferred(cluster, "n3");
    cluster.deliver();
    expect(cluster.leader.id).toBe("n3");
  });
});

describe("hazard-28: a transfer ends within an election timeout", () => {
  test.each([
    { name: "whose target is gone", prepare: (cluster: Cluster) => cluster.crash("n2") },
    {
      name: "whose request is lost",
      prepare: (cluster: Cluster) => {
        cluster.lose = ({ type }) => type === "timeoutNow";
      },
    },
    {
      name: "whose target can't catch up",
      prepare: (cluster: Cluster) => {
        cluster.lose = ({ type, to }) => type === "appendEntries" && to === "n2";
        cluster.propose("n1", "missing");
      },
    },
  ])("$name", ({ prepare }) => {
    const cluster = new Cluster();
    cluster.elect("n1");
    prepare(cluster);
    transferred(cluster, "n2");
    expect(cluster.propose("n1", "too early")).toMatchObject([{ accepted: false }]);
    cluster.run(cluster.node("n1").options.electionMaxMs);
    expect(cluster.leader.id).toBe("n1");
    expect(cluster.propose("n1", "again")).toMatchObject([{ accepted: true }]);
    cluster.recovers();
  });

  test("is forgotten when the leader loses its place before it ends", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    cluster.lose = ({ type }) => type === "timeoutNow";
    transferred(cluster, "n2");
    cluster.elect("n3");
    cluster.elect("n1");
    expect(cluster.leader.leadership.transferee).toBeNull();
    expect(cluster.propose("n1", "a")).toMatchObject([{ accepted: true }]);
  });
});

test("leadership is handed to nobody who can't lead", () => {
  const node = new TestNode({ configuration: group(3, 1) }).lead();
  const ask = (id: string): string => node.raft.transferLeadership(id, 0);
  expect([ask("l1"), ask("x")]).toEqual(["not_a_voter", "not_a_voter"]);
  expect(node.leadership.transferee).toBeNull();
  expect(new TestNode().raft.transferLeadership("n2", 0)).toBe("not_leader");
});

test("a leader that is asked to keep its place gives up a transfer", () => {
  const node = new TestNode().lead();
  node.turn(() => node.raft.transferLeadership("n2", 0));
  expect(node.leadership.transferee).toBe("n2");
  node.turn(() => node.raft.transferLeadership("n1", 0));
  expect(node.propose("a")).toMatchObject([{ accepted: true }]);
});

test("the target stands for election without asking first, and its voters do not stick to the leader", () => {
  const target = new TestNode({ id: "n2" });
  target.receive(heartbeat({ term: 0, from: "n1", to: "n2" }));
  const sent = target.receive({ type: "timeoutNow", from: "n1", to: "n2", term: 0 });
  expect(sent).toMatchObject(
    ["n1", "n3"].map((to) => ({ type: "requestVote", to, term: 1, preVote: false, transfer: true })),
  );
  const leader = new TestNode().lead();
  leader.receive(appendReply({ term: 1, index: 1 }));
  expect(leader.receive(requestVote({ term: 2, transfer: true, lastLogIndex: 1, lastLogTerm: 1 }))).toMatchObject([
    { granted: true, term: 2 },
  ]);
});

test("a learner that is told to stand for election does not", () => {
  const node = new TestNode({ id: "l1", configuration: group(3, 1) });
  expect(node.receive({ type: "timeoutNow", from: "n1", to: "l1", term: 0 })).toEqual([]);
});
