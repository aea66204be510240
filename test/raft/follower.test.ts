/** The follower: what it takes from a leader, what it answers, and when it calls an election. */

import { describe, expect, test } from "vitest";
import { append, entry, heartbeat, logOf, requestVote, termsOf, times, voteReply } from "./build.ts";
import { group } from "./disk.ts";
import { ofType, TestNode } from "./test-node.ts";

describe("an append", () => {
  test("is taken after an equal entry, and its answer names the last entry known to be equal", () => {
    const node = new TestNode({ log: logOf([1, 1]) });
    const sent = node.receive(append({ term: 2, prevLogIndex: 2, prevLogTerm: 1, entries: [entry(3, 2)], round: 9 }));
    expect(sent).toEqual([{ type: "appendReply", from: "n1", to: "n2", term: 2, index: 3, rejection: null, round: 9 }]);
    expect(termsOf(node.disk.log)).toEqual([1, 1, 2]);
    expect(node.raft).toMatchObject({ role: "follower", term: 2, leader: "n2" });
  });

  test.each([
    { name: "the log is too short", log: [1, 1], prev: [5, 3], hint: { hintIndex: 2, hintTerm: 1 } },
    { name: "the log is empty", log: [], prev: [5, 3], hint: { hintIndex: 0, hintTerm: 0 } },
    {
      name: "the entry there is of an earlier term",
      log: [1, 1, 2, 2],
      prev: [4, 3],
      hint: { hintIndex: 4, hintTerm: 2 },
    },
    {
      name: "the entries there are of later terms",
      log: [1, 1, 4, 4],
      prev: [4, 3],
      hint: { hintIndex: 2, hintTerm: 1 },
    },
  ])("is refused with a hint where the logs may meet: $name", ({ log, prev, hint }) => {
    const node = new TestNode({ log: logOf(log) });
    const [prevLogIndex, prevLogTerm] = prev;
    const sent = node.receive(append({ term: 5, prevLogIndex: prevLogIndex!, prevLogTerm: prevLogTerm! }));
    expect(sent).toMatchObject([{ type: "appendReply", index: prevLogIndex, rejection: hint }]);
    expect(termsOf(node.disk.log)).toEqual(log);
  });

  test("hazard-11: commits no further than it has verified, whatever else is in the log", () => {
    const node = new TestNode({ log: logOf([1, 1, 1, 1, 1]), hardState: { term: 2, vote: null } });
    node.receive(append({ term: 2, prevLogIndex: 2, prevLogTerm: 1, commitIndex: 5 }));
    expect(node.raft.log.commitIndex).toBe(2);
    node.receive(append({ term: 2, prevLogIndex: 2, prevLogTerm: 1, entries: [entry(3, 2)], commitIndex: 5 }));
    expect(node.raft.log.commitIndex).toBe(3);
    expect(node.disk.applied).toEqual([...logOf([1, 1]), entry(3, 2)]);
  });

  test("commits what the leader has committed, and applies it in the turn that stores it", () => {
    const node = new TestNode();
    node.receive(append({ term: 1, entries: logOf([1, 1, 1]), commitIndex: 2 }));
    expect(node.readies).toHaveLength(1);
    expect(node.disk.applied).toEqual(logOf([1, 1]));
  });

  test("hazard-12: of two that change places the later one loses nothing", () => {
    const node = new TestNode();
    const first = append({ term: 1, entries: logOf([1, 1]) });
    const second = append({ term: 1, prevLogIndex: 2, prevLogTerm: 1, entries: [entry(3, 1), entry(4, 1)] });
    node.receive(first, second);
    expect(node.receive(first)).toMatchObject([{ index: 2, rejection: null }]);
    expect(termsOf(node.disk.log)).toEqual([1, 1, 1, 1]);
  });

  test("that begins before what is committed undoes nothing, and learns how far that goes", () => {
    const node = new TestNode();
    node.receive(append({ term: 1, entries: logOf([1, 1, 1, 1]), commitIndex: 3 }));
    const stale = append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, entries: [entry(2, 1)] });
    expect(node.receive(stale)).toMatchObject([{ type: "appendReply", index: 3, rejection: null }]);
    expect(node.disk.log).toHaveLength(4);
  });

  test("hazard-15: of an earlier term changes nothing, and its sender learns of the present one", () => {
    const node = new TestNode({ hardState: { term: 3, vote: null } });
    const { deadlineMs } = node.pass(1).raft;
    expect(
      node.receive(append({ term: 2, entries: logOf([1]), round: 5 }), heartbeat({ term: 2, round: 6 })),
    ).toMatchObject([
      { term: 3, round: 0 },
      { term: 3, round: 0 },
    ]);
    expect(node.disk.log).toEqual([]);
    expect(node.raft).toMatchObject({ leader: null, lastContactMs: null, deadlineMs });
  });

  test("is answered after it is stored, never with the messages that may leave before", () => {
    const node = new TestNode();
    node.receive(append({ term: 1, entries: logOf([1]), commitIndex: 1 }));
    expect(node.readies).toMatchObject([{ early: [], messages: [{ type: "appendReply" }], entries: [{ index: 1 }] }]);
  });
});

