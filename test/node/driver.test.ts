/** The turn: what leaves before the write, what after it, and what a failure in the middle leaves behind. */

import { beforeEach, describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { AppendEntries, Message, RequestVote } from "../../src/raft/message.ts";
import { settled, TestNode, threeVoters } from "./host.ts";
import { Disk, encode } from "./word-list.ts";

let disk: Disk;
let node: TestNode;

beforeEach(() => {
  disk = new Disk(threeVoters);
  node = new TestNode(disk);
});

/** An append of words by `n2`, leader of `term`, right after the first entries of that term. */
function append(
  term: number,
  prevLogIndex: number,
  words: readonly string[],
  more: Partial<AppendEntries> = {},
): Message {
  return {
    type: "appendEntries",
    from: "n2",
    to: "n1",
    term,
    prevLogIndex,
    prevLogTerm: prevLogIndex === 0 ? 0 : term,
    entries: words.map((word, position) => ({
      index: prevLogIndex + 1 + position,
      term,
      kind: "command",
      timeMs: 500,
      data: encode(word),
    })),
    commitIndex: 0,
    round: 1,
    ...more,
  };
}

function requestVote(term: number, from = "n2"): RequestVote {
  return {
    type: "requestVote",
    question: 0,
    from,
    to: "n1",
    term,
    preVote: false,
    transfer: false,
    lastLogIndex: 9,
    lastLogTerm: 9,
    commitIndex: 0,
    commitTerm: 0,
  };
}

describe("a leader's turn", () => {
  test("sends entries before it writes them itself, so that disk and network overlap (thesis, 10.2.1)", () => {
    node.lead();
    void node.propose("a");
    expect(node.takeJournal()).toEqual(["send n2 append 2 commit 1", "begin", "save entries 2..2", "commit"]);
  });

  test("tells the commit, then applies, and answers its caller last", async () => {
    node.lead();
    void node.propose("a");
    node.takeJournal();
    node.ack("n2");
    await settled();
    expect(node.takeJournal()).toEqual([
      "send n2 append  commit 2",
      "begin",
      "apply a",
      "save applied 2",
      "commit",
      'a: done "a" at 2',
    ]);
  });

  test("sends nothing early that rests on its own write alone", () => {
    // The only voter commits by its own count: what it says to the learner must not be known before it is stored.
    node = new TestNode(new Disk(simpleConfiguration(["n1"], ["n4"])));
    node.wakeAtDeadline();
    expect(node.takeJournal()).toEqual([
      "begin",
      "save term 1 vote n1",
      "save entries 1..1",
      "save applied 1",
      "commit",
      "send n4 append 1 commit 1",
    ]);
    node.receive({ type: "appendReply", from: "n4", to: "n1", term: 1, index: 1, rejection: null, round: 1 });
    node.takeJournal();
    void node.propose("a");
    expect(node.takeJournal().at(-1)).toBe("send n4 append 2 commit 2");
  });
});

describe("a voter's turn", () => {
  test("hazard-02 makes the vote durable before it leaves", () => {
    node.receive(requestVote(5));
    expect(node.takeJournal()).toEqual(["begin", "save term 5 vote n2", "commit", "send n2 vote yes 5"]);
  });

  test("hazard-02 sends no vote that could not be stored", () => {
    disk.sql.exec("DROP TABLE raft_state");
    node.takeJournal();
    expect(() => node.receive(requestVote(5))).toThrow("raft_state");
    expect(node.takeJournal()).toEqual(["begin", "save term 5 vote n2", "rollback", "abort no such table: raft_state"]);
  });

  test("hazard-02 remembers its vote in the next life", () => {
    node.receive(requestVote(5));
    const reborn = new TestNode(disk);
    reborn.takeJournal();
    reborn.receive(requestVote(5, "n3"));
    expect(reborn.takeJournal()).toEqual(["send n3 vote no 5"]);
    reborn.receive(requestVote(5, "n2"));
    expect(reborn.takeJournal()).toEqual(["send n2 vote yes 5"]);
  });

  test("hazard-50 gives the same answer to a request that comes again, and writes nothing", () => {
    node.receive(requestVote(5));
    node.takeJournal();
    node.receive(requestVote(5));
    expect(node.takeJournal()).toEqual(["send n2 vote yes 5"]);
  });
});

describe("a follower's turn", () => {
  test("stores entries, and applies what is committed, in one transaction before it says that it has them", () => {
    node.receive(append(3, 0, ["a", "b"], { commitIndex: 1 }));
    expect(node.takeJournal()).toEqual([
      "begin",
      "save term 3 vote null",
      "save entries 1..2",
      "apply a",
      "save applied 1",
      "commit",
      "send n2 has 2",
    ]);
  });

  test("says that it has them when it has applied all, however many transactions that takes", () => {
    node = new TestNode(disk, { maxApplyBytes: 1 });
    const answer = node.driver.receive([append(3, 0, ["a", "b"], { commitIndex: 2 })], "n2", 1000);
    expect(node.takeJournal().slice(-3)).toEqual(["apply b", "save applied 2", "commit"]);
    expect(answer.map(({ type }) => type)).toEqual(["appendReply"]);
  });

  test("hazard-50 takes entries that come again as if they came once", () => {
    node.receive(append(3, 0, ["a", "b"], { commitIndex: 1 }));
    node.takeJournal();
    node.receive(append(3, 0, ["a", "b"], { commitIndex: 1 }));
    expect(node.takeJournal()).toEqual(["send n2 has 1"]);
    expect(disk.words()).toEqual(["a"]);
  });

  test("writes nothing for a heartbeat", () => {
    node.receive(append(3, 0, ["a"]));
    node.takeJournal();
    node.receive({
      type: "heartbeat",
      timeMs: 500,
      electionMinMs: 150,
      leaseMs: 0,
      quiesce: false,
      from: "n2",
      to: "n1",
      term: 3,
      commitIndex: 0,
      round: 2,
    });
    expect(node.takeJournal()).toEqual(["send n2 heartbeat ok"]);
  });

  test("stores that it may rest before it says so, and wants not to be woken any more", () => {
    node.receive(append(3, 0, ["a"], { commitIndex: 1 }));
    node.takeJournal();
    const beat = {
      type: "heartbeat",
      commitIndex: 1,
      round: 2,
      timeMs: 500,
      electionMinMs: 150,
      leaseMs: 0,
      quiesce: true,
    } as const;
    node.receive({ ...beat, from: "n2", to: "n1", term: 3 });
    expect(node.takeJournal()).toEqual(["begin", "save rest in term 3", "commit", "send n2 heartbeat ok"]);
    expect(node.deadlineMs).toBe(Number.POSITIVE_INFINITY);
    expect(new TestNode(disk).deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("takes all messages of a call in one transaction", () => {
    node.receive(append(3, 0, ["a"]), append(3, 1, ["b"]), append(3, 2, ["c"], { commitIndex: 3 }));
    expect(node.takeJournal().filter((line) => line === "begin")).toHaveLength(1);
    expect(disk.words()).toEqual(["a", "b", "c"]);
  });

  test("answers the caller in its own call, and sends the rest", () => {
    // An append deposes the leader's rival, whose own question is then answered to it.
    const answer = node.driver.receive(
      [append(3, 0, ["a"]), { ...requestVote(3, "n3"), term: 2, preVote: true }],
      "n2",
      1000,
    );
    expect(answer.map(({ type, to }) => `${type} ${to}`)).toEqual(["appendReply n2"]);
    expect(node.takeSent().map(({ type, to }) => `${type} ${to}`)).toEqual(["voteReply n3"]);
  });
});

describe("hazard-30 a failure while applying", () => {
  test("undoes the whole turn, sends and answers nothing, and ends the instance", async () => {
    node.lead();
    node.machine.failsAt = "b";
    void node.propose("a");
    void node.propose("b");
    node.driver.flush(node.nowMs);
    node.takeJournal();
    expect(() => node.ack("n2")).toThrow("broken by b");
    await settled();
    expect(node.takeJournal()).toEqual([
      "send n2 append  commit 3",
      "begin",
      "apply a b",
      "rollback",
      "abort broken by b",
    ]);
    expect(disk.words()).toEqual([]);
    expect(disk.storage().open()!.log).toMatchObject({ lastIndex: 3, appliedIndex: 1 });
  });

  test("on a follower loses what came with it, so that the leader sends it again", () => {
    node.machine.failsAt = "b";
    expect(() => node.receive(append(3, 0, ["a", "b"], { commitIndex: 2 }))).toThrow("broken by b");
    expect(node.sent).toEqual([]);
    const reborn = new TestNode(disk);
    expect(reborn.driver.raft.log.lastIndex).toBe(0);
    reborn.receive(append(3, 0, ["a", "b"], { commitIndex: 2 }));
    expect(disk.words()).toEqual(["a", "b"]);
  });

  test("happens too when the state machine leaves a command without an answer", () => {
    node.machine.forgetsResult = true;
    expect(() => node.receive(append(3, 0, ["a", "b"], { commitIndex: 2 }))).toThrow("must answer every command");
    expect(disk.words()).toEqual([]);
  });
});

describe("a change of the configuration", () => {
  const change = { changes: [{ type: "addVoter", id: "n4" }], transition: "auto" } as const;

  /** An append of one change by `n2`. */
  function appendChange(commitIndex: number): Message {
    const entry = { index: 1, term: 3, kind: "configuration", timeMs: 500, data: new Uint8Array(0), change } as const;
    return { ...append(3, 0, []), entries: [entry], commitIndex } as Message;
  }

  test("is stored with the applied index that brought it into force", () => {
    node.receive(appendChange(1));
    expect(node.takeJournal()).toEqual([
      "begin",
      "save term 3 vote null",
      "save entries 1..1",
      "save applied 1",
      "save voters n1 n2 n3 n4",
      "commit",
      "send n2 has 1",
    ]);
    expect(new TestNode(disk).driver.raft.configuration.voters).toEqual(["n1", "n2", "n3", "n4"]);
  });

  test("hazard-05 that is not committed does not survive a restart as one in force", () => {
    node.receive(appendChange(0));
    expect(new TestNode(disk).driver.raft.configuration.voters).toEqual(["n1", "n2", "n3"]);
  });
});

describe("a node that starts again", () => {
  test("hazard-30 applies nothing twice and misses nothing", () => {
    node.receive(append(3, 0, ["a", "b", "c"], { commitIndex: 2 }));
    const reborn = new TestNode(disk);
    expect(disk.words()).toEqual(["a", "b"]);
    reborn.receive(append(3, 3, ["d"], { commitIndex: 4 }));
    expect(disk.words()).toEqual(["a", "b", "c", "d"]);
  });

  test("has its term, its vote and its log", () => {
    node.receive(requestVote(5));
    node.receive(append(6, 0, ["a", "b"]));
    const { raft } = new TestNode(disk).driver;
    expect([raft.term, raft.vote, raft.role, raft.log.lastIndex]).toEqual([6, null, "follower", 2]);
  });

  test("hazard-52 asks at once to be woken, within the least election timeout", () => {
    const reborn = new TestNode(disk);
    expect(reborn.deadlineMs).toBeGreaterThan(reborn.nowMs);
    expect(reborn.deadlineMs).toBeLessThanOrEqual(reborn.nowMs + 150);
  });
});

describe("a wake-up", () => {
  test("hazard-52 before the time does nothing but ask again", () => {
    node.takeJournal();
    const { deadlineMs } = node;
    node.driver.wake(deadlineMs - 1);
    node.driver.wake(deadlineMs - 1);
    expect(node.takeJournal()).toEqual([]);
    expect(node.deadlineMs).toBe(deadlineMs);
  });

  test("hazard-52 long after the time does once what was due", () => {
    node.lead();
    node.nowMs += 140;
    node.driver.wake(node.nowMs);
    expect(node.takeJournal()).toEqual(["send n2 heartbeat", "send n3 heartbeat"]);
    expect(node.deadlineMs).toBe(node.nowMs + 50);
  });
});

describe("what is observed", () => {
  test("is each change of role, term or leader once", () => {
    node.receive(append(3, 0, ["a"]));
    node.receive(append(3, 1, ["b"]));
    node.receive(append(4, 2, ["c"], { from: "n3", prevLogTerm: 3 }));
    expect(node.roles).toEqual(["follower 0 null", "follower 3 n2", "follower 4 n3"]);
  });

  test("is the size of each batch, the delay of each entry and the latency of each own proposal", () => {
    node.receive(append(3, 0, ["a", "b"], { commitIndex: 2 }));
    expect(node.observed).toEqual({ saved: [2], applied: [0, 0], committed: [] });
    node.lead();
    const proposedAtMs = node.nowMs;
    void node.propose("c");
    node.nowMs = proposedAtMs + 30;
    node.ack("n2");
    expect(node.observed.committed).toEqual([30]);
    expect(node.observed.applied.at(-1)).toBe(30);
    expect(node.observed.saved).toEqual([2, 1, 1]);
  });
});
