/** Cluster time: it never goes back, stands still while nobody leads, and never runs ahead of what leaders have measured. */

import { describe, expect, test } from "vitest";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import { ClusterTime, sameRest } from "../../src/raft/cluster-time.ts";
import { Timing } from "../../src/raft/timing.ts";
import { append, entry, heartbeat, logOf, requestVote, testOptions, voteReply } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { TestNode } from "./test-node.ts";

const hourMs = 3_600_000;
const { electionMaxMs } = testOptions;

/** A log of one entry of term 1 with this stamp. */
function stamped(timeMs: number): Entry[] {
  return [{ ...entry(1, 1), timeMs }];
}

/** The stamp of the newest entry of a node's log. */
function lastStamp(node: TestNode): number {
  return node.disk.wholeLog.at(-1)?.timeMs ?? Number.NaN;
}

/** A command's stamp at this leader now. */
function stampNow(cluster: Cluster, id: NodeId): number {
  cluster.propose(id, "now");
  cluster.deliver();
  return lastStamp(cluster.node(id));
}

describe("a leader's stamps", () => {
  test("begin with its wall clock in a group whose log is empty", () => {
    expect(lastStamp(new TestNode().pass(1_700_000_000_000.5).lead())).toBe(1_700_000_000_000);
  });

  test.each([
    { where: "ahead of it", wallMs: 1_000_000_000 },
    { where: "behind it", wallMs: 10 },
  ])("go on from the log's last one, with its wall clock $where", ({ wallMs }) => {
    const node = new TestNode({ log: stamped(5_000_000) }).pass(wallMs).lead();
    node.pass(0.75).propose("a");
    node.pass(30).propose("b");
    node.pass(electionMaxMs).propose("c");
    const stamps = node.disk.log.map(({ timeMs }) => timeMs - 5_000_000);
    expect(stamps).toEqual([0, 0, 0, 30, 30 + electionMaxMs]);
  });

  test("go on from the state's last one where the log is forgotten", () => {
    const node = new TestNode({ log: stamped(5_000_000) });
    node.receive(append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, commitIndex: 1 }));
    node.compactTo(1);
    expect(lastStamp(node.pass(hourMs).lead())).toBe(5_000_000);
  });

  test("count a standstill, or a clock that is set forward, no longer than until another may lead", () => {
    const node = new TestNode({ log: stamped(5_000_000) }).lead();
    node.pass(hourMs).propose("a");
    expect(lastStamp(node)).toBe(5_000_000 + electionMaxMs);
  });

  test("count all the time of a leader that only beats", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    const before = stampNow(cluster, "n1");
    cluster.run(hourMs / 10);
    expect(stampNow(cluster, "n1")).toBe(before + hourMs / 10);
  });
});

describe("while nobody leads", () => {
  test.each(["n1", "n2"])("the time stands still, whether the next leader, %s, led before or not", (next) => {
    const cluster = new Cluster();
    cluster.elect("n1");
    const before = stampNow(cluster, "n1");
    const all = [...cluster.nodes.keys()];
    cluster.crash(...all);
    cluster.nowMs += hourMs;
    cluster.restart(...all);
    cluster.elect(next);
    expect(lastStamp(cluster.node(next))).toBe(before);
  });

  test("it stands still for a leader that has lost its majority too", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    const before = stampNow(cluster, "n1");
    cluster.partition("n1");
    cluster.crash("n2");
    cluster.run(hourMs / 100);
    cluster.heal();
    cluster.elect("n1");
    expect(lastStamp(cluster.node("n1")) - before).toBeLessThanOrEqual(2 * electionMaxMs);
  });
});

