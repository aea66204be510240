/** The leader: what it sends, what it counts as committed, what it refuses, and when it steps down. */

import { describe, expect, test } from "vitest";
import { entryBytes } from "../../src/raft/entry.ts";
import { append, appendReply, entry, heartbeat, heartbeatReply, logOf, requestVote, termsOf, times } from "./build.ts";
import { group } from "./disk.ts";
import { type NodeSettings, ofType, TestNode } from "./test-node.ts";

/** It leads term 2 of three, and both followers have everything. */
function leading(settings: NodeSettings = {}): TestNode {
  const node = new TestNode({ log: logOf([1, 1]), ...settings }).lead();
  for (const from of ["n2", "n3"]) node.receive(appendReply({ from, term: 2, index: 3 }));
  node.sent = [];
  return node;
}

function peer(node: TestNode, id = "n2") {
  return node.leadership.peers.get(id)!;
}

describe("a new leader", () => {
  test("opens its term with an entry of its own, sent to everybody after what they may have", () => {
    const node = new TestNode({ log: logOf([1, 1]), configuration: group(3, 1) }).lead();
    expect(node.disk.log.at(-1)).toMatchObject({ index: 3, term: 2, kind: "noop" });
    expect(ofType(node.sent, "appendEntries")).toMatchObject(
      ["l1", "n2", "n3"].map((to) => ({ to, term: 2, prevLogIndex: 2, prevLogTerm: 1, entries: [{ index: 3 }] })),
    );
  });

  test("hazard-01: commits entries of earlier terms only by one of its own", () => {
    const node = new TestNode({ log: logOf([1, 1]), configuration: group(5) }).lead();
    for (const from of ["n2", "n3", "n4"]) node.receive(appendReply({ from, term: 2, index: 2 }));
    expect(node.raft.log.commitIndex).toBe(0);
    node.receive(appendReply({ term: 2, index: 3 }));
    expect(node.raft.log.commitIndex).toBe(0);
    node.receive(appendReply({ term: 2, index: 3, from: "n3" }));
    expect(node.raft.log.commitIndex).toBe(3);
    expect(node.disk.applied).toHaveLength(3);
  });
});

describe("a proposal", () => {
  test("hazard-40: gets an index of its own, however many come at once, and one message carries them all", () => {
    const node = leading();
    const texts = Array.from({ length: 64 }, (_, number) => `${number}`);
    const proposals = node.propose(...texts);
    expect(proposals).toEqual(texts.map((_, number) => ({ accepted: true, index: 4 + number, term: 2 })));
    expect(ofType(node.sent, "appendEntries").map(({ to, entries }) => [to, entries.length])).toEqual([
      ["n2", 64],
      ["n3", 64],
    ]);
  });

  test("hazard-45: is committed when a majority has it, and not before", () => {
    const node = leading({ configuration: group(5) });
    node.propose("a");
    node.receive(appendReply({ term: 2, index: 4 }));
    expect(node.raft.log.commitIndex).toBeLessThan(4);
    expect(node.disk.applied.some(({ index }) => index === 4)).toBe(false);
    node.receive(appendReply({ term: 2, index: 4, from: "n4" }));
    expect(node.disk.applied.at(-1)).toMatchObject({ index: 4 });
  });

  test("is refused by everybody but the leader", () => {
    expect(new TestNode().propose("a")).toEqual([{ accepted: false, reason: "not_leader" }]);
    const node = leading();
    node.receive(heartbeat({ term: 3 }));
    expect(node.propose("a")).toEqual([{ accepted: false, reason: "not_leader" }]);
  });

  test("hazard-16: learners do not count", () => {
    const node = new TestNode({ configuration: group(3, 2) }).lead();
    node.receive(appendReply({ term: 1, index: 1, from: "l1" }), appendReply({ term: 1, index: 1, from: "l2" }));
    expect(node.raft.log.commitIndex).toBe(0);
    node.receive(appendReply({ term: 1, index: 1, from: "n3" }));
    expect(node.raft.log.commitIndex).toBe(1);
  });

  test("hazard-15: answers of an earlier term and of strangers do not count", () => {
    const node = new TestNode({ log: logOf([1, 1]) }).lead();
    node.receive(appendReply({ term: 1, index: 3 }), appendReply({ term: 2, index: 3, from: "x" }));
    expect(node.raft.log.commitIndex).toBe(0);
    expect(peer(node).matchIndex).toBe(0);
  });

  test("hazard-14: an answer counts once, however often it comes", () => {
    const node = leading({ configuration: group(5) });
    node.propose("a");
    for (let count = 0; count < 5; count += 1) node.receive(appendReply({ term: 2, index: 4 }));
    expect(node.raft.log.commitIndex).toBeLessThan(4);
  });
});

