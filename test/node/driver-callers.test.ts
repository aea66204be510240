/** The driver's callers: how their commands are gathered, and what each of them is told. */

import { beforeEach, describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Message } from "../../src/raft/message.ts";
import { heartbeat } from "../raft/build.ts";
import { settled, TestNode, threeVoters } from "./host.ts";
import { Disk, encode } from "./word-list.ts";

let node: TestNode;

beforeEach(() => {
  node = new TestNode(new Disk(threeVoters));
});

/** What callers were told since the journal was last taken. */
async function told(): Promise<string[]> {
  await settled();
  return node.takeJournal().filter((line) => /^[a-z]+: /.test(line));
}

/** A heartbeat of a leader of the next term. */
function deposed(): Message {
  const { term } = node.driver.raft;
  return {
    type: "heartbeat",
    timeMs: 500,
    electionMinMs: 150,
    leaseMs: 0,
    quiesce: false,
    from: "n3",
    to: "n1",
    term: term + 1,
    commitIndex: 0,
    round: 1,
  };
}

describe("proposals", () => {
  test("that come while a batch is on its way become one batch together", async () => {
    node.lead();
    void node.propose("a");
    node.takeJournal();
    for (const word of ["b", "c", "d"]) void node.propose(word);
    expect(node.takeJournal()).toEqual([]);
    expect(node.flushesAsked).toBe(1);
    node.driver.flush(node.nowMs);
    expect(node.takeJournal()).toEqual(["send n2 append 3,4,5 commit 1", "begin", "save entries 3..5", "commit"]);
    node.ack("n2");
    expect(await told()).toEqual([
      'a: done "a" at 2',
      'b: done "a b" at 3',
      'c: done "a b c" at 4',
      'd: done "a b c d" at 5',
    ]);
  });

  test("that gathered leave with whatever turn comes first", () => {
    node.lead();
    void node.propose("a");
    void node.propose("b");
    node.takeJournal();
    node.ack("n2");
    expect(node.takeJournal()).toContain("send n2 append 3 commit 2");
    node.driver.flush(node.nowMs);
    expect(node.takeJournal().filter((line) => line.startsWith("send"))).toEqual([]);
  });

  test("ask for another flush after the last one", () => {
    node.lead();
    void node.propose("a");
    void node.propose("b");
    node.driver.flush(node.nowMs);
    void node.propose("c");
    expect(node.flushesAsked).toBe(2);
  });

  test("hazard-40 of 64 callers are each applied once, in one order", async () => {
    node.lead();
    const words = Array.from({ length: 64 }, (_, position) => `w${position}`);
    const outcomes = words.map((word) => node.propose(word));
    node.driver.flush(node.nowMs);
    node.ack("n2");
    const indexes = (await Promise.all(outcomes)).map((outcome) => (outcome.done ? outcome.index : 0));
    expect(indexes).toEqual(words.map((_, position) => position + 2));
    expect(node.machine.words()).toEqual(words);
  });

  test("hazard-45 are not answered before a majority has them", async () => {
    node.lead();
    void node.propose("a");
    node.driver.flush(node.nowMs);
    node.wakeAtDeadline();
    expect(await told()).toEqual([]);
    node.ack("n3");
    expect(await told()).toEqual(['a: done "a" at 2']);
  });

  test("are refused where nobody leads, and nothing happens", async () => {
    node.takeJournal();
    const outcome = await node.propose("a");
    expect(outcome).toMatchObject({ done: false, code: "not_leader", ambiguous: false });
    expect(node.takeJournal()).toEqual(["a: not_leader"]);
  });

  test("that gathered when the leader was deposed did not happen", async () => {
    node.lead();
    void node.propose("a");
    void node.propose("b");
    node.receive(deposed());
    expect(await told()).toEqual(["b: not_leader"]);
  });

  test("that another leader replaced did not happen, and are told so", async () => {
    node.lead();
    void node.propose("a");
    const entry = { index: 2, term: 2, kind: "command", timeMs: 2000, data: encode("z") } as const;
    node.receive({
      type: "appendEntries",
      from: "n3",
      to: "n1",
      term: 2,
      prevLogIndex: 1,
      prevLogTerm: 1,
      entries: [entry],
      commitIndex: 2,
      round: 1,
    });
    expect(await told()).toEqual(["a: superseded"]);
    expect(node.machine.words()).toEqual(["z"]);
  });

  test("hazard-32 whose time is over may still happen, and do", async () => {
    node.lead();
    void node.propose("a", 30);
    expect(node.deadlineMs).toBe(node.nowMs + 30);
    node.wakeAtDeadline();
    expect(await told()).toEqual(["a: timeout, ambiguous"]);
    node.ack("n2");
    expect(node.machine.words()).toEqual(["a"]);
    expect(await told()).toEqual([]);
  });

  test("hazard-32 of a leader that lost its majority end in time, though it leads no more", async () => {
    node.lead();
    void node.propose("a", 1000);
    const startedAtMs = node.nowMs;
    let wakes = 0;
    while (node.nowMs < startedAtMs + 1000 && wakes < 200) {
      node.wakeAtDeadline();
      wakes += 1;
    }
    expect(node.nowMs).toBe(startedAtMs + 1000);
    expect(node.driver.raft.role).not.toBe("leader");
    expect(await told()).toEqual(["a: timeout, ambiguous"]);
  });
});

