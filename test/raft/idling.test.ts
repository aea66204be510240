/** Groups at rest: they cost nothing, wake when something is wanted, and never answer from before. */

import { describe, expect, test } from "vitest";
import { append, heartbeat, logOf, requestVote } from "./build.ts";
import { Cluster, type ClusterSettings } from "./cluster.ts";
import { TestNode } from "./test-node.ts";

const idleAfterMs = 100;

function settled(settings: ClusterSettings = {}): Cluster {
  const cluster = new Cluster({ ...settings, options: { idleAfterMs, ...settings.options } });
  cluster.elect("n1");
  cluster.propose("n1", "a");
  cluster.run(5 * idleAfterMs);
  return cluster;
}

function wake(cluster: Cluster, id: string, suspect: string | null): void {
  cluster.act(id, (node) => node.turn(() => node.raft.wake(suspect, cluster.nowMs)));
}

describe("a group that nobody wants anything of", () => {
  test.each([1, 3, 5])("of %i voters and a learner waits for no time and sends nothing", (voters) => {
    const cluster = settled({ voters, learners: 1 });
    const sent = cluster.history.length;
    cluster.run(1_000_000);
    expect(cluster.history).toHaveLength(sent);
    expect(cluster.running.map(({ raft }) => raft.deadlineMs)).toEqual(
      cluster.running.map(() => Number.POSITIVE_INFINITY),
    );
    expect(cluster.leader.id).toBe("n1");
  });

  test("does not rest before its time, nor while anything is wanted", () => {
    const cluster = settled();
    for (let count = 0; count < 20; count += 1) {
      cluster.propose("n1", `${count}`);
      cluster.run(idleAfterMs - 20);
      expect(cluster.running.some(({ raft }) => raft.quiescent)).toBe(false);
    }
  });

  test("does not rest while a member lacks something", () => {
    const cluster = new Cluster({ learners: 1, options: { idleAfterMs } });
    cluster.elect("n1");
    cluster.lose = ({ type, to }) => type === "appendEntries" && to === "l1";
    cluster.propose("n1", "a");
    cluster.run(1_000);
    expect(cluster.leader.raft.quiescent).toBe(false);
    cluster.lose = () => false;
    cluster.run(1_000);
    expect(cluster.leader.raft.quiescent).toBe(true);
    expect(cluster.applied("l1")).toEqual(["a"]);
  });

  test("stays awake for a member that is not there to say that it rests too, but not for ever", () => {
    const cluster = new Cluster({ options: { idleAfterMs } });
    cluster.elect("n1");
    cluster.propose("n1", "a");
    cluster.run(50);
    cluster.crash("n3");
    const silentMs = idleAfterMs + 2 * cluster.node("n1").options.electionMaxMs;
    cluster.run(silentMs - 20);
    expect(cluster.running.every(({ raft }) => raft.leader === "n1")).toBe(true);
    expect(cluster.leader.raft.quiescent).toBe(false);
    cluster.run(50);
    expect(cluster.running.map(({ raft }) => [raft.leader, raft.quiescent])).toEqual([
      ["n1", true],
      ["n1", true],
    ]);
    const sent = cluster.history.length;
    cluster.run(1_000_000);
    expect(cluster.history).toHaveLength(sent);
  });

  test("gives every member as much time to be heard after a rest", () => {
    const cluster = settled();
    cluster.crash("n3");
    cluster.run(1_000_000);
    cluster.propose("n1", "b");
    cluster.run(idleAfterMs + cluster.node("n1").options.electionMaxMs);
    expect(cluster.leader.raft.quiescent).toBe(false);
    cluster.run(cluster.node("n1").options.electionMaxMs + 50);
    expect(cluster.leader.raft.quiescent).toBe(true);
  });

  test("does not rest without a majority that rests", () => {
    const cluster = new Cluster({ voters: 5, options: { idleAfterMs, checkQuorum: false } });
    cluster.elect("n1");
    cluster.propose("n1", "a");
    cluster.run(50);
    cluster.crash("n3", "n4", "n5");
    cluster.run(2_000);
    expect(cluster.leader.raft.quiescent).toBe(false);
  });
});

