/** Changes of the group while it works: one at a time, in force when applied, safe against whoever does not know of them yet. */

import { describe, expect, test } from "vitest";
import type { MemberChange } from "../../src/raft/configuration-change.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Proposal } from "../../src/raft/leader.ts";
import { append, appendReply, heartbeat, logOf, requestVote, voteReply } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { group } from "./disk.ts";
import { TestNode } from "./test-node.ts";

const add = (id: string): MemberChange => ({ type: "addVoter", id });
const learn = (id: string): MemberChange => ({ type: "addLearner", id });
const remove = (id: string): MemberChange => ({ type: "remove", id });

function change(cluster: Cluster, ...changes: readonly MemberChange[]): Proposal {
  return cluster.act(cluster.leader.id, (node) => changeOn(node, ...changes));
}

function changeOn(node: TestNode, ...changes: readonly MemberChange[]): Proposal {
  let proposal: Proposal = { accepted: false, reason: "not_leader" };
  node.turn(() => {
    proposal = node.raft.proposeChange({ changes, transition: "auto" }, node.nowMs);
  });
  return proposal;
}

/** Three voters of a group that has nodes to spare: they take part when they are added. */
function withSpares(voters: number, spares: number): Cluster {
  const cluster = new Cluster({ voters, spares });
  cluster.elect("n1");
  return cluster;
}

