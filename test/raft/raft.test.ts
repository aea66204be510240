/** One node as its host sees it: what leaves before a write and what after, what a restart knows, when it wants to be woken. */

import { describe, expect, test } from "vitest";
import { append, appendReply, heartbeat, heartbeatReply, logOf, requestVote, times, voteReply } from "./build.ts";
import { group } from "./disk.ts";
import { ofType, TestNode } from "./test-node.ts";

describe("early messages", () => {
  test("are a leader's appends and heartbeats, which run beside its own write", () => {
    const node = new TestNode().lead();
    for (const from of ["n2", "n3"]) node.receive(appendReply({ from, term: 1, index: 1 }));
    node.propose("a");
    const ready = node.readies.findLast(({ entries }) => entries.length > 0);
    expect(ready).toMatchObject({ early: [{ to: "n2" }, { to: "n3" }], messages: [], entries: [{ index: 2 }] });
  });

  test("never rest on an entry that only this turn's write makes committed: a single voter with learners", () => {
    const node = new TestNode({ configuration: group(1, 2) }).lead();
    for (const from of ["l1", "l2"]) node.receive(appendReply({ from, term: 1, index: 1 }));
    node.propose("a");
    const told = node.readies.filter(({ early, messages }) =>
      ofType([...early, ...messages], "appendEntries").some(({ commitIndex }) => commitIndex === 2),
    );
    expect(told[0]).toMatchObject({ early: [], entries: [{ index: 2 }], committed: [{ index: 2 }] });
  });

  test("never rest on a term that only this turn's write makes durable", () => {
    const node = new TestNode({ configuration: group(1, 1) }).lead();
    const ready = node.readies.find(({ hardState }) => hardState !== null);
    expect(ready).toMatchObject({ early: [], hardState: { term: 1 }, messages: [{ type: "appendEntries", to: "l1" }] });
  });

  test("never rest on a vote for itself that this turn has yet to write, even if all others were faster", () => {
    const node = new TestNode({ options: { preVote: false } });
    node.turn(() => {
      node.raft.campaign(0);
      node.raft.step(voteReply({ term: 1 }), 0);
    });
    expect(node.raft.role).toBe("leader");
    expect(node.readies[0]).toMatchObject({ early: [], hardState: { term: 1, vote: "n1" } });
    expect(ofType(node.readies[0]!.messages, "appendEntries")).toHaveLength(2);
  });

  test("carry no promise: whoever crashes before the write has lost nothing that others count on", () => {
    const node = new TestNode().lead();
    for (const from of ["n2", "n3"]) node.receive(appendReply({ from, term: 1, index: 1 }));
    node.losesPower = () => "before the write";
    node.propose("a");
    expect(node.sent.at(-1)).toMatchObject({ type: "appendEntries", to: "n3", entries: [{ index: 2 }] });
    node.restart();
    // Elected again it makes another entry of it, in another term.
    node.lead();
    expect(node.disk.log.map(({ term }) => term)).toEqual([1, 2]);
  });
});

describe("what a turn has to do", () => {
  test("is nothing when nothing happened, and done once when it was handed out", () => {
    const node = new TestNode();
    expect(node.raft.ready(0)).toBeNull();
    node.raft.step(append({ term: 1, entries: logOf([1]) }), 0);
    expect(node.raft.ready(0)).toMatchObject({ hardState: { term: 1, vote: null }, entries: [{ index: 1 }] });
    expect(node.raft.ready(0)).toBeNull();
  });

  test("comes in bounded portions of entries to be applied", () => {
    const node = new TestNode({ log: logOf(times(10, 1)), options: { maxApplyBytes: 120 } });
    node.receive(heartbeat({ term: 1, commitIndex: 10 }));
    expect(node.readies.map(({ committed }) => committed.length)).toEqual([3, 3, 3, 1]);
    expect(node.disk.applied).toEqual(logOf(times(10, 1)));
  });
});

describe("a restart", () => {
  test("knows the term, the vote, the log and what was applied, and nothing else", () => {
    const node = new TestNode().lead();
    node.receive(appendReply({ term: 1, index: 1 }));
    node.propose("a", "b");
    node.receive(appendReply({ term: 1, index: 2 }));
    node.crash();
    node.restart();
    expect(node.raft).toMatchObject({ role: "follower", term: 1, vote: "n1", leader: null });
    expect(node.raft.log).toMatchObject({ lastIndex: 3, appliedIndex: 2, commitIndex: 2 });
  });

  test("applies what was committed but not applied before, once", () => {
    const node = new TestNode({ log: logOf([1, 1, 1]) });
    node.receive(heartbeat({ term: 1, commitIndex: 1 }));
    node.restart();
    node.receive(heartbeat({ term: 1, commitIndex: 3 }));
    expect(node.disk.applied).toEqual(logOf([1, 1, 1]));
  });

  test.each([0, 0.999])("is followed by a short first timeout, nobody having been heard, %d of the way", (share) => {
    const node = new TestNode({ random: () => share });
    expect(node.raft.deadlineMs).toBeCloseTo(10 + 90 * share);
    const plain = new TestNode({ random: () => share, options: { preVote: false } });
    expect(plain.raft.deadlineMs).toBeCloseTo(100 + 100 * share);
  });

  test("hazard-34: leads at once when it is the only voter", () => {
    const node = new TestNode({ configuration: group(1) }).lead();
    node.propose("a");
    node.restart();
    node.expire();
    expect(node.raft.role).toBe("leader");
    expect(node.disk.applied.map(({ kind }) => kind)).toEqual(["noop", "command", "noop"]);
  });
});

describe("time", () => {
  test("does nothing before the deadline, however often it is told", () => {
    const node = new TestNode().lead();
    for (let count = 0; count < 5; count += 1) expect(node.pass(1.9).tick()).toEqual([]);
    expect(ofType(node.pass(1).tick(), "heartbeat")).toHaveLength(2);
    expect(node.tick()).toEqual([]);
  });

  test("late by any amount does what is due once", () => {
    const node = new TestNode().lead();
    node.receive(heartbeatReply({ term: 1, round: 0 }));
    expect(ofType(node.pass(5_000).tick(), "heartbeat")).toHaveLength(2);
    expect(node.raft.deadlineMs).toBeGreaterThan(node.nowMs);
  });
});

test("a message for somebody else is a broken invariant", () => {
  expect(() => new TestNode().receive(heartbeat({ term: 1, to: "n3" }))).toThrow(/reached n1/);
});

test.each([
  { heartbeatMs: 0 },
  { heartbeatMs: 100 },
  { electionMinMs: 201 },
  { maxInflightMessages: 0 },
  { leaseReads: true, checkQuorum: false },
  { maxClockDriftMs: -1 },
])("options that can't work are refused: %o", (options) => {
  expect(() => new TestNode({ options })).toThrow(/must|needs/);
});

test("a candidate that hears the votes of others in the same turn leads and has one entry to save", () => {
  const node = new TestNode({ options: { preVote: false } });
  node.turn(() => node.raft.campaign(0));
  node.receive(voteReply({ term: 1 }), requestVote({ term: 1, from: "n3" }), voteReply({ term: 1, from: "n3" }));
  expect(node.raft.role).toBe("leader");
  expect(node.disk.log).toMatchObject([{ index: 1, term: 1, kind: "noop" }]);
});
