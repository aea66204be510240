/** Timers of the state machine at a leader: never early, once, and by a leader that knows the state. */

import { beforeEach, describe, expect, test } from "vitest";
import type { AppendEntries, Message } from "../../src/raft/message.ts";
import { options, TestNode, threeVoters } from "./host.ts";
import { Disk, encode } from "./word-list.ts";

let disk: Disk;
let node: TestNode;

beforeEach(() => {
  disk = new Disk(threeVoters);
  node = new TestNode(disk);
});

/** What the node has proposed by itself since this was last asked, by the indexes at which it did. */
function rings(): number[] {
  const indexes: number[] = [];
  for (const message of node.takeSent()) {
    if (message.type !== "appendEntries" || message.to !== "n2") continue;
    for (const { index, data } of message.entries) if (String(data) === String(encode("ring"))) indexes.push(index);
  }
  return indexes;
}

/** The stamp of an entry that the leader would make now. */
function clusterMs(): number {
  return node.driver.raft.clusterTime.read(node.nowMs);
}

/** Sets a timer, in so many milliseconds of cluster time, and has that committed; answers the timer. */
function setTimer(inMs: number): number {
  const timerMs = clusterMs() + inMs;
  void node.propose(`timer ${timerMs}`);
  node.ack("n2");
  node.takeSent();
  return timerMs;
}

/** Lets time pass up to a cluster time, waking the node as often as it asks for it, and answering its heartbeats. */
function passTo(timeMs: number): void {
  const endMs = node.nowMs + timeMs - clusterMs();
  for (let count = 0; node.deadlineMs <= endMs; count += 1) {
    expect(count, "deadlines without end").toBeLessThan(1000);
    node.wakeAtDeadline();
    node.receive({
      type: "heartbeatReply",
      from: "n2",
      to: "n1",
      term: node.driver.raft.term,
      round: 0,
      quiesced: false,
    });
  }
  node.nowMs = endMs;
}

/** An append of words by `n2`, leader of term 3, behind what this node has. */
function append(words: readonly string[], timeMs: number, commitIndex: number): AppendEntries {
  const { lastIndex, lastTerm } = node.driver.raft.log;
  const entries = words.map((word, position) => {
    return { index: lastIndex + 1 + position, term: 3, kind: "command", timeMs, data: encode(word) } as const;
  });
  const previous = { prevLogIndex: lastIndex, prevLogTerm: lastTerm };
  return { type: "appendEntries", from: "n2", to: "n1", term: 3, ...previous, entries, commitIndex, round: 1 };
}

describe("a timer", () => {
  test("is proposed when its time has come, not a millisecond before", () => {
    node.lead();
    const timerMs = setTimer(777);
    passTo(timerMs - 1);
    expect(rings()).toEqual([]);
    node.driver.wake(node.nowMs);
    expect(rings()).toEqual([]);
    passTo(timerMs);
    expect(rings()).toEqual([3]);
    node.ack("n2");
    expect(disk.words()).toEqual([`timer ${timerMs}`, `ring ${timerMs}`]);
  });

  test("is by cluster time, whatever the node's own clock says", () => {
    node.receive(append(["timer 900"], 500, 1));
    node.nowMs = 3_000_000;
    node.lead();
    expect(clusterMs()).toBe(500);
    passTo(899);
    expect(rings()).toEqual([]);
    passTo(900);
    expect(rings()).toEqual([3]);
  });

  test("is proposed once, however long that takes to be committed, and however often the node wakes", () => {
    node.lead();
    const timerMs = setTimer(100);
    passTo(timerMs + 500);
    expect(rings()).toEqual([3]);
    void node.propose("a");
    node.driver.flush(node.nowMs);
    expect(rings()).toEqual([]);
    node.ack("n2");
    passTo(timerMs + 1500);
    expect(rings()).toEqual([]);
  });

  test("is followed by the next one", () => {
    node.lead();
    const second = setTimer(200);
    const first = setTimer(100);
    passTo(first);
    expect(rings()).toEqual([4]);
    node.ack("n2");
    passTo(second - 1);
    expect(rings()).toEqual([]);
    passTo(second);
    expect(rings()).toEqual([5]);
  });

  test("that was set for the past is due at the next wake-up, which comes at once", () => {
    node.lead();
    setTimer(-50);
    expect(node.deadlineMs).toBeLessThanOrEqual(node.nowMs);
    node.driver.wake(node.nowMs + 1);
    expect(rings()).toEqual([3]);
  });
});

describe("a timer that can't be proposed", () => {
  test("because too much is on its way is proposed again later", () => {
    node = new TestNode(disk, { maxUncommittedBytes: 40 });
    node.lead();
    const timerMs = setTimer(100);
    void node.propose("x".repeat(100));
    node.takeSent();
    passTo(timerMs);
    expect(rings()).toEqual([]);
    expect(node.deadlineMs).toBeGreaterThan(node.nowMs);
    node.ack("n2");
    passTo(timerMs + options.heartbeatMs);
    expect(rings()).toEqual([4]);
  });

  test("because leadership is being handed over is proposed when that has failed", () => {
    node.lead();
    const timerMs = setTimer(100);
    node.driver.transfer("n3", node.nowMs);
    passTo(timerMs);
    expect(rings()).toEqual([]);
    passTo(timerMs + options.electionMaxMs);
    expect(rings()).toEqual([3]);
  });
});