describe("a node that ends", () => {
  test("answers those whose commands have gathered", async () => {
    node.lead();
    void node.propose("a");
    void node.propose("b");
    node.driver.stop(node.nowMs);
    expect(await told()).toEqual(["a: timeout, ambiguous", "b: not_leader"]);
  });

  test.each(["propose", "change", "confirm", "query"] as const)("answers those who come later: %s", async (call) => {
    node.lead();
    node.driver.stop(node.nowMs);
    const { driver, nowMs } = node;
    const untilMs = nowMs + 10;
    const calls = {
      propose: () => driver.propose(encode("a"), untilMs, nowMs),
      change: () => driver.change({ changes: [{ type: "addVoter", id: "n4" }], transition: "auto" }, untilMs, nowMs),
      confirm: () => driver.confirm(untilMs, nowMs),
      query: () => driver.query(null, "linearizable", untilMs, nowMs),
    };
    expect(await calls[call]()).toMatchObject({ done: false, code: "not_leader", ambiguous: false });
  });
});

test("a node that has ended shows what it has come to, at once", async () => {
  node.lead();
  node.driver.stop(node.nowMs);
  const { driver, nowMs } = node;
  expect(await driver.watch(() => driver.raft.role, nowMs + 10, nowMs)).toBe("leader");
  expect(await driver.watch(() => undefined, nowMs + 10, nowMs)).toBeUndefined();
});

describe("the limit on bytes that wait", () => {
  const large = "x".repeat(600);

  beforeEach(() => {
    node = new TestNode(new Disk(threeVoters), { maxUncommittedBytes: 1000 });
    node.lead();
  });

  test("refuses what exceeds it, in which case nothing happens, and lets in more after the commit", async () => {
    const outcomes = [node.propose(large), node.propose(large)];
    node.driver.flush(node.nowMs);
    expect(await outcomes[1]).toMatchObject({ done: false, code: "overloaded", ambiguous: false });
    node.ack("n2");
    expect(await outcomes[0]).toMatchObject({ done: true });
    void node.propose("c");
    node.ack("n2");
    expect(node.machine.words()).toEqual([large, "c"]);
  });

  test("lets a single larger command through", async () => {
    void node.propose("y".repeat(5000));
    node.ack("n2");
    expect((await told())[0]).toMatch(/^y+: done/);
  });

  test("does not count what has left, however much goes through in the end", async () => {
    const outcomes = [];
    for (let batch = 0; batch < 10; batch += 1) {
      for (let word = 0; word < 4; word += 1) outcomes.push(node.propose("z".repeat(100)));
      node.driver.flush(node.nowMs);
      node.ack("n2");
    }
    expect((await Promise.all(outcomes)).every(({ done }) => done)).toBe(true);
  });

  test("counts what has gathered too", async () => {
    void node.propose("a");
    const refused = Array.from({ length: 10 }, () => node.propose("z".repeat(200)));
    const codes = refused.slice(5).map(async (outcome) => {
      const answer = await outcome;
      return answer.done ? "done" : answer.code;
    });
    expect(await Promise.all(codes)).toEqual(Array.from({ length: 5 }, () => "overloaded"));
  });
});