describe("back-pressure", () => {
  const size = entryBytes(entry(1, 1, "0123456789"));
  const limited = { options: { maxUncommittedBytes: 3 * size } };

  test("refuses what exceeds the limit while it waits for its commit, and takes it afterwards", () => {
    const node = leading(limited);
    const proposals = node.propose("0123456789", "0123456789", "0123456789", "0123456789");
    expect(proposals.map(({ accepted }) => accepted)).toEqual([true, true, true, false]);
    expect(proposals[3]).toEqual({ accepted: false, reason: "overloaded" });
    node.receive(appendReply({ term: 2, index: 5 }));
    expect(node.propose("0123456789", "0123456789", "0123456789")).toMatchObject([
      { accepted: true, index: 7 },
      { accepted: true },
      { accepted: false },
    ]);
  });

  test("counts commands without bytes too, whose number would otherwise know no bound", () => {
    const node = leading({ options: { maxUncommittedBytes: 320 } });
    const accepted = node.propose(...Array.from({ length: 100 }, () => "")).filter((proposal) => proposal.accepted);
    expect(accepted.length).toBeGreaterThanOrEqual(10);
    expect(accepted.length).toBeLessThanOrEqual(11);
  });

  test("takes a single command above the limit when nothing waits", () => {
    const node = leading(limited);
    const large = "x".repeat(10 * size);
    expect(node.propose(large, "y")).toMatchObject([{ accepted: true }, { accepted: false }]);
    node.receive(appendReply({ term: 2, index: 4 }));
    expect(node.propose(large)).toMatchObject([{ accepted: true, index: 5 }]);
  });
});