describe("a change of the leader", () => {
  test("loses nothing of what the former one had measured, though it stamped no entry since", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    const before = stampNow(cluster, "n1");
    cluster.run(hourMs / 10);
    cluster.crash("n1");
    cluster.elect("n2");
    const lostMs = before + hourMs / 10 - lastStamp(cluster.node("n2"));
    expect(lostMs).toBeGreaterThanOrEqual(0);
    expect(lostMs).toBeLessThanOrEqual(cluster.node("n2").options.heartbeatMs);
  });

  /** It has heard from the leader of term 1, n2, that the time is 9,000; the last stamp in its log is 5,000. */
  function informed(): TestNode {
    const node = new TestNode({ log: stamped(5_000) });
    node.receive(heartbeat({ term: 1, round: 1, timeMs: 9_000 }));
    return node.pass(1_000);
  }

  test("goes on from the former one's word in the very next term", () => {
    expect(lastStamp(informed().lead())).toBe(9_000);
  });

  test("does not go on from it when somebody else may have led in between, even if he left no entry behind", () => {
    const node = informed();
    node.receive(requestVote({ from: "n3", term: 2, lastLogIndex: 1, lastLogTerm: 1 }));
    expect(node.raft).toMatchObject({ term: 2, vote: "n3" });
    expect(lastStamp(node.pass(1_000).lead())).toBe(5_000);
    expect(node.raft.term).toBe(3);
  });

  test("does not go on from it when its own first attempt failed: another may have won that term", () => {
    const node = informed();
    node.turn(() => node.raft.campaign(node.nowMs));
    node.receive(voteReply({ preVote: true, term: 2 }));
    expect(node.raft).toMatchObject({ role: "candidate", term: 2 });
    node.expire();
    expect(lastStamp(node.lead())).toBe(5_000);
  });

  test("goes by the log where its last entry is newer than the word", () => {
    const node = informed();
    const newer = { ...entry(2, 1), timeMs: 9_500 };
    node.receive(append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, entries: [newer], round: 1 }));
    expect(lastStamp(node.pass(1_000).lead())).toBe(9_500);
  });

  test("is not misled by words that come late", () => {
    const node = informed();
    node.receive(heartbeat({ term: 1, round: 0, timeMs: 7_000 }));
    // After an attempt that came to nothing it knows no more which of the leader's words was the newest.
    node.pass(1_000).turn(() => node.raft.campaign(node.nowMs));
    node.receive(heartbeat({ term: 1, round: 0, timeMs: 8_000 }));
    expect(lastStamp(node.pass(1_000).lead())).toBe(9_000);
  });

  test.each([false, true])(
    "counts nothing that its predecessor has not, if that was heard again, woken before: %s",
    (woken) => {
      const node = new TestNode({ log: stamped(5_000) });
      node.receive(append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, commitIndex: 1, round: 1 }));
      node.receive(heartbeat({ term: 1, round: 2, timeMs: 9_000, commitIndex: 1, quiesce: true }));
      expect(node.raft.quiescent).toBe(true);
      node.pass(hourMs);
      if (woken) node.turn(() => node.raft.wake("n2", node.nowMs));
      // The leader did not rest, but stood still for most of the time.
      const late = { ...entry(2, 1), timeMs: 9_100 };
      node.receive(append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, entries: [late], commitIndex: 1, round: 3 }));
      expect(lastStamp(node.pass(1_000).lead())).toBe(9_100);
      expect(node.raft.term).toBe(2);
    },
  );

  test("counts nothing of the time between a leader's stepping down and its next election", () => {
    const node = new TestNode({ log: stamped(5_000) }).lead();
    while (node.raft.role === "leader") node.expire();
    const ledMs = node.nowMs;
    expect(lastStamp(node.pass(electionMaxMs / 2).lead())).toBe(5_000 + ledMs);
  });

  test("lets no stamp fall, however often it happens and whatever is lost", () => {
    const cluster = new Cluster({ voters: 5, seed: 7 });
    let previous = 0;
    for (let change = 0; change < 40; change += 1) {
      const id = `n${1 + (change % 5)}`;
      cluster.heal();
      cluster.elect(id);
      cluster.propose(id, `${change}`);
      if (change % 3 > 0) cluster.partition(id);
      cluster.run(change * 17);
      const log = cluster.node(id).disk.wholeLog;
      for (const [position, { timeMs }] of log.entries()) {
        expect(timeMs).toBeGreaterThanOrEqual(log[position - 1]?.timeMs ?? 0);
      }
      expect(lastStamp(cluster.node(id))).toBeGreaterThanOrEqual(previous);
      previous = cluster.witness.committed.at(-1)?.timeMs ?? 0;
    }
    cluster.recovers();
  });
});

describe("a node that rests", () => {
  const rest = { term: 3, led: false, timeMs: 5_000.5, sinceMs: 1_000_000 };

  /** Restarted from what it had stored, with a timer in an hour. */
  function restarted(): ClusterTime {
    const time = new ClusterTime(rest, new Timing(testOptions));
    time.timerMs = 5_000 + hourMs;
    return time;
  }

  test("counts by the wall clock, through a restart", () => {
    const time = restarted();
    expect(time.resting).toEqual(rest);
    expect(time.timerAtMs).toBe(1_000_000 + hourMs - 0.5);
    expect(time.read(1_000_010)).toBe(5_010);
    time.lead(4, 4_000, 1_000_060);
    expect(time.read(1_000_060)).toBe(5_060);
  });

  test("counts nothing when the clock was set back", () => {
    const time = restarted();
    expect(time.read(999_000)).toBe(5_000);
    time.lead(4, 4_000, 999_000);
    expect(time.read(999_100)).toBe(5_100);
  });

  test("counts nothing when the clock was set forward beyond all that it waits for", () => {
    const time = restarted();
    const latestMs = hourMs + 20 * electionMaxMs;
    expect(time.read(1_000_000 + latestMs - 1)).toBe(5_000 + latestMs - 1);
    expect(time.read(1_000_000 + latestMs + 1)).toBe(5_000);
    time.lead(4, 4_000, 1_000_000 + 24 * hourMs);
    expect(time.read(1_000_000 + 24 * hourMs)).toBe(5_000);
  });

  test("counts nothing for the leader of a later term than the next", () => {
    const time = restarted();
    time.lead(5, 4_000, 1_000_060);
    expect(time.read(1_000_060)).toBe(4_000);
  });

  test("rests as before where only the network's delay differs", () => {
    expect(sameRest(rest, { ...rest, timeMs: 5_100, sinceMs: 1_000_050 }, 50)).toBe(true);
    expect(sameRest(rest, { ...rest, timeMs: 5_100, sinceMs: 1_000_020 }, 50)).toBe(false);
    expect(sameRest(rest, { ...rest, term: 4 }, 50)).toBe(false);
    expect(sameRest(rest, { ...rest, led: true }, 50)).toBe(false);
    expect(sameRest(rest, false, 50)).toBe(false);
    expect(sameRest(false, false, 50)).toBe(true);
  });
});

test("a follower's copy of an entry has its leader's stamp", () => {
  const cluster = new Cluster({ logs: { n1: logOf([1]), n2: logOf([1]), n3: logOf([1]) } });
  cluster.elect("n1");
  const stamp = stampNow(cluster, "n1");
  expect(["n2", "n3"].map((id) => lastStamp(cluster.node(id)))).toEqual([stamp, stamp]);
});