describe("a linearizable read", () => {
  test("hazard-09 waits for a majority's answer to a question asked after it came", async () => {
    node.lead();
    void node.read("r");
    expect(node.takeJournal()).toEqual(["send n2 heartbeat", "send n3 heartbeat"]);
    // An answer to what was sent before the read came proves nothing about now.
    node.ack("n2", 1, 0);
    expect(await told()).toEqual([]);
    node.ack("n3", 0, 1);
    expect(await told()).toEqual(['r: done "r: " at 1']);
  });

  test("hazard-07 waits for the first commit of the term", async () => {
    node.wakeAtDeadline();
    const vote = {
      type: "voteReply",
      question: 0,
      commitIndex: 0,
      commitTerm: 0,
      from: "n2",
      to: "n1",
      term: 1,
      granted: true,
    } as const;
    node.receive({ ...vote, preVote: true });
    node.receive({ ...vote, preVote: false });
    expect(node.driver.raft.role).toBe("leader");
    void node.read("r");
    node.wakeAtDeadline();
    node.receive({ type: "heartbeatReply", quiesced: false, from: "n2", to: "n1", term: 1, round: 1 });
    node.receive({ type: "heartbeatReply", quiesced: false, from: "n3", to: "n1", term: 1, round: 1 });
    expect(await told()).toEqual([]);
    node.ack("n2", 1, 1);
    node.receive({ type: "heartbeatReply", quiesced: false, from: "n2", to: "n1", term: 1, round: 2 });
    expect(await told()).toEqual(['r: done "r: " at 1']);
  });

  test("sees every write that was acknowledged before it came", async () => {
    node.lead();
    void node.propose("a");
    node.ack("n2");
    void node.read("r");
    node.ack("n2", 2, 1);
    expect(await told()).toEqual(['a: done "a" at 2', 'r: done "r: a" at 2']);
  });

  test("hazard-48 is not answered by a leader that reaches nobody, not even at its end", async () => {
    node.lead();
    void node.read("r");
    for (let beats = 0; node.driver.raft.role === "leader" && beats < 50; beats += 1) node.wakeAtDeadline();
    expect(node.driver.raft.role).not.toBe("leader");
    expect(await told()).toEqual(["r: not_leader"]);
  });

  test("whose time is over was not answered", async () => {
    node.lead();
    void node.read("r", "linearizable", 20);
    node.wakeAtDeadline();
    expect(await told()).toEqual(["r: timeout"]);
  });

  test("is refused by a follower", async () => {
    void node.read("r");
    expect(await told()).toEqual(["r: not_leader"]);
  });

  test("shares a round with all that come meanwhile", async () => {
    node.lead();
    for (const name of ["p", "q", "r", "s"]) void node.read(name);
    expect(node.takeSent()).toHaveLength(2);
    node.ack("n2", 1, 1);
    expect(await told()).toEqual(['p: done "p: " at 1']);
    expect(node.takeSent()).toHaveLength(2);
    node.ack("n2", 1, 2);
    expect(await told()).toEqual(['q: done "q: " at 1', 'r: done "r: " at 1', 's: done "s: " at 1']);
  });
});