describe("a group at rest", () => {
  test("takes a proposal as if it had never rested, and everybody watches again", () => {
    const cluster = settled();
    cluster.propose("n1", "b");
    cluster.deliver();
    for (const { id, raft } of cluster.running) {
      expect(cluster.applied(id)).toEqual(["a", "b"]);
      expect(raft.deadlineMs).toBeLessThan(Number.POSITIVE_INFINITY);
    }
  });

  test("gives its leader time to hear from the others again, however long it rested", () => {
    const cluster = settled();
    cluster.run(1_000_000);
    cluster.propose("n1", "b");
    cluster.tick("n1");
    cluster.run(1_000);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1 } });
    expect(cluster.applied("n3")).toEqual(["a", "b"]);
  });

  test("elects another leader when its own is gone and somebody says so", () => {
    const cluster = settled();
    cluster.crash("n1");
    wake(cluster, "n2", "n1");
    cluster.run(500);
    expect(cluster.leader.id).not.toBe("n1");
    cluster.propose(cluster.leader.id, "b");
    cluster.deliver();
    expect(cluster.applied("n3")).toEqual(["a", "b"]);
  });

  test("elects another leader when its own is gone and somebody reads at another node", () => {
    const cluster = settled();
    cluster.crash("n1");
    cluster.read("n2");
    cluster.run(1_000);
    expect(["n2", "n3"]).toContain(cluster.leader.id);
    expect(cluster.running.map(({ raft }) => raft.leader)).toEqual([cluster.leader.id, cluster.leader.id]);
  });

  test("keeps its leader, and rests again, when somebody reads at another node", () => {
    const cluster = settled();
    cluster.read("n2");
    cluster.run(1_000);
    expect(cluster.node("n2").reads).toHaveLength(1);
    expect(cluster.running.map(({ raft }) => [raft.leader, raft.term, raft.quiescent])).toEqual(
      cluster.running.map(() => ["n1", 1, true]),
    );
  });

  test("is left alone by a wake-up that suspects somebody else than its leader", () => {
    const cluster = settled();
    wake(cluster, "n2", null);
    wake(cluster, "n2", "n3");
    cluster.run(500);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1, quiescent: true } });
  });

  test("keeps its leader when somebody could not reach it, and rests again: who asks for votes hears of it", () => {
    const cluster = settled({ voters: 2 });
    wake(cluster, "n2", "n1");
    expect(cluster.nodes.get("n2")?.raft.leader).toBeNull();
    cluster.run(500);
    expect(cluster.running.map(({ raft }) => [raft.leader, raft.term, raft.quiescent])).toEqual([
      ["n1", 1, true],
      ["n1", 1, true],
    ]);
  });

  test("is left alone by a wake-up of a node that can't lead", () => {
    const cluster = settled({ learners: 1 });
    wake(cluster, "l1", "n1");
    cluster.run(500);
    expect(cluster.node("l1").raft).toMatchObject({ leader: "n1", quiescent: true });
  });

  test("rests on after all have restarted, and the first request finds a leader", () => {
    const cluster = settled();
    const all = [...cluster.nodes.keys()];
    cluster.crash(...all);
    cluster.restart(...all);
    expect(Math.min(...cluster.running.map(({ raft }) => raft.deadlineMs))).toBe(Number.POSITIVE_INFINITY);
    wake(cluster, "n3", null);
    cluster.run(500);
    cluster.propose(cluster.leader.id, "b");
    cluster.deliver();
    expect(cluster.applied("n1")).toEqual(["a", "b"]);
  });

  test.each([false, true])(
    "answers no read by a leader that was replaced while it rested, lease reads: %s",
    (leaseReads) => {
      const cluster = settled({ options: { leaseReads } });
      cluster.read("n1");
      cluster.run(5 * idleAfterMs);
      cluster.partition("n1");
      wake(cluster, "n2", "n1");
      cluster.run(500);
      cluster.propose(cluster.leader.id, "newer");
      cluster.deliver();
      const before = cluster.node("n1").reads.length;
      cluster.read("n1");
      expect(cluster.node("n1").reads).toHaveLength(before);
      cluster.run(1_000);
      expect(cluster.node("n1").reads).toHaveLength(before);
      cluster.heal();
      cluster.run(500);
      expect(cluster.applied("n1")).toEqual(["a", "newer"]);
    },
  );
});

