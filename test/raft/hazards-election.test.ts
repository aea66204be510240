/** What can go wrong with elections: two leaders, forgotten votes, groups that never elect, and nodes that disturb the others. */

import { describe, expect, test } from "vitest";
import type { Message } from "../../src/raft/message.ts";
import { logOf, requestVote, times } from "./build.ts";
import { Cluster, type ClusterSettings } from "./cluster.ts";
import type { CrashPoint } from "./test-node.ts";

/** Runs until nothing can be on its way any more, and answers the terms of the nodes. */
function settledTerms(cluster: Cluster): number[] {
  cluster.run(1_500);
  return [...cluster.nodes.values()].map(({ raft }) => raft.term);
}

describe("hazard-02: a node that loses its power at any write, then comes back, votes once in a term", () => {
  /** Counts the writes of a whole group, and lets the power fail at one of them. */
  class Power {
    writes = 0;
    private readonly point: CrashPoint;
    private readonly failing: number;

    constructor(point: CrashPoint, failing: number) {
      this.point = point;
      this.failing = failing;
    }

    readonly fails = (): CrashPoint | null => {
      this.writes += 1;
      return this.writes === this.failing ? this.point : null;
    };
  }

  /** Elections and proposals one after the other; the power fails at one of the writes. Answers how many there were. */
  function play(point: CrashPoint, failing: number): number {
    const cluster = new Cluster({ options: { preVote: failing % 2 === 0 } });
    const power = new Power(point, failing);
    const deliver = (): void => {
      cluster.deliver();
      for (const { id, down } of cluster.nodes.values()) if (down) cluster.restart(id);
      for (const node of cluster.nodes.values()) node.losesPower = power.fails;
    };
    deliver();
    for (const id of ["n1", "n2", "n3", "n1"]) {
      cluster.nowMs += 200;
      cluster.campaign(id);
      deliver();
      // Whoever else stands for election in the same term finds the votes given.
      for (const other of cluster.nodes.keys()) if (other !== id) cluster.campaign(other);
      deliver();
      for (const { id: leader } of cluster.running) cluster.propose(leader, `by ${id}`);
      deliver();
    }
    const { writes } = power;
    for (const node of cluster.nodes.values()) node.losesPower = () => null;
    cluster.recovers();
    return writes;
  }

  test.each(["before the write", "after the write"] as const)("%s", (point) => {
    let failing = 0;
    let writes: number;
    do {
      failing += 1;
      writes = play(point, failing);
    } while (failing <= writes);
    expect(failing).toBeGreaterThan(25);
  });
});

test("hazard-03: whoever stopped leading does not vote for another in the same term", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  const { term } = cluster.leader.raft;
  cluster.partition("n1");
  cluster.run(500);
  expect(cluster.node("n1").raft.role).not.toBe("leader");
  cluster.put(requestVote({ term, from: "n2", to: "n1", lastLogIndex: 99, lastLogTerm: term }));
  cluster.heal();
  cluster.deliver();
  cluster.recovers();
});

describe("hazard-16, hazard-43: half of an even number is no majority", () => {
  test.each([2, 4])("of %i voters", (voters) => {
    const cluster = new Cluster({ voters });
    cluster.elect("n1");
    const half = [...cluster.nodes.keys()].slice(0, voters / 2);
    cluster.partition(...half);
    cluster.propose("n1", "by half");
    cluster.run(1_000);
    expect(cluster.running.filter(({ raft }) => raft.role === "leader")).toEqual([]);
    for (const id of cluster.nodes.keys()) expect(cluster.applied(id)).toEqual([]);
    cluster.recovers();
  });
});

describe("hazard-21", () => {
  test("a candidate with a later term and a shorter log blocks nobody", () => {
    const cluster = new Cluster({
      logs: { n1: logOf([1, 1, 1]), n2: logOf([1, 1, 1]), n3: logOf([1]) },
      hardStates: { n3: { term: 9, vote: "n3" } },
    });
    cluster.run(1_000);
    expect(cluster.leader.id).not.toBe("n3");
    cluster.recovers();
  });

  test("nodes with and without pre-vote elect one leader and leave it in peace", () => {
    const cluster = new Cluster({ optionsOf: { n3: { preVote: false } } });
    cluster.run(500);
    cluster.partition("n3");
    cluster.run(1_000);
    cluster.heal();
    const terms = settledTerms(cluster);
    expect(settledTerms(cluster)).toEqual(terms);
    cluster.recovers();
  });

  test("a node whose log is behind does not depose the leader by asking again and again", () => {
    const cluster = new Cluster({ optionsOf: { n1: { checkQuorum: false }, n2: { checkQuorum: false } } });
    cluster.elect("n1");
    cluster.crash("n3");
    cluster.propose("n1", "a");
    cluster.deliver();
    cluster.restart("n3");
    cluster.lose = ({ to }) => to === "n3";
    cluster.run(2_000);
    expect(cluster.leader).toMatchObject({ id: "n1", raft: { term: 1 } });
    cluster.recovers();
  });
});