describe("pipelining", () => {
  test("sends ahead of the answers as far as the window allows, and the rest when there is room", () => {
    const node = leading({ options: { maxInflightMessages: 3 } });
    for (const text of ["a", "b", "c", "d", "e"]) node.propose(text);
    const sent = ofType(node.sent, "appendEntries").filter(({ to }) => to === "n2");
    expect(sent.map(({ entries }) => entries.map(({ index }) => index))).toEqual([[4], [5], [6]]);
    const more = ofType(node.receive(appendReply({ term: 2, index: 5 })), "appendEntries");
    expect(more.find(({ to }) => to === "n2")).toMatchObject({
      prevLogIndex: 6,
      entries: [{ index: 7 }, { index: 8 }],
    });
  });

  test("cuts what a peer lacks into messages of bounded size, a larger entry travelling alone", () => {
    const size = entryBytes(entry(1, 1, "aaaa"));
    const node = leading({ options: { maxAppendBytes: 2 * size, maxInflightMessages: 10 } });
    node.propose("aaaa", "bbbb", "cccc", "d".repeat(5 * size), "eeee");
    const sent = ofType(node.sent, "appendEntries").filter(({ to }) => to === "n2");
    expect(sent.map(({ entries }) => entries.map(({ index }) => index))).toEqual([[4, 5], [6], [7], [8]]);
  });

  test("starts over from what is known when a peer turns out to be unreachable, one message at a time", () => {
    const node = leading();
    node.propose("a");
    node.propose("b");
    const sent = node.turn(() => node.raft.reportUnreachable("n2"));
    expect(sent).toMatchObject([
      { type: "appendEntries", to: "n2", prevLogIndex: 3, entries: [{ index: 4 }, { index: 5 }] },
    ]);
    expect(node.turn(() => node.raft.reportUnreachable("n2"))).toEqual([]);
    node.propose("c");
    expect(peer(node)).toMatchObject({ state: "probe", nextIndex: 4 });
    const more = node.receive(appendReply({ term: 2, index: 5 })).filter(({ to }) => to === "n2");
    expect(more).toMatchObject([{ prevLogIndex: 5, entries: [{ index: 6 }] }]);
  });

  test("asks by an empty append when the answer to a heartbeat shows that something may be lost", () => {
    const node = leading();
    node.propose("a");
    node.expire();
    const [asked] = node.receive(heartbeatReply({ term: 2, round: 1 }));
    expect(asked).toMatchObject({ type: "appendEntries", to: "n2", prevLogIndex: 4, entries: [] });
    const missing = appendReply({ term: 2, index: 4, rejection: { hintIndex: 3, hintTerm: 2 } });
    expect(node.receive(missing)).toMatchObject([{ to: "n2", prevLogIndex: 3, entries: [{ index: 4 }] }]);
  });

  test("repeats a lost probe after the next heartbeat", () => {
    const node = new TestNode({ log: logOf([1, 1]) }).lead();
    expect(node.receive(heartbeatReply({ term: 2, round: 0 })), "no heartbeat was sent yet").toEqual([]);
    node.expire();
    expect(node.receive(heartbeatReply({ term: 2, round: 1 }))).toMatchObject([
      { type: "appendEntries", to: "n2", prevLogIndex: 2, entries: [{ index: 3 }] },
    ]);
  });

  test("hazard-14: late and repeated answers do not send anything twice", () => {
    const node = leading();
    for (const text of ["a", "b", "c"]) node.propose(text);
    node.receive(appendReply({ term: 2, index: 6 }));
    const late = [4, 5, 6, 3].map((index) => appendReply({ term: 2, index }));
    const refused = appendReply({ term: 2, index: 5, rejection: { hintIndex: 1, hintTerm: 1 } });
    expect(node.receive(...late, refused)).toEqual([]);
    expect(peer(node)).toMatchObject({ state: "replicate", matchIndex: 6, nextIndex: 7 });
  });
});

describe("the commit index", () => {
  test("spreads at once when it moves, without a tick and without entries to travel with", () => {
    const node = leading();
    node.propose("a");
    const sent = node.receive(appendReply({ term: 2, index: 4 }));
    expect(sent).toMatchObject(
      ["n2", "n3"].map((to) => ({ type: "appendEntries", to, prevLogIndex: 4, entries: [], commitIndex: 4 })),
    );
  });

  test("is not repeated to those who know it", () => {
    const node = leading();
    node.propose("a");
    node.receive(appendReply({ term: 2, index: 4 }));
    expect(node.receive(appendReply({ term: 2, index: 4 }), appendReply({ term: 2, index: 4, from: "n3" }))).toEqual(
      [],
    );
  });

  test("in a heartbeat is never above what its receiver is known to store", () => {
    const node = leading();
    node.propose("a", "b");
    node.receive(appendReply({ term: 2, index: 5 }));
    expect(ofType(node.expire(), "heartbeat")).toMatchObject([
      { to: "n2", commitIndex: 5 },
      { to: "n3", commitIndex: 3 },
    ]);
  });
});

describe("a heartbeat", () => {
  test("goes to everybody each interval, learners too", () => {
    const node = new TestNode({ configuration: group(3, 1) }).lead();
    expect(node.raft.deadlineMs).toBe(10);
    expect(node.pass(9).tick()).toEqual([]);
    expect(ofType(node.pass(1).tick(), "heartbeat").map(({ to }) => to)).toEqual(["l1", "n2", "n3"]);
    expect(node.raft.deadlineMs).toBe(20);
  });

  test("that comes late is sent once, and the next one a whole interval later", () => {
    const node = leading();
    expect(ofType(node.pass(57).tick(), "heartbeat")).toHaveLength(2);
    expect(node.raft.deadlineMs).toBe(67);
  });
});

