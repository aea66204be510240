/** The candidate: whom it asks, which answers it counts, and how an election ends. */

import { describe, expect, test } from "vitest";
import { append, heartbeat, logOf, requestVote, voteReply } from "./build.ts";
import { group } from "./disk.ts";
import { type NodeSettings, ofType, TestNode } from "./test-node.ts";

function campaigning(settings: NodeSettings = {}): TestNode {
  const node = new TestNode({ configuration: group(5), log: logOf([1, 2]), ...settings });
  node.turn(() => node.raft.campaign(node.nowMs));
  return node;
}

const withoutPreVote = { options: { preVote: false } };

describe("a pre-vote", () => {
  test("asks every other voter and no learner about the next term, and changes nothing yet", () => {
    const node = campaigning({ configuration: group(3, 2) });
    expect(node.sent).toMatchObject(
      ["n2", "n3"].map((to) => ({ type: "requestVote", to, term: 3, preVote: true, lastLogIndex: 2, lastLogTerm: 2 })),
    );
    expect(node.raft).toMatchObject({ role: "preCandidate", term: 2 });
    expect(node.disk.hardState).toEqual({ term: 2, vote: null });
  });

  test("that a majority grants begins the election", () => {
    const node = campaigning();
    expect(node.receive(voteReply({ term: 3, preVote: true }))).toEqual([]);
    const sent = node.receive(voteReply({ term: 3, preVote: true, from: "n3" }));
    expect(sent).toMatchObject(["n2", "n3", "n4", "n5"].map((to) => ({ to, term: 3, preVote: false })));
    expect(node.disk.hardState).toEqual({ term: 3, vote: "n1" });
  });

  test("that a majority refuses ends, and the node waits as a follower", () => {
    const node = campaigning();
    for (const from of ["n2", "n3", "n4"]) node.receive(voteReply({ term: 2, preVote: true, granted: false, from }));
    expect(node.raft).toMatchObject({ role: "follower", term: 2, deadlineMs: 150 });
  });

  test("hazard-21: a grant counts only for the term that was asked about", () => {
    const node = campaigning();
    for (const term of [2, 4, 99]) {
      for (const from of ["n2", "n3", "n4"]) node.receive(voteReply({ term, preVote: true, from }));
    }
    expect(node.raft).toMatchObject({ role: "preCandidate", term: 2 });
  });

  test("hazard-21: a late grant is no vote", () => {
    const node = campaigning();
    for (const from of ["n2", "n3", "n4", "n5"]) node.receive(voteReply({ term: 3, preVote: true, from }));
    expect(node.raft).toMatchObject({ role: "candidate", term: 3 });
  });

  test("a refusal of a later term is adopted", () => {
    const node = campaigning();
    node.receive(voteReply({ term: 7, preVote: true, granted: false }));
    expect(node.raft).toMatchObject({ role: "follower", term: 7 });
  });
});

describe("an election", () => {
  test("is won by the votes of a majority, each counted once", () => {
    const node = campaigning(withoutPreVote);
    node.receive(voteReply({ term: 3 }), voteReply({ term: 3 }), voteReply({ term: 3 }));
    expect(node.raft.role).toBe("candidate");
    node.receive(voteReply({ term: 3, from: "n3" }));
    expect(node.raft).toMatchObject({ role: "leader", term: 3, leader: "n1" });
  });

  test("hazard-02: the own vote is stored before anybody is asked", () => {
    const node = campaigning(withoutPreVote);
    const asked = node.readies.find(({ messages }) => ofType(messages, "requestVote").length > 0);
    expect(asked).toMatchObject({ early: [], hardState: { term: 3, vote: "n1" } });
    node.restart();
    expect(node.receive(requestVote({ term: 3, lastLogIndex: 9, lastLogTerm: 2 }))).toMatchObject([{ granted: false }]);
  });

  test.each([
    { name: "of an earlier term", reply: { term: 2 } },
    { name: "of learners and strangers", reply: { term: 3, from: "l1" } },
  ])("is not won by votes $name", ({ reply }) => {
    const node = campaigning({ ...withoutPreVote, configuration: group(3, 1) });
    node.receive(voteReply(reply), voteReply({ ...reply, from: "x" }));
    expect(node.raft.role).toBe("candidate");
  });

  test("a node that said no can't be counted as a yes later", () => {
    const node = campaigning({ ...withoutPreVote, configuration: group(3) });
    node.receive(voteReply({ term: 3, granted: false }), voteReply({ term: 3 }));
    expect(node.raft.role).toBe("candidate");
  });

  test("is lost by the refusals of a majority, and the vote stays given", () => {
    const node = campaigning(withoutPreVote);
    for (const from of ["n2", "n3", "n4"]) node.receive(voteReply({ term: 3, granted: false, from }));
    expect(node.raft).toMatchObject({ role: "follower", term: 3, vote: "n1" });
    expect(node.receive(requestVote({ term: 3, lastLogIndex: 9, lastLogTerm: 9 }))).toMatchObject([{ granted: false }]);
  });

  test.each([append({ term: 3, from: "n4", prevLogIndex: 2, prevLogTerm: 2 }), heartbeat({ term: 3, from: "n4" })])(
    "ends when another has won the term: $type",
    (message) => {
      const node = campaigning(withoutPreVote);
      expect(node.receive(message)).toHaveLength(1);
      expect(node.raft).toMatchObject({ role: "follower", term: 3, leader: "n4", lastContactMs: 0 });
    },
  );

  test("that nobody decides begins anew after a timeout, with the question whether it could be won", () => {
    const node = campaigning();
    node.receive(voteReply({ term: 3, preVote: true }), voteReply({ term: 3, preVote: true, from: "n3" }));
    expect(node.raft).toMatchObject({ role: "candidate", term: 3, deadlineMs: 150 });
    expect(node.pass(149).tick()).toEqual([]);
    expect(node.pass(1).tick()).toMatchObject(["n2", "n3", "n4", "n5"].map((to) => ({ to, term: 4, preVote: true })));
    expect(node.raft).toMatchObject({ role: "preCandidate", term: 3, deadlineMs: 300 });
  });

  test("another candidate's request of the same term is refused, of a later term considered", () => {
    const node = campaigning(withoutPreVote);
    const upToDate = { lastLogIndex: 2, lastLogTerm: 2 };
    expect(node.receive(requestVote({ term: 3, ...upToDate }))).toMatchObject([{ granted: false }]);
    expect(node.receive(requestVote({ term: 4, ...upToDate }))).toMatchObject([{ granted: true, term: 4 }]);
    expect(node.raft).toMatchObject({ role: "follower", term: 4, vote: "n2" });
  });

  test.each([true, false])("is won at once by a single voter, pre-vote: %s", (preVote) => {
    const node = campaigning({ configuration: group(1, 1), options: { preVote } });
    expect(node.raft).toMatchObject({ role: "leader", term: 3 });
    expect(node.disk.hardState).toEqual({ term: 3, vote: "n1" });
  });
});

test("hazard-29: a hundred timeouts without an answer raise no term", () => {
  const node = campaigning();
  for (let count = 0; count < 100; count += 1) node.expire();
  expect(node.raft.term).toBe(2);
  expect(node.raft.counters).toMatchObject({ preVotesStarted: 101, electionsStarted: 0 });
});