describe("hazard-22: a line that works in one direction only", () => {
  test.each([
    { name: "a leader that can only send", id: "n1", direction: "to" },
    { name: "a leader that can only receive", id: "n1", direction: "from" },
    { name: "a follower that can only send", id: "n2", direction: "to" },
    { name: "a follower that can only receive", id: "n2", direction: "from" },
  ] as const)("$name: one leader works, and terms stop rising", ({ id, direction }) => {
    const cluster = new Cluster();
    cluster.elect("n1");
    cluster.lose = (message) => message[direction] === id;
    const terms = settledTerms(cluster);
    const { leader } = cluster;
    cluster.propose(leader.id, "a");
    expect(settledTerms(cluster)).toEqual(terms);
    expect(cluster.leader).toBe(leader);
    expect(cluster.applied("n3")).toEqual(["a"]);
    cluster.recovers();
  });

  test("a node that returns with a later term is heard in the end, and then rests", () => {
    const cluster = new Cluster({ options: { preVote: false } });
    cluster.elect("n1");
    cluster.partition("n3");
    cluster.run(2_000);
    expect(cluster.node("n3").raft.term).toBeGreaterThan(5);
    cluster.heal();
    const terms = settledTerms(cluster);
    expect(new Set(terms).size).toBe(1);
    expect(settledTerms(cluster)).toEqual(terms);
    cluster.recovers();
  });
});

test("hazard-29: a node alone for a hundred timeouts comes back to the same leader and the same term", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  cluster.partition("n3");
  cluster.run(100 * 200);
  expect(cluster.node("n3").raft.counters.preVotesStarted).toBeGreaterThan(90);
  cluster.heal();
  cluster.run(500);
  expect(cluster.witness.leaders.size).toBe(1);
  expect(cluster.node("n3").raft).toMatchObject({ term: 1, leader: "n1" });
});

describe("hazard-34: all nodes restart at once, and a leader is there within two timeouts", () => {
  test.each([1, 2, 3, 5])("%i voters", (voters) => {
    for (let seed = 1; seed <= 20; seed += 1) {
      const cluster = new Cluster({ voters, seed });
      cluster.elect("n1");
      cluster.propose("n1", "before");
      cluster.deliver();
      const all = [...cluster.nodes.keys()];
      cluster.crash(...all);
      cluster.restart(...all);
      cluster.run(2 * cluster.node("n1").options.electionMaxMs);
      expect(cluster.applied(cluster.leader.id)).toEqual(["before"]);
    }
  });
});

test("hazard-44: a pre-vote that a dead candidate was granted holds up no other", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  cluster.crash("n1");
  cluster.nowMs += 200;
  cluster.campaign("n2");
  cluster.deliverAt(cluster.network.findIndex(({ to }) => to === "n3"));
  expect(cluster.hold(({ from }) => from === "n3")).toMatchObject([
    { type: "voteReply", preVote: true, granted: true },
  ]);
  cluster.crash("n2");
  cluster.restart("n1");
  cluster.elect("n3");
  cluster.recovers();
});

test("election timeouts differ, so that a group does not split its votes for long", () => {
  const settings: ClusterSettings = { voters: 5, options: { preVote: false } };
  const rounds: number[] = [];
  for (let seed = 1; seed <= 50; seed += 1) {
    const cluster = new Cluster({ ...settings, seed });
    cluster.run(2_000);
    rounds.push(cluster.leader.raft.term);
  }
  expect(Math.max(...rounds)).toBeLessThanOrEqual(4);
});

test("a leader that is heard is never deposed, however many others lose messages of each other", () => {
  const between = (message: Message): boolean => message.from !== "n1" && message.to !== "n1";
  const cluster = new Cluster({
    voters: 5,
    logs: Object.fromEntries(["n1", "n2", "n3", "n4", "n5"].map((id) => [id, logOf(times(3, 1))])),
  });
  cluster.elect("n1");
  cluster.lose = between;
  cluster.run(3_000);
  expect(cluster.witness.leaders.size).toBe(1);
});