describe("a change", () => {
  test("adds a voter that then counts, and removes one that then does not", () => {
    const cluster = withSpares(3, 1);
    expect(change(cluster, add("s1"))).toMatchObject({ accepted: true });
    cluster.deliver();
    for (const { raft } of cluster.running) expect(raft.configuration.voters).toEqual(["n1", "n2", "n3", "s1"]);
    cluster.crash("n2", "n3");
    cluster.propose("n1", "needs three of four");
    cluster.run(50);
    expect(cluster.applied("n1")).toEqual([]);
    cluster.restart("n3");
    cluster.run(50);
    expect(cluster.applied("s1")).toEqual(["needs three of four"]);
    expect(change(cluster, remove("n2"))).toMatchObject({ accepted: true });
    cluster.run(50);
    expect(cluster.node("s1").raft.configuration.voters).toEqual(["n1", "n3", "s1"]);
  });

  test("of several members goes through both configurations, and the leader leaves the first by itself", () => {
    const cluster = withSpares(3, 2);
    expect(change(cluster, add("s1"), add("s2"), remove("n3"), learn("n2"))).toMatchObject({ accepted: true });
    cluster.run(50);
    const { configuration } = cluster.node("s2").raft;
    expect(configuration).toMatchObject({
      voters: ["n1", "s1", "s2"],
      outgoing: [],
      learners: ["n2"],
      learnersNext: [],
    });
    expect(cluster.node("n2").raft.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    cluster.propose("n1", "a");
    cluster.run(50);
    expect(cluster.applied("n2")).toEqual(["a"]);
  });

  test("outlives a restart", () => {
    const cluster = withSpares(3, 1);
    change(cluster, add("s1"));
    cluster.deliver();
    for (const id of ["n1", "s1"]) {
      cluster.crash(id);
      cluster.restart(id);
      expect(cluster.node(id).raft.configuration.voters).toEqual(["n1", "n2", "n3", "s1"]);
    }
  });

  test("hazard-05: waits for the one before it, and is refused until that is applied", () => {
    const node = new TestNode().lead();
    node.receive(appendReply({ term: 1, index: 1 }));
    expect(changeOn(node, add("n4"))).toMatchObject({ accepted: true, index: 2 });
    expect(changeOn(node, remove("n2"))).toEqual({ accepted: false, reason: "change_pending" });
    expect(node.raft.configuration.voters, "not in force yet").toEqual(["n1", "n2", "n3"]);
    node.receive(appendReply({ term: 1, index: 2 }));
    expect(node.raft.configuration.voters).toEqual(["n1", "n2", "n3", "n4"]);
    expect(changeOn(node, remove("n2"))).toMatchObject({ accepted: true });
  });

  test("hazard-04: of an earlier leader that may still be in the log holds up the new leader's first", () => {
    const node = new TestNode({ log: logOf([1]) }).lead();
    expect(changeOn(node, add("n4"))).toEqual({ accepted: false, reason: "change_pending" });
    node.receive(appendReply({ term: 2, index: 2 }));
    expect(changeOn(node, add("n4"))).toMatchObject({ accepted: true });
  });

  test("hazard-05: that is lost with its leader was never in force", () => {
    const cluster = withSpares(3, 1);
    cluster.partition("n1");
    change(cluster, add("s1"));
    cluster.deliver();
    cluster.elect("n2");
    cluster.heal();
    cluster.run(100);
    for (const id of ["n1", "n2", "n3"]) expect(cluster.node(id).raft.configuration).toEqual(group(3));
    expect(cluster.node("n1").disk.log.some(({ kind }) => kind === "configuration")).toBe(false);
  });

  test.each([
    { name: "to nobody", changes: [remove("n1"), remove("n2"), remove("n3")], reason: "no_voters" },
    { name: "out of a configuration that is not joint", changes: [], reason: "not_joint" },
  ])("is refused: $name", ({ changes, reason }) => {
    const node = new TestNode().lead();
    node.receive(appendReply({ term: 1, index: 1 }));
    expect(changeOn(node, ...changes)).toEqual({ accepted: false, reason });
  });
});

describe("a joint configuration", () => {
  /** n1 to n3 are leaving and n1, s1 and s2 coming; nobody leaves it by itself. */
  function joint(): Cluster {
    const cluster = withSpares(3, 2);
    cluster.act("n1", (node) =>
      node.turn(() => {
        const changes = [add("s1"), add("s2"), remove("n2"), remove("n3")];
        node.raft.proposeChange({ changes, transition: "explicit" }, node.nowMs);
      }),
    );
    cluster.run(50);
    expect(cluster.leader.raft.configuration).toMatchObject({
      voters: ["n1", "s1", "s2"],
      outgoing: ["n1", "n2", "n3"],
    });
    return cluster;
  }

  test.each([
    { name: "half of the old", cut: ["n2", "n3"] },
    { name: "half of the new", cut: ["s1", "s2"] },
  ])("commits and elects nothing without $name", ({ cut }) => {
    const cluster = joint();
    cluster.partition(...cut);
    cluster.propose("n1", "a");
    cluster.run(1_000);
    expect(cluster.applied("n1")).toEqual([]);
    expect(cluster.running.filter(({ raft }) => raft.role === "leader")).toEqual([]);
    cluster.heal();
    cluster.run(1_000);
    cluster.propose(cluster.leader.id, "b");
    cluster.run(50);
    expect(cluster.applied("n1").at(-1)).toBe("b");
  });

  test("is left when that is asked for", () => {
    const cluster = joint();
    expect(change(cluster, add("n2"))).toEqual({ accepted: false, reason: "joint_configuration" });
    expect(change(cluster)).toMatchObject({ accepted: true });
    cluster.run(50);
    expect(cluster.node("s1").raft.configuration).toMatchObject({ voters: ["n1", "s1", "s2"], outgoing: [] });
  });

  test("is left by a later leader when the one that entered it died", () => {
    const cluster = withSpares(3, 2);
    cluster.lose = (message) =>
      message.type === "appendEntries" && message.entries.some(({ change: it }) => it?.changes.length === 0);
    change(cluster, add("s1"), add("s2"));
    cluster.run(30);
    expect(cluster.node("n2").raft.configuration.outgoing).toEqual(["n1", "n2", "n3"]);
    cluster.crash("n1");
    cluster.heal();
    cluster.run(1_000);
    expect(cluster.leader.raft.configuration).toMatchObject({ voters: ["n1", "n2", "n3", "s1", "s2"], outgoing: [] });
  });
});

describe("hazard-24: a leader that removes itself", () => {
  test.each([2, 3])("of %i steps down when that is committed, and the rest goes on", (voters) => {
    const cluster = withSpares(voters, 0);
    change(cluster, remove("n1"));
    cluster.run(1_000);
    expect(cluster.node("n1").raft.role).toBe("follower");
    expect(cluster.leader.id).not.toBe("n1");
    cluster.propose(cluster.leader.id, "a");
    cluster.run(50);
    expect(cluster.applied("n2")).toEqual(["a"]);
    expect(cluster.applied("n1")).toEqual([]);
  });

  test.each([2, 3])("of %i helps the rest to a leader when its last message got lost", (voters) => {
    const cluster = withSpares(voters, 0);
    change(cluster, remove("n1"));
    cluster.lose = ({ from, type }) => from === "n1" && type === "appendEntries";
    cluster.deliver();
    expect(cluster.node("n1").raft).toMatchObject({ role: "follower", isVoter: false });
    cluster.heal();
    cluster.run(1_000);
    cluster.propose(cluster.leader.id, "a");
    cluster.run(50);
    expect(cluster.applied("n2")).toEqual(["a"]);
  });
});

test("hazard-25: a leader that is not among the voters to come does not count as one of them", () => {
  const joint = { ...group(3), voters: ["n2", "n3", "n4"], outgoing: ["n1", "n2", "n3"] };
  const node = new TestNode({ configuration: joint });
  node.turn(() => node.raft.campaign(node.nowMs));
  for (const preVote of [true, false]) {
    // Of n2, n3 and n4 two are needed, and n1 is none of them.
    node.receive(voteReply({ from: "n2", term: 1, preVote }));
    expect(node.raft.role).toBe(preVote ? "preCandidate" : "candidate");
    node.receive(voteReply({ from: "n3", term: 1, preVote }));
  }
  expect(node.raft.role).toBe("leader");
  node.receive(appendReply({ from: "n2", term: 1, index: 1 }));
  expect(node.raft.log.commitIndex).toBe(0);
  node.receive(appendReply({ from: "n3", term: 1, index: 1 }));
  expect(node.raft.log.commitIndex).toBe(1);
});

describe("hazard-24: a leader whose own going waits for its commit", () => {
  test.each([
    { name: "by leaving", gone: remove("n1") },
    { name: "by becoming a learner", gone: learn("n1") },
  ])("takes nothing more $name, so that the rest can do without its log", ({ gone }) => {
    const cluster = withSpares(2, 0);
    cluster.propose("n1", "before");
    expect(change(cluster, gone)).toMatchObject({ accepted: true });
    // The other stores the change, and then hears no more from this leader.
    cluster.lose = ({ type, from }) => type === "appendEntries" && from === "n1";
    cluster.propose("n1", "after");
    cluster.deliver();
    expect(cluster.node("n1").raft.isVoter).toBe(false);
    cluster.heal();
    cluster.run(1_000);
    expect(cluster.leader.id).toBe("n2");
    expect(cluster.applied("n2")).toEqual(["before"]);
  });

  test("knows it from the log when an earlier leader has asked for it", () => {
    const cluster = withSpares(4, 0);
    cluster.lose = ({ from, to }) => from === "n2" || to === "n3" || to === "n4";
    change(cluster, remove("n2"));
    cluster.deliver();
    cluster.crash("n1");
    cluster.heal();
    cluster.lose = ({ type }) => type === "appendReply";
    cluster.elect("n2");
    expect(cluster.propose("n2", "a")).toEqual([{ accepted: false, reason: "transferring" }]);
    cluster.heal();
    cluster.restart("n1");
    cluster.run(1_000);
    expect(cluster.leader.id).not.toBe("n2");
    expect(cluster.node("n2").raft.isVoter).toBe(false);
  });

  test("goes on taking commands where an odd number of voters never misses its vote, as etcd's leader does", () => {
    const cluster = withSpares(3, 0);
    change(cluster, remove("n1"));
    expect(cluster.propose("n1", "a")).toMatchObject([{ accepted: true }]);
    cluster.deliver();
    expect(cluster.node("n1").raft.isVoter).toBe(false);
    cluster.run(1_000);
    cluster.propose(cluster.leader.id, "b");
    cluster.run(1_000);
    expect(cluster.applied("n2").at(-1)).toBe("b");
    expect(cluster.applied("n3")).toEqual(cluster.applied("n2"));
  });
});

test("hazard-23: a node that was removed without learning of it does not disturb the others", () => {
  const cluster = withSpares(4, 0);
  cluster.partition("n4");
  change(cluster, remove("n4"));
  cluster.run(1_000);
  cluster.heal();
  const { leader } = cluster;
  const { term } = leader.raft;
  cluster.run(3_000);
  expect(cluster.leader).toBe(leader);
  expect(leader.raft.term).toBe(term);
});

test("hazard-06: nobody stands for election with a change committed but not applied", () => {
  const node = new TestNode({ options: { preVote: false } });
  const entries = [
    {
      ...logOf([1])[0]!,
      kind: "configuration" as const,
      change: { changes: [add("n4")], transition: "auto" as const },
    },
  ];
  node.turn(() => {
    node.raft.step(append({ term: 1, entries, commitIndex: 1 }), 0);
    node.raft.campaign(0);
    node.raft.step({ type: "timeoutNow", from: "n2", to: "n1", term: 1 }, 0);
  });
  expect(node.raft.role).toBe("follower");
  expect(node.raft.configuration.voters).toHaveLength(4);
  node.turn(() => node.raft.campaign(0));
  expect(node.raft.role).toBe("candidate");
});

test("a change is never applied to a group that the node does not know: it would be a group of its own", () => {
  const node = new TestNode({ id: "n4", configuration: simpleConfiguration([]) });
  const changes = [add("n4")];
  const entries = [
    { ...logOf([1])[0]!, kind: "configuration" as const, change: { changes, transition: "auto" as const } },
  ];
  expect(() => node.receive(append({ term: 1, to: "n4", entries, commitIndex: 1 }))).toThrow(/does not know/);
});

test("hazard-26: whoever does not know yet that it may vote does so when it is asked", () => {
  const node = new TestNode({ id: "n4", configuration: group(3, 0) });
  expect(node.receive(requestVote({ term: 1, to: "n4" }))).toMatchObject([{ granted: true }]);
  expect(node.receive(heartbeat({ term: 1, to: "n4" }))).toHaveLength(1);
  expect(node.raft.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});
