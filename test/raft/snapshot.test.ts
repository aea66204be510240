/** Snapshots: when they are sent, what they replace, and how a peer comes back from one. */

import { describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { append, appendReply, heartbeatReply, installSnapshot, logOf, termsOf, times } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { group, snapshotStates } from "./disk.ts";
import { ofType, TestNode } from "./test-node.ts";

const three = group(3);

describe("a follower", () => {
  test("takes the state in place of a log that ends before it", () => {
    const node = new TestNode({ log: logOf([1, 1]) });
    const [reply] = node.receive(installSnapshot(10, 2, three, { term: 2, round: 7 }));
    expect(reply).toMatchObject({ type: "appendReply", to: "n2", index: 10, rejection: null, round: 7 });
    expect(node.disk.stored.log).toMatchObject({ firstIndex: 11, lastIndex: 10, previousTerm: 2, appliedIndex: 10 });
    expect(node.raft.log.commitIndex).toBe(10);
    node.receive(append({ term: 2, prevLogIndex: 10, prevLogTerm: 2, entries: logOf(times(11, 2)).slice(10) }));
    expect(termsOf(node.disk.log)).toEqual([2]);
  });

  test("drops entries that conflict with it", () => {
    const node = new TestNode({ log: logOf(times(12, 1)) });
    node.receive(installSnapshot(10, 2, three, { term: 2 }));
    expect(node.disk.stored.log).toMatchObject({ firstIndex: 11, lastIndex: 10 });
  });

  test("hazard-17: keeps the entries after it when the log has the same entry there", () => {
    const node = new TestNode({ log: logOf([1, 1, 2, 2, 2]) });
    const [reply] = node.receive(installSnapshot(4, 2, three, { term: 2 }));
    expect(reply).toMatchObject({ index: 4, rejection: null });
    expect(termsOf(node.disk.log)).toEqual([1, 1, 2, 2, 2]);
    expect(node.raft.log.commitIndex).toBe(4);
    expect(node.readies.every(({ snapshot }) => snapshot === null)).toBe(true);
  });

  test("hazard-17: a late or repeated one changes nothing, and its answer tells how far this node is", () => {
    const node = new TestNode({ log: logOf([1, 1]) });
    const late = installSnapshot(5, 2, three, { term: 2 });
    node.receive(installSnapshot(10, 2, three, { term: 2 }));
    const before = node.disk.stored;
    expect(node.receive(late, late)).toMatchObject([{ index: 10 }, { index: 10 }]);
    expect(node.disk.stored).toEqual(before);
  });

  test("hazard-13: an append from before the snapshot is known to be equal, and removes nothing", () => {
    const node = new TestNode();
    node.receive(installSnapshot(10, 2, three, { term: 2 }));
    const [reply] = node.receive(
      append({ term: 2, prevLogIndex: 4, prevLogTerm: 1, entries: logOf(times(6, 2)).slice(4) }),
    );
    expect(reply).toMatchObject({ index: 10, rejection: null });
    expect(node.raft.log.lastIndex).toBe(10);
  });

  test("refuses a state that was not meant for it", () => {
    const node = new TestNode({ id: "n9", configuration: simpleConfiguration([]) });
    node.receive(installSnapshot(10, 2, three, { term: 2, to: "n9" }));
    expect(node.raft.log.lastIndex).toBe(0);
  });

  test("that learns from its first message that it may vote stands for election when the leader is gone", () => {
    const node = new TestNode({ configuration: simpleConfiguration([]) });
    expect(node.raft.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    node.receive(installSnapshot(10, 2, three, { term: 2 }));
    expect(node.raft.isVoter).toBe(true);
    expect(node.raft.deadlineMs).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(ofType(node.expire(), "requestVote")).toHaveLength(2);
  });

  test("hazard-19: knows its group after a restart from the snapshot alone", () => {
    const node = new TestNode({ configuration: simpleConfiguration([]) });
    node.receive(installSnapshot(10, 2, three, { term: 2 }));
    expect(node.raft.configuration).toEqual(three);
    node.crash();
    node.restart();
    expect(node.raft.configuration).toEqual(three);
    expect(node.raft.log).toMatchObject({ firstIndex: 11, lastIndex: 10, lastTerm: 2, appliedIndex: 10 });
  });
});

describe("a leader", () => {
  /** It leads term 2 with a log that begins after 20, and n2 has answered that its own ends at 3. */
  function needed(): TestNode {
    const node = new TestNode({ log: logOf(times(30, 1)) }).lead();
    node.receive(appendReply({ from: "n3", term: 2, index: 31 }));
    node.compactTo(20);
    return node;
  }
  const short = appendReply({ term: 2, index: 30, rejection: { hintIndex: 3, hintTerm: 1 } });

  test("sends the state as soon as it knows that the peer's log ends before its own begins", () => {
    const sent = needed().receive(short);
    expect(sent).toMatchObject([{ type: "installSnapshot", to: "n2", snapshot: { index: 31, term: 2 } }]);
  });

  test("sends nothing else until the peer has it", () => {
    const node = needed();
    node.receive(short);
    node.propose("while it travels");
    expect(node.receive(short, heartbeatReply({ term: 2 }))).toEqual([]);
    const sent = node.receive(appendReply({ term: 2, index: 31 }));
    expect(sent).toMatchObject([{ type: "appendEntries", to: "n2", prevLogIndex: 31, entries: [{ index: 32 }] }]);
  });

  test("sends the state that it will have when the message leaves", () => {
    const node = needed();
    node.propose("committed in the turn that asks for the snapshot");
    node.receive(appendReply({ from: "n3", term: 2, index: 32 }), short);
    const ready = node.readies.findLast(({ messages }) => ofType(messages, "installSnapshot").length > 0);
    expect(ready?.committed).toMatchObject([{ index: 32 }]);
    expect(ready?.messages).toMatchObject([{ type: "installSnapshot", snapshot: { index: 32, term: 2 } }]);
  });

  test.each([
    { delivered: true, next: { type: "appendEntries", to: "n2", prevLogIndex: 31 } },
    { delivered: false, next: { type: "installSnapshot", to: "n2", snapshot: { index: 31 } } },
  ])(
    "hazard-20: goes on after the next heartbeat when the answer got lost, delivered: $delivered",
    ({ delivered, next }) => {
      const node = needed();
      node.receive(short);
      expect(node.turn(() => node.raft.reportSnapshot("n2", delivered))).toEqual([]);
      node.expire();
      expect(node.receive(heartbeatReply({ term: 2, round: 1 }))).toMatchObject([next]);
    },
  );
});

test("a node that was away for longer than the log reaches back comes back through a snapshot", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  cluster.crash("n3");
  for (let count = 0; count < 20; count += 1) cluster.propose("n1", `while n3 is away ${count}`);
  cluster.deliver();
  for (const id of ["n1", "n2"]) cluster.act(id, (node) => node.compactTo(15));
  cluster.restart("n3");
  cluster.run(50);
  expect(cluster.history.filter(({ type }) => type === "installSnapshot")).toHaveLength(1);
  expect(cluster.applied("n3")).toEqual(cluster.applied("n1"));
  cluster.propose("n1", "after it");
  cluster.deliver();
  expect(cluster.applied("n3").at(-1)).toBe("after it");
});

test("hazard-18: what is applied never goes back, whatever snapshots arrive among appends", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  for (let count = 0; count < 5; count += 1) cluster.propose("n1", `${count}`);
  cluster.deliver();
  const snapshot = cluster.node("n1").raft.snapshot();
  snapshotStates.set(snapshot, [...cluster.node("n1").disk.applied]);
  cluster.propose("n1", "later");
  cluster.deliver();
  cluster.put({ type: "installSnapshot", from: "n1", to: "n3", term: 1, snapshot, round: 0 });
  cluster.deliver();
  expect(cluster.applied("n3")).toEqual(["0", "1", "2", "3", "4", "later"]);
});