describe("a new leader", () => {
  /** Follows term 3 and has a timer for 600 in its state; it was 500 then. */
  function following(): void {
    node.receive(append(["timer 600"], 500, 1));
    node.nowMs += 1000;
  }

  /** Wins the next term; nothing of it is committed yet. */
  function win(): void {
    node.wakeAtDeadline();
    const vote = {
      type: "voteReply",
      question: 0,
      commitIndex: 0,
      commitTerm: 0,
      from: "n2",
      to: "n1",
      term: 4,
    } as const;
    node.receive({ ...vote, granted: true, preVote: true }, { ...vote, granted: true, preVote: false });
    node.takeSent();
  }

  test("waits until its first entry is applied: the timer may have rung in entries that it doesn't know to be committed", () => {
    following();
    node.receive(append(["ring"], 600, 1));
    win();
    passTo(700);
    expect(rings()).toEqual([]);
    node.ack("n2");
    passTo(1000);
    expect(rings()).toEqual([]);
    expect(disk.words()).toEqual(["timer 600", "ring 600"]);
  });

  test("proposes what the former one did not", () => {
    following();
    win();
    node.ack("n2");
    passTo(599);
    expect(rings()).toEqual([]);
    passTo(600);
    expect(rings()).toEqual([3]);
  });

  test("proposes anew what it had proposed in an earlier term in vain", () => {
    node.lead();
    const timerMs = setTimer(100);
    passTo(timerMs);
    expect(rings()).toEqual([3]);
    // Another leader has put an entry in the place of the proposal.
    const { raft } = node.driver;
    const other = { index: 3, term: 2, kind: "noop", timeMs: timerMs, data: new Uint8Array(0) } as const;
    node.receive({ ...append([], 0, 2), term: 2, prevLogIndex: 2, prevLogTerm: 1, entries: [other] });
    expect(raft.role).toBe("follower");
    node.nowMs += 1000;
    node.lead();
    passTo(timerMs + 1);
    expect(rings()).toEqual([5]);
    expect(disk.words()).toEqual([`timer ${timerMs}`]);
  });
});

test("a follower leaves timers to its leader", () => {
  node.receive(append(["timer 600"], 500, 1));
  const { deadlineMs } = node;
  node.nowMs = deadlineMs - 1;
  node.driver.wake(node.nowMs);
  expect(node.takeSent().map(({ type }) => type)).toEqual(["appendReply"]);
  expect(node.deadlineMs).toBe(deadlineMs);
});

describe("a node at rest", () => {
  /** The leader of term 3 says that it is 700, and that the group rests. */
  const lull: Message = {
    type: "heartbeat",
    from: "n2",
    to: "n1",
    term: 3,
    round: 2,
    commitIndex: 1,
    timeMs: 700,
    electionMinMs: 150,
    quiesce: true,
    leaseMs: 0,
  };

  /** Follows term 3 at rest since 1,000 by the system's clock, when it was 700, with a timer at 5,000 in its state. */
  function resting(): void {
    node.aheadMs = 400;
    node.nowMs = 1400;
    node.receive(append(["timer 5000"], 500, 1));
    node.receive(lull);
    expect(node.driver.raft.quiescent).toBe(true);
  }

  const patienceMs = 4 * options.electionMaxMs;

  test("wants to be woken some time after the next timer, if nobody else has seen to it", () => {
    resting();
    expect(node.deadlineMs).toBe(1400 + 4300 + patienceMs);
  });

  test("wants the same after a restart, by a clock that knows nothing of the one before", () => {
    resting();
    const reborn = new TestNode(disk, {}, 2000);
    expect(reborn.driver.raft.quiescent).toBe(true);
    expect(reborn.deadlineMs).toBe(1000 + 4300 + patienceMs);
  });

  test("stands for election when that time has come", () => {
    resting();
    node.takeSent();
    node.nowMs = node.deadlineMs - 1;
    node.driver.wake(node.nowMs);
    expect(node.takeSent()).toEqual([]);
    node.wakeAtDeadline();
    expect(node.takeSent()).toMatchObject([
      { type: "requestVote", to: "n2", preVote: true },
      { type: "requestVote", to: "n3", preVote: true },
    ]);
  });

  test("wants nothing when its state machine has no timer", () => {
    node.receive(append(["a"], 500, 1));
    node.receive(lull);
    expect(node.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });
});

test("a leader whose state machine has no timer wakes for its heartbeats alone", () => {
  node.lead();
  expect(node.deadlineMs).toBe(node.nowMs + options.heartbeatMs);
});