/** n1 leads and rests with n2, and n3 is not there; n3 has all that they have, or lacks the last command. */
function without(lacks: boolean): Cluster {
  const cluster = new Cluster({ options: { idleAfterMs } });
  cluster.elect("n1");
  cluster.propose("n1", "a");
  cluster.run(20);
  cluster.crash("n3");
  if (lacks) cluster.propose("n1", "b");
  cluster.run(2_000);
  expect(cluster.running.map(({ raft }) => raft.quiescent)).toEqual([true, true]);
  return cluster;
}

describe.each([false, true])("a member that returns to a group at rest, lacking entries: %s,", (lacks) => {
  /** Whether all come to rest with all that there is, and for good. */
  function comeTogether(cluster: Cluster): boolean {
    cluster.run(5_000);
    const sent = cluster.history.length;
    cluster.run(1_000_000);
    const rest = cluster.running.filter(({ raft }) => raft.quiescent).length === 3;
    return rest && cluster.history.length === sent && cluster.applied("n3").join("") === (lacks ? "ab" : "a");
  }

  test("gets what it lacks, and rests too", () => {
    const cluster = without(lacks);
    cluster.restart("n3");
    expect(comeTogether(cluster)).toBe(true);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1 } });
  });

  test("gets what it lacks, and rests too, when the others have left memory", () => {
    const cluster = without(lacks);
    cluster.evict("n1", "n2");
    cluster.restart("n3");
    expect(comeTogether(cluster)).toBe(true);
  });

  test("gets what it lacks, and rests too, when the leader is gone, and somebody who remembers it is left", () => {
    const cluster = without(lacks);
    cluster.crash("n1");
    cluster.restart("n3");
    cluster.run(2_000);
    cluster.restart("n1");
    expect(comeTogether(cluster)).toBe(true);
    expect(cluster.leader.id).not.toBe("n1");
  });

  test("gets what it lacks with the first request, when it has rested since before", () => {
    const cluster = new Cluster({ options: { idleAfterMs } });
    cluster.elect("n1");
    cluster.propose("n1", "a");
    cluster.run(1_000);
    cluster.partition("n3");
    if (lacks) cluster.propose("n1", "b");
    cluster.run(2_000);
    cluster.heal();
    expect(cluster.running.map(({ raft }) => raft.quiescent)).toEqual([true, true, true]);
    cluster.read("n2");
    expect(comeTogether(cluster)).toBe(true);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1 } });
  });

  test("gets what it lacks, when it is the one that is asked first", () => {
    const cluster = without(lacks);
    cluster.evict("n1", "n2");
    cluster.restart("n3");
    wake(cluster, "n3", null);
    cluster.run(500);
    cluster.propose(cluster.leader.id, "c");
    cluster.deliver();
    expect(cluster.applied("n3")).toEqual(lacks ? ["a", "b", "c"] : ["a", "c"]);
  });
});

test("a stranger that asks for votes does not wake a group at rest", () => {
  const cluster = settled();
  cluster.evict("n1", "n2", "n3");
  cluster.act("n2", (node) => node.receive(requestVote({ from: "s1", to: "n2", term: 2, preVote: true })));
  expect(cluster.node("n2").raft.quiescent).toBe(true);
  cluster.act("n2", (node) => node.receive(requestVote({ from: "n3", to: "n2", term: 2, preVote: true })));
  expect(cluster.node("n2").raft.quiescent).toBe(false);
});