describe("a linearizable read on a follower", () => {
  /** An append by `n2`, which leads term 3. */
  function append(prevLogIndex: number, words: readonly string[], commitIndex: number): Message {
    const entries = words.map((word, position) => {
      const index = prevLogIndex + 1 + position;
      return { index, term: 3, kind: "command", timeMs: 500, data: encode(word) } as const;
    });
    const previous = { prevLogIndex, prevLogTerm: prevLogIndex === 0 ? 0 : 3 };
    return { type: "appendEntries", from: "n2", to: "n1", term: 3, ...previous, entries, commitIndex, round: 1 };
  }

  /** The leader's answer to what the node has asked it, or to what it is said to have asked. */
  function permit(index: number, contexts: readonly number[] = asked(node)): Message {
    return { type: "readIndexReply", from: "n2", to: "n1", term: 3, contexts, index };
  }

  function asked(of: TestNode): readonly number[] {
    return of.takeSent().flatMap((message) => (message.type === "readIndexRequest" ? message.contexts : []));
  }

  test("waits until the leader has said how far it must have come, and until it has", async () => {
    node.receive(append(0, ["a", "b"], 1));
    void node.read("r");
    expect(await told()).toEqual([]);
    node.receive(permit(2));
    expect(await told()).toEqual([]);
    node.receive(append(2, [], 2));
    expect(await told()).toEqual(['r: done "r: a b" at 2']);
  });

  test("hazard-08 is not confirmed by the answer to a question of an earlier life", async () => {
    const disk = new Disk(threeVoters);
    node = new TestNode(disk);
    node.receive(append(0, ["a"], 1));
    void node.read("lost");
    const late = permit(1);
    node = new TestNode(disk);
    node.receive(append(1, ["b"], 1));
    void node.read("r");
    node.receive(late);
    expect(await told()).toEqual([]);
    node.receive(permit(2));
    node.receive(append(2, [], 2));
    expect(await told()).toEqual(['r: done "r: a b" at 2']);
  });

  test("ends when its time is over, without an answer", async () => {
    node.receive(append(0, ["a"], 1));
    void node.read("r", "linearizable", 20);
    expect(node.deadlineMs).toBe(node.nowMs + 20);
    node.wakeAtDeadline();
    expect(await told()).toEqual(["r: timeout"]);
  });
});

test("a stale read is answered at once, by any node, from what it has", async () => {
  void node.read("r", "stale");
  expect(await told()).toEqual(['r: done "r: " at 0']);
  expect(node.takeSent()).toEqual([]);
});

test("a read that waits for an index asks a leader that was not heard for long, and no other", async () => {
  node.receive(deposed());
  const { electionMaxMs } = node.driver.raft.timing;
  const read = (): void => {
    const untilMs = node.nowMs + 1000;
    void node.driver.query(encode("r"), "stale", untilMs, node.nowMs, { minIndex: 5 });
  };
  node.takeSent();
  read();
  expect(node.takeSent()).toEqual([]);
  node.nowMs += electionMaxMs + 1;
  read();
  expect(node.takeSent()).toMatchObject([{ type: "readIndexRequest", to: "n3" }]);
  await settled();
});

test("a lost message makes the leader look again where the peer is", () => {
  node.lead();
  void node.propose("a");
  node.driver.unreachable("n2", node.nowMs);
  node.takeSent();
  node.wakeAtDeadline();
  node.receive({ type: "heartbeatReply", quiesced: false, from: "n2", to: "n1", term: 1, round: 1 });
  const [probe] = node.takeSent().filter(({ type, to }) => type === "appendEntries" && to === "n2");
  expect(probe).toMatchObject({ prevLogIndex: 1, entries: [{ index: 2 }] });
});

describe("a read that waits for an index", () => {
  test("wakes a group at rest of which this node does not know who leads", async () => {
    const disk = new Disk(threeVoters);
    disk.storage().saveQuiescent({ term: 0, led: false, timeMs: 0, sinceMs: 900 });
    node = new TestNode(disk, { idleAfterMs: 1000 });
    expect(node.driver.raft.quiescent).toBe(true);
    void node.read("r", "stale", 10_000, { minIndex: 5 });
    await settled();
    expect(node.takeSent().map(({ type }) => type)).toContain("requestVote");
  });
});

test("a learner that was cut off asks its leader for no read whose caller has gone", async () => {
  node = new TestNode(new Disk(simpleConfiguration(["n2", "n3"], ["n1"])));
  node.receive(heartbeat({ from: "n2", to: "n1", term: 1, round: 1 }));
  for (let count = 0; count < 10; count += 1) {
    void node.read("r", "linearizable", 10);
    node.nowMs += 11;
    node.driver.wake(node.nowMs);
  }
  expect(await told()).toEqual(Array.from({ length: 10 }, () => "r: timeout"));
  node.takeSent();
  node.nowMs += 100;
  node.receive(heartbeat({ from: "n2", to: "n1", term: 1, round: 2 }));
  expect(node.takeSent().map(({ type }) => type)).toEqual(["heartbeatReply"]);
});