test("a heartbeat commits what it says, and its answer repeats its round", () => {
  const node = new TestNode({ log: logOf([1, 1, 1]) });
  expect(node.receive(heartbeat({ term: 1, commitIndex: 2, round: 4 }))).toEqual([
    { type: "heartbeatReply", quiesced: false, from: "n1", to: "n2", term: 1, round: 4 },
  ]);
  expect(node.raft.log.commitIndex).toBe(2);
});

describe("the election timer", () => {
  test.each([0, 0.25, 0.999])("is drawn evenly from its range, %d of the way", (share) => {
    const node = new TestNode({ random: () => share });
    node.receive(heartbeat({ term: 1 }));
    expect(node.raft.deadlineMs).toBeCloseTo(100 + 100 * share);
  });

  test("is drawn for an election, not for a contact: contact only ever moves the deadline on", () => {
    const lots = [0.5, 0.9, 0.1, 0.4, 0.2, 0.7];
    let drawn = 0;
    const node = new TestNode({ random: () => lots[drawn++] ?? 0 });
    node.receive(heartbeat({ term: 1 }));
    const drawnByThen = drawn;
    const deadlines = [0, 1, 2, 3].map(() => {
      node.pass(5).receive(heartbeat({ term: 1 }));
      return node.raft.deadlineMs - node.nowMs;
    });
    expect(new Set(deadlines).size).toBe(1);
    expect(drawn).toBe(drawnByThen);
    node.expire();
    expect(drawn, "another one for the next election").toBeGreaterThan(drawnByThen);
    node.receive(heartbeat({ term: 1 }));
    expect(node.raft.deadlineMs - node.nowMs).not.toBe(deadlines[0]);
  });

  test("is stretched with the range when the leader's network turns out to be slow", () => {
    const node = new TestNode({ options: { electionLimitMs: 1000 }, random: () => 0.25 });
    node.receive(heartbeat({ term: 1, electionMinMs: 400 }));
    node.receive(heartbeat({ term: 1, electionMinMs: 400 }));
    expect(node.raft.deadlineMs - node.nowMs).toBe(500);
  });

  test("begins anew with every contact, even a refused append", () => {
    const node = new TestNode();
    const contacts = [
      append({ term: 1 }),
      heartbeat({ term: 1 }),
      append({ term: 1, prevLogIndex: 9, prevLogTerm: 1 }),
    ];
    for (const contact of contacts) {
      node.pass(149).receive(contact);
      expect(node.raft.deadlineMs).toBe(node.nowMs + 150);
      expect(node.raft.lastContactMs).toBe(node.nowMs);
    }
  });

  test("begins anew with a vote, but not with a pre-vote nor with a refusal", () => {
    const node = new TestNode({ log: logOf([1]) });
    const { deadlineMs } = node.pass(10).raft;
    node.receive(requestVote({ term: 2, preVote: true, lastLogIndex: 1, lastLogTerm: 1 }));
    node.receive(requestVote({ term: 1 }));
    expect(node.raft.deadlineMs).toBe(deadlineMs);
    node.receive(requestVote({ term: 1, lastLogIndex: 1, lastLogTerm: 1 }));
    expect(node.raft.deadlineMs).toBe(node.nowMs + 150);
  });

  test("does nothing before its time and campaigns at it", () => {
    const node = new TestNode();
    node.receive(heartbeat({ term: 1 }));
    expect(node.pass(149).tick()).toEqual([]);
    expect(ofType(node.pass(1).tick(), "requestVote")).toHaveLength(2);
    expect(node.raft.role).toBe("preCandidate");
  });

  test("never runs for a learner", () => {
    const node = new TestNode({ id: "l1", configuration: group(1, 1) });
    node.receive(heartbeat({ term: 1, to: "l1" }));
    expect(node.raft.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    node.turn(() => node.raft.campaign(node.nowMs));
    expect(node.raft.role).toBe("follower");
  });

  test("that comes much too late first lets the heartbeats arrive that may wait behind it, once", () => {
    const node = new TestNode();
    node.receive(heartbeat({ term: 1 }));
    expect(node.pass(1_000).tick()).toEqual([]);
    expect(node.raft.role).toBe("follower");
    expect(node.raft.deadlineMs).toBe(node.nowMs + 20);
    expect(ofType(node.pass(1_000).tick(), "requestVote")).toHaveLength(2);
  });
});

describe("a vote", () => {
  const upToDate = { lastLogIndex: 2, lastLogTerm: 2 };
  const voter = (vote: string | null = null): TestNode => {
    return new TestNode({ log: logOf([1, 2]), hardState: { term: 3, vote } });
  };

  test("is given to the first that asks in a term, again to the same, and to no other", () => {
    const node = voter();
    expect(node.receive(requestVote({ term: 3, ...upToDate }))).toMatchObject([{ granted: true, term: 3, to: "n2" }]);
    expect(node.receive(requestVote({ term: 3, ...upToDate }))).toMatchObject([{ granted: true }]);
    expect(node.receive(requestVote({ term: 3, ...upToDate, from: "n3" }))).toMatchObject([{ granted: false }]);
    expect(node.disk.hardState).toEqual({ term: 3, vote: "n2" });
  });

  test("hazard-02: is stored before it leaves, and outlives a restart", () => {
    const node = voter();
    node.receive(requestVote({ term: 4, ...upToDate }));
    expect(node.readies).toMatchObject([
      { early: [], hardState: { term: 4, vote: "n2" }, messages: [{ granted: true }] },
    ]);
    node.restart();
    expect(node.receive(requestVote({ term: 4, ...upToDate, from: "n3" }))).toMatchObject([{ granted: false }]);
  });

  test.each([
    { name: "a shorter log of the same last term", lastLogIndex: 1, lastLogTerm: 2, granted: false },
    { name: "hazard-39: a longer log of an earlier last term", lastLogIndex: 9, lastLogTerm: 1, granted: false },
    { name: "an equal log", lastLogIndex: 2, lastLogTerm: 2, granted: true },
    { name: "a longer log", lastLogIndex: 3, lastLogTerm: 2, granted: true },
    { name: "a shorter log of a later last term", lastLogIndex: 1, lastLogTerm: 3, granted: true },
  ])("for $name", ({ lastLogIndex, lastLogTerm, granted }) => {
    for (const preVote of [false, true]) {
      const [reply] = voter().receive(requestVote({ term: 4, preVote, lastLogIndex, lastLogTerm }));
      expect(reply).toMatchObject({ type: "voteReply", question: 0, granted, preVote });
    }
  });

  test("raises the term even when refused, and forgets the vote of the term before", () => {
    const node = voter("n3");
    expect(node.receive(requestVote({ term: 5 }))).toMatchObject([{ granted: false, term: 5 }]);
    expect(node.disk.hardState).toEqual({ term: 5, vote: null });
  });

  test("is refused in a term whose leader is known", () => {
    const node = voter();
    node.receive(heartbeat({ term: 3, from: "n3" }));
    expect(node.pass(500).receive(requestVote({ term: 3, ...upToDate }))).toMatchObject([{ granted: false }]);
  });

  test.each([false, true])("sticks to a leader that was heard lately, without an answer, pre-vote: %s", (preVote) => {
    const node = voter();
    node.receive(heartbeat({ term: 3, from: "n3" }));
    expect(node.pass(99).receive(requestVote({ term: 9, preVote, ...upToDate }))).toEqual([]);
    expect(node.raft.term).toBe(3);
    expect(node.pass(1).receive(requestVote({ term: 9, preVote, ...upToDate }))).toMatchObject([{ granted: true }]);
  });

  test("is given at once without check-quorum, which stickiness belongs to", () => {
    const node = new TestNode({ options: { checkQuorum: false } });
    node.receive(heartbeat({ term: 1, from: "n3" }));
    expect(node.receive(requestVote({ term: 2 }))).toMatchObject([{ granted: true }]);
  });

  test("hazard-26: is given by a learner, which may have become a voter without knowing", () => {
    const node = new TestNode({ id: "l1", configuration: group(1, 1) });
    expect(node.receive(requestVote({ term: 1, to: "l1" }))).toMatchObject([{ granted: true }]);
  });
});

describe("a pre-vote", () => {
  test("hazard-44: binds nobody: it changes neither term nor vote, and the next one is judged for itself", () => {
    const node = new TestNode({ hardState: { term: 3, vote: "n1" } });
    for (const from of ["n2", "n3", "n2"]) {
      expect(node.receive(requestVote({ term: 4, preVote: true, from }))).toMatchObject([
        { granted: true, term: 4, to: from },
      ]);
    }
    expect(node.readies.every(({ hardState }) => hardState === null)).toBe(true);
    expect(node.receive(requestVote({ term: 4, from: "n3" }))).toMatchObject([{ granted: true, preVote: false }]);
  });

  test("hazard-21: of an earlier term is answered with the present one, so that its sender can catch up", () => {
    const node = new TestNode({ hardState: { term: 9, vote: null } });
    expect(node.receive(requestVote({ term: 5, preVote: true, lastLogIndex: 7, lastLogTerm: 4 }))).toMatchObject([
      { type: "voteReply", question: 0, preVote: true, granted: false, term: 9 },
    ]);
  });

  test("hazard-21: that is refused is answered in the node's own term", () => {
    const node = new TestNode({ log: logOf(times(3, 2)), hardState: { term: 2, vote: null } });
    expect(node.receive(requestVote({ term: 7, preVote: true }))).toMatchObject([{ granted: false, term: 2 }]);
    expect(node.raft.term).toBe(2);
  });
});

test("answers to questions of an earlier role change nothing", () => {
  const node = new TestNode({ hardState: { term: 2, vote: "n1" } });
  const { deadlineMs } = node.raft;
  node.receive(
    voteReply({ term: 2 }),
    voteReply({ term: 2, from: "n3" }),
    voteReply({ term: 3, preVote: true }),
    voteReply({ term: 3, preVote: true, from: "n3" }),
  );
  expect(node.raft).toMatchObject({ role: "follower", term: 2, deadlineMs });
});

test("a message of a later term from a peer raises the term; the leader it names is only a leader's own", () => {
  const node = new TestNode({ hardState: { term: 2, vote: "n1" } });
  node.receive({ type: "heartbeatReply", quiesced: false, from: "n2", to: "n1", term: 5, round: 1 });
  expect(node.raft).toMatchObject({ term: 5, leader: null, vote: null });
  node.receive(heartbeat({ term: 6, from: "n3" }));
  expect(node.raft).toMatchObject({ term: 6, leader: "n3" });
});