describe("a follower at rest", () => {
  /** It has entry 1, and was let rest in round 5. */
  function resting(): TestNode {
    const node = new TestNode({ log: logOf([1]) });
    node.receive(heartbeat({ term: 1, commitIndex: 1, round: 5, quiesce: true }));
    expect(node.raft.quiescent).toBe(true);
    return node;
  }

  test("is not woken by what was sent before, and is by what was sent after", () => {
    const node = resting();
    node.receive(
      heartbeat({ term: 1, commitIndex: 1, round: 4 }),
      append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, round: 5 }),
    );
    expect(node.raft.quiescent).toBe(true);
    node.receive(append({ term: 1, prevLogIndex: 1, prevLogTerm: 1, entries: logOf([1, 1]).slice(1), round: 6 }));
    expect(node.raft.quiescent).toBe(false);
    expect(node.raft.deadlineMs).toBe(node.nowMs + 150);
  });

  test("goes on resting when its host lets it stand for election again", () => {
    const node = resting();
    for (const abstaining of [true, false]) node.turn(() => node.raft.abstain(abstaining, node.nowMs));
    expect(node.raft).toMatchObject({ quiescent: true, isVoter: true, deadlineMs: Number.POSITIVE_INFINITY });
  });

  test("watches over a candidate that it has voted for", () => {
    const node = resting().pass(500);
    expect(node.receive(requestVote({ term: 2, from: "n3", lastLogIndex: 1, lastLogTerm: 1 }))).toMatchObject([
      { granted: true },
    ]);
    expect(node.raft).toMatchObject({ quiescent: false, deadlineMs: node.nowMs + 150 });
  });

  test.each([
    { name: "lacks entries", log: [1], message: heartbeat({ term: 1, commitIndex: 0, round: 5, quiesce: true }) },
    {
      name: "has entries that are not the leader's",
      log: [1, 1],
      message: heartbeat({ term: 1, commitIndex: 1, round: 5, quiesce: true }),
    },
  ])("does not rest when it $name", ({ log, message }) => {
    const node = new TestNode({ log: logOf(log) });
    expect(node.receive(message)).toMatchObject([{ quiesced: false }]);
    expect(node.raft.quiescent).toBe(false);
  });

  test("does not rest by a word that was overtaken by a later one", () => {
    const node = new TestNode({ log: logOf([1]) });
    node.receive(
      heartbeat({ term: 1, commitIndex: 1, round: 6 }),
      heartbeat({ term: 1, commitIndex: 1, round: 5, quiesce: true }),
    );
    expect(node.raft.quiescent).toBe(false);
  });
});

test("a learner without which the group rests gets what it lacks as soon as it asks about a read", () => {
  const cluster = new Cluster({ voters: 3, learners: 1, options: { idleAfterMs } });
  cluster.elect("n1");
  cluster.partition("l1");
  cluster.propose("n1", "a");
  cluster.run(20 * idleAfterMs);
  expect(cluster.node("n1").raft.quiescent).toBe(true);
  cluster.heal();
  cluster.run(20 * idleAfterMs);
  expect(cluster.applied("l1"), "it never stands for election, so nobody has noticed it").toEqual([]);
  cluster.read("l1");
  cluster.deliver();
  expect(cluster.applied("l1")).toEqual(["a"]);
  cluster.run(20 * idleAfterMs);
  expect(cluster.running.every(({ raft }) => raft.quiescent)).toBe(true);
});

test("whoever asks about a read is waited for, though the first that is said to it is lost", () => {
  const cluster = new Cluster({ voters: 3, learners: 1, options: { idleAfterMs } });
  cluster.elect("n1");
  cluster.partition("l1");
  // So busy that it is long ago that the group was at rest, and that the learner was heard.
  for (let count = 0; count < 30; count += 1) {
    cluster.propose("n1", `${count}`);
    cluster.run(idleAfterMs / 2);
  }
  cluster.heal();
  cluster.lose = ({ to, type }) => to === "l1" && type !== "readIndexReply";
  cluster.read("l1");
  cluster.run(4 * idleAfterMs);
  expect(cluster.leader.raft.quiescent).toBe(false);
  cluster.lose = () => false;
  cluster.run(20 * idleAfterMs);
  expect(cluster.applied("l1")).toHaveLength(30);
  expect(cluster.running.every(({ raft }) => raft.quiescent)).toBe(true);
});