describe("check-quorum", () => {
  test("steps down when no majority was heard for an election timeout, within two of them at most", () => {
    const node = leading();
    while (node.raft.role === "leader" && node.nowMs <= 400) node.expire();
    expect(node.raft).toMatchObject({ role: "follower", term: 2, leader: null });
  });

  test("goes on as long as a majority answers, whatever it answers", () => {
    const node = leading({ configuration: group(5) });
    for (let count = 0; count < 100; count += 1) {
      node.expire();
      node.receive(heartbeatReply({ term: 2 }), appendReply({ term: 2, index: 2, from: "n3" }));
    }
    expect(node.raft.role).toBe("leader");
  });

  test("hears no majority in half of four voters, nor in learners", () => {
    const node = leading({ configuration: group(4, 3) });
    while (node.raft.role === "leader" && node.nowMs <= 400) {
      node.expire();
      for (const from of ["n2", "l1", "l2", "l3"]) node.receive(heartbeatReply({ term: 2, from }));
    }
    expect(node.raft.role).toBe("follower");
  });

  test("can be switched off", () => {
    const node = leading({ options: { checkQuorum: false } });
    while (node.nowMs < 1_000) node.expire();
    expect(node.raft.role).toBe("leader");
  });

  test("lets a leader refuse to be deposed, without an answer", () => {
    const request = requestVote({ term: 9, lastLogIndex: 9, lastLogTerm: 9 });
    expect(leading().receive(request)).toEqual([]);
    const free = leading({ options: { checkQuorum: false } });
    expect(free.receive(request)).toMatchObject([{ granted: true, term: 9 }]);
    expect(free.raft.role).toBe("follower");
  });
});

describe("stepping down", () => {
  test.each([
    { name: "an answer", message: heartbeatReply({ term: 3 }), leader: null },
    { name: "a leader's append", message: append({ term: 3, prevLogIndex: 9, prevLogTerm: 2 }), leader: "n2" },
    { name: "a refused append", message: appendReply({ term: 3, index: 2 }), leader: null },
  ])("follows $name of a later term", ({ message, leader }) => {
    const node = leading();
    node.receive(message);
    expect(node.raft).toMatchObject({ role: "follower", term: 3, leader, leadership: null });
  });

  test("hazard-03: does not free the vote of the term", () => {
    const node = leading();
    while (node.raft.role === "leader" && node.nowMs <= 400) node.expire();
    const request = requestVote({ term: 2, lastLogIndex: 99, lastLogTerm: 2 });
    expect(node.receive(request)).toMatchObject([{ granted: false, term: 2 }]);
    expect(node.disk.hardState).toEqual({ term: 2, vote: "n1" });
  });

  test("loses what was not committed to the next leader, and its place in the log", () => {
    const node = leading();
    node.propose("lost", "lost too");
    node.receive(append({ term: 3, prevLogIndex: 3, prevLogTerm: 2, entries: [entry(4, 3)], commitIndex: 4 }));
    expect(termsOf(node.disk.log)).toEqual([1, 1, 2, 3]);
    expect(node.disk.applied.at(-1)).toEqual(entry(4, 3));
  });
});

test("two leaders in one term are a broken invariant", () => {
  expect(() => leading().receive(heartbeat({ term: 2 }))).toThrow(/leads term 2 too/);
});

test.each([
  { name: "the leader's entries there are of later terms", terms: [1, 3, 3, 3, 5, 5], hint: [4, 2], prev: 1 },
  { name: "the leader has an entry of that term", terms: [1, 2, 2, 3, 3, 5], hint: [5, 2], prev: 3 },
  { name: "the follower's log is a part of the leader's", terms: times(6, 1), hint: [2, 1], prev: 2 },
  { name: "the follower has nothing", terms: times(6, 1), hint: [0, 0], prev: 0 },
])("a refused probe goes on where the logs may meet: $name", ({ terms, hint, prev }) => {
  const node = new TestNode({ log: logOf(terms), hardState: { term: 6, vote: null } }).lead();
  const [hintIndex, hintTerm] = hint;
  const rejection = { hintIndex: hintIndex!, hintTerm: hintTerm! };
  const sent = node.receive(appendReply({ term: 7, index: 6, rejection }));
  expect(sent).toMatchObject([
    { type: "appendEntries", to: "n2", prevLogIndex: prev, prevLogTerm: terms[prev - 1] ?? 0 },
  ]);
});