test("hazard-19: a snapshot has the configuration in force at its index, not one that is only proposed", () => {
  const node = new TestNode({ log: logOf([1]) }).lead();
  node.receive(appendReply({ term: 2, index: 2 }));
  node.turn(() => {
    node.raft.proposeChange({ changes: [{ type: "remove", id: "n3" }], transition: "auto" }, node.nowMs);
  });
  expect([node.raft.log.lastIndex, node.raft.snapshot().index]).toEqual([3, 2]);
  expect(node.raft.snapshot().configuration.voters).toEqual(["n1", "n2", "n3"]);
  node.receive(appendReply({ term: 2, index: 3 }));
  expect(node.raft.snapshot()).toMatchObject({ index: 3, configuration: { voters: ["n1", "n2"] } });
});

describe("hazard-42: the label of a snapshot", () => {
  test("is the entry that is applied, not the last one of the log", () => {
    const node = new TestNode({ log: logOf([1, 1]) }).lead();
    node.receive(appendReply({ term: 2, index: 3 }));
    node.propose("a", "b");
    expect([node.raft.log.lastIndex, node.raft.log.appliedIndex]).toEqual([5, 3]);
    expect(node.raft.snapshot()).toMatchObject({ index: 3, term: 2, configuration: three });
    expect(node.disk.applied).toHaveLength(3);
  });

  test("has the term of that entry although the log has forgotten it, after a restart too", () => {
    const node = new TestNode({ log: logOf([1, 3, 3]) });
    node.receive(append({ term: 3, prevLogIndex: 3, prevLogTerm: 3, commitIndex: 3 }));
    node.compactTo(3);
    expect(node.raft.snapshot()).toMatchObject({ index: 3, term: 3 });
    node.crash();
    node.restart();
    expect(node.raft.snapshot()).toMatchObject({ index: 3, term: 3, timeMs: 3 });
  });

  test("is what its message carries, however much was proposed since it was asked for", () => {
    const node = new TestNode({ log: logOf(times(5, 1)) }).lead();
    node.receive(appendReply({ from: "n3", term: 2, index: 6 }));
    node.compactTo(6);
    node.propose("not committed yet");
    const [sent] = ofType(
      node.receive(appendReply({ term: 2, index: 5, rejection: { hintIndex: 0, hintTerm: 0 } })),
      "installSnapshot",
    );
    expect(sent).toMatchObject({ snapshot: { index: 6, term: 2 } });
    expect(node.raft.log.lastIndex).toBe(7);
  });
});
