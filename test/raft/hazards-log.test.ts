/** What can go wrong with logs: committed entries that change, tails that differ, messages that come late, twice or never. */

import { describe, expect, test } from "vitest";
import type { Message } from "../../src/raft/message.ts";
import { append, appendReply, entry, logOf, termsOf, times } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { group } from "./disk.ts";
import { ofType, TestNode } from "./test-node.ts";

const isAppend = ({ type }: Message): boolean => type === "appendEntries";

/**
 * Figure 8 of the paper up to (c): n1 had an entry at 2 that only n2 stored; n5 was elected without it and put its own
 * there; n1 leads again, in term 3, and has its old entry 2 on three of five nodes. One entry travels in each message.
 */
function figure8(): Cluster {
  const cluster = new Cluster({ voters: 5, options: { maxAppendBytes: 1 } });
  cluster.elect("n1");
  cluster.lose = (message) => isAppend(message) && message.to !== "n2";
  cluster.propose("n1", "old");
  cluster.deliver();
  cluster.crash("n1");
  cluster.lose = isAppend;
  cluster.elect("n5");
  cluster.crash("n5");
  cluster.restart("n1");
  // n4 gets nothing, and n3 nothing more once it has entry 2.
  cluster.lose = (message) =>
    isAppend(message) && (message.to === "n4" || (message.to === "n3" && cluster.node("n3").disk.log.length === 2));
  cluster.elect("n1");
  const { peers } = cluster.leader.leadership;
  expect(["n2", "n3", "n4"].map((id) => peers.get(id)!.matchIndex)).toEqual([3, 2, 0]);
  return cluster;
}

describe("hazard-01", () => {
  test("an entry of an earlier term is not committed by the number of those who store it (figure 8, d)", () => {
    const cluster = figure8();
    expect(cluster.leader.raft.log.commitIndex).toBe(1);
    cluster.crash("n1");
    cluster.restart("n5");
    cluster.heal();
    cluster.elect("n5");
    expect(cluster.node("n2").disk.log[1]).toMatchObject({ term: 2, kind: "noop" });
    cluster.recovers();
    expect(cluster.applied("n1")).toEqual(["at last"]);
  });

  test("it is committed by an entry of the leader's own, and then no other can lead (figure 8, e)", () => {
    const cluster = figure8();
    cluster.heal();
    cluster.run(50);
    expect(cluster.applied("n3")).toEqual(["old"]);
    cluster.crash("n1");
    cluster.restart("n5");
    cluster.nowMs += 300;
    cluster.campaign("n5");
    cluster.deliver();
    expect(cluster.node("n5").raft.role).not.toBe("leader");
    cluster.recovers();
  });
});

const leaderOfFigure7 = [1, 1, 1, 4, 4, 5, 5, 6, 6, 6];

test.each([
  { follower: "a", terms: [1, 1, 1, 4, 4, 5, 5, 6, 6] },
  { follower: "b", terms: [1, 1, 1, 4] },
  { follower: "c", terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 6] },
  { follower: "d", terms: [1, 1, 1, 4, 4, 5, 5, 6, 6, 6, 7, 7] },
  { follower: "e", terms: [1, 1, 1, 4, 4, 4, 4] },
  { follower: "f", terms: [1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 3] },
])("figure 7: follower ($follower) is brought to the leader's log", ({ terms }) => {
  const hardState = { term: 7, vote: null };
  const cluster = new Cluster({
    logs: { n1: logOf(leaderOfFigure7), n2: logOf(leaderOfFigure7), n3: logOf(terms) },
    hardStates: { n1: hardState, n2: hardState, n3: hardState },
  });
  cluster.elect("n1");
  expect(termsOf(cluster.node("n3").disk.log)).toEqual([...leaderOfFigure7, 8]);
  expect(cluster.node("n3").disk.applied).toEqual(cluster.node("n1").disk.log);
});

test.each([
  { name: "in one term each", leader: times(10_000, 3), follower: times(10_000, 2), probes: 1 },
  { name: "the follower's in later terms", leader: times(10_000, 2), follower: times(10_000, 3), probes: 1 },
  {
    name: "in many terms each",
    leader: [3, 5, 7, 9].flatMap((term) => times(2_500, term)),
    follower: [2, 4, 6, 8].flatMap((term) => times(2_500, term)),
    probes: 4,
  },
  {
    name: "a term an entry on one side",
    leader: times(10_000, 10_001).map((_, at) => at + 2),
    follower: times(10_000, 1),
    probes: 1,
  },
  {
    name: "a term an entry on the other",
    leader: times(10_000, 1),
    follower: times(10_000, 2).map((_, at) => at + 2),
    probes: 1,
  },
])("hazard-33: 10,000 entries that differ, $name, are repaired in at most one probe a term", (differing) => {
  const common = times(5, 1);
  const log = logOf([...common, ...differing.leader]);
  const hardState = { term: 20_000, vote: null };
  const cluster = new Cluster({
    logs: { n1: log, n2: log, n3: logOf([...common, ...differing.follower]) },
    hardStates: { n1: hardState, n2: hardState, n3: hardState },
  });
  cluster.elect("n1");
  const answers = ofType(cluster.history, "appendReply").filter(({ from }) => from === "n3");
  expect(answers.filter(({ rejection }) => rejection !== null).length).toBeLessThanOrEqual(differing.probes);
  expect(termsOf(cluster.node("n3").disk.log)).toEqual(termsOf(cluster.node("n1").disk.log));
});

test("hazard-12: an append that overtakes an earlier one, or comes again after it, costs nothing", () => {
  const cluster = new Cluster();
  cluster.elect("n1");
  for (const text of ["a", "b", "c"]) cluster.propose("n1", text);
  const held = cluster.hold(({ to }) => to === "n3");
  const appends = held.filter(isAppend);
  expect(appends).toHaveLength(3);
  cluster.put(...[...appends].reverse(), ...appends);
  cluster.deliver();
  expect(cluster.node("n3").disk.log).toEqual(cluster.node("n1").disk.log);
  cluster.put(...appends);
  cluster.deliver();
  expect(cluster.node("n3").disk.log).toHaveLength(4);
  expect(cluster.applied("n3")).toEqual(["a", "b", "c"]);
});

test("hazard-14: every answer twice and the newest first, and still each entry is counted once", () => {
  const cluster = new Cluster({ voters: 5 });
  cluster.elect("n1");
  for (let count = 0; count < 10; count += 1) cluster.propose("n1", `${count}`);
  const requests = cluster.hold(isAppend);
  const reached = requests.filter(({ to }) => to === "n2");
  cluster.put(...reached);
  while (cluster.network.length > 0) {
    const answers = cluster.hold(({ type }) => type === "appendReply");
    cluster.deliver();
    cluster.put(...[...answers, ...answers].reverse());
  }
  expect(cluster.leader.raft.log.commitIndex, "one of four peers is no majority").toBe(1);
  cluster.put(...requests);
  cluster.deliver();
  expect(cluster.applied("n5")).toHaveLength(10);
});

test("hazard-15: an answer to a leader's earlier term does not count in its later one", () => {
  const cluster = new Cluster({ voters: 5 });
  const texts = Array.from({ length: 8 }, (_, number) => `${number}`);
  const only = (id: string) => (message: Message) => isAppend(message) && message.to !== id;
  cluster.elect("n1");
  cluster.lose = only("n2");
  cluster.propose("n1", ...texts);
  cluster.deliverAt(0);
  const late = cluster.hold(({ type }) => type === "appendReply");
  expect(late).toMatchObject([{ from: "n2", index: 9 }]);
  cluster.partition("n1");
  cluster.lose = () => false;
  cluster.elect("n3");
  cluster.heal();
  cluster.run(50);
  cluster.elect("n1");
  cluster.lose = only("n4");
  cluster.propose("n1", ...texts);
  cluster.deliver();
  cluster.put(...late);
  cluster.deliver();
  expect(cluster.leader.raft.log.lastIndex).toBeGreaterThanOrEqual(9);
  expect(cluster.leader.raft.log.commitIndex, "n1 and n4 are no majority").toBeLessThan(9);
  cluster.recovers();
});

test("hazard-39: a longer log of an earlier term wins no election against what was committed later", () => {
  const hardState = { term: 2, vote: null };
  const cluster = new Cluster({
    logs: { n1: logOf([1, 1, 1, 1, 1]), n2: logOf([1, 2]), n3: logOf([1, 2]) },
    hardStates: { n1: hardState, n2: hardState, n3: hardState },
  });
  cluster.nowMs += 300;
  cluster.campaign("n1");
  cluster.deliver();
  expect(cluster.node("n1").raft.role).not.toBe("leader");
  cluster.elect("n2");
  expect(termsOf(cluster.node("n1").disk.log)).toEqual([1, 2, cluster.leader.raft.term]);
});

test("hazard-40: 64 proposals at once, and each is applied once, in the same order everywhere", () => {
  const cluster = new Cluster({ voters: 5, options: { maxInflightMessages: 4, maxAppendBytes: 200 } });
  cluster.elect("n1");
  const texts = Array.from({ length: 64 }, (_, number) => `${number}`);
  for (let from = 0; from < 64; from += 7) {
    cluster.propose("n1", ...texts.slice(from, from + 7));
    for (let count = 0; count < 5 && cluster.network.length > 0; count += 1) cluster.deliverAt(0);
  }
  cluster.run(20);
  for (const id of cluster.nodes.keys()) expect(cluster.applied(id)).toEqual(texts);
});

test("hazard-45: what a minority takes is not applied, and not when it is over either", () => {
  const cluster = new Cluster({ voters: 5 });
  cluster.elect("n1");
  cluster.partition("n1", "n2");
  expect(cluster.propose("n1", "lost")).toMatchObject([{ accepted: true }]);
  cluster.deliver();
  expect(cluster.applied("n1")).toEqual([]);
  cluster.elect("n3");
  cluster.propose("n3", "kept");
  cluster.deliver();
  cluster.recovers();
  expect(cluster.applied("n1")).toEqual(["kept", "at last"]);
});

describe("replication", () => {
  test("of a command and of its commit needs no time to pass", () => {
    const cluster = new Cluster({ learners: 1 });
    cluster.elect("n1");
    cluster.propose("n1", "a");
    cluster.deliver();
    for (const id of cluster.nodes.keys()) expect(cluster.applied(id)).toEqual(["a"]);
  });

  test.each([1, 2, 3])("recovers at once from lost message %i of three when it is told so", (lost) => {
    const cluster = new Cluster();
    cluster.elect("n1");
    for (const text of ["a", "b", "c"]) cluster.propose("n1", text);
    cluster.put(...cluster.hold(({ to }) => to === "n3").filter((_, position) => position !== lost - 1));
    cluster.act("n1", (node) => node.turn(() => node.raft.reportUnreachable("n3")));
    cluster.deliver();
    expect(cluster.applied("n3")).toEqual(["a", "b", "c"]);
  });

  test.each([
    { name: "everything", lost: () => true },
    { name: "all that carries entries", lost: (message: Message) => isAppend(message) },
    { name: "all answers", lost: ({ from }: Message) => from === "n3" },
  ])("recovers by heartbeats from the loss of $name", ({ lost }) => {
    const cluster = new Cluster({ options: { maxInflightMessages: 2 } });
    cluster.elect("n1");
    cluster.lose = (message) => (message.to === "n3" || message.from === "n3") && lost(message);
    for (let count = 0; count < 10; count += 1) {
      cluster.propose("n1", `${count}`);
      cluster.run(5);
    }
    cluster.heal();
    cluster.run(2 * cluster.leader.options.heartbeatMs);
    expect(cluster.applied("n3")).toEqual(cluster.applied("n1"));
    expect(cluster.applied("n3")).toHaveLength(10);
  });
});

describe("hazard-35", () => {
  test("nothing says that an entry is committed before the disk has it whose count commits it", () => {
    const node = new TestNode({ configuration: group(1, 1) });
    node.expire();
    node.receive(appendReply({ from: "l1", term: 1, index: 1 }));
    node.propose("a");
    expect(node.raft.log.commitIndex).toBe(2);
    const early = node.readies.flatMap((ready) => ready.early);
    expect(early.filter((message) => "commitIndex" in message && message.commitIndex === 2)).toEqual([]);
    const after = node.readies.flatMap((ready) => ready.messages);
    expect(after.some((message) => message.type === "appendEntries" && message.commitIndex === 2)).toBe(true);
  });

  test("an entry that is replaced is acknowledged by the write of the new one, not by that of the old one", () => {
    const node = new TestNode({ log: logOf([1]) });
    node.raft.step(append({ term: 2, prevLogIndex: 1, prevLogTerm: 1, entries: [entry(2, 2)] }), 0);
    node.raft.step(append({ from: "n3", term: 3, prevLogIndex: 1, prevLogTerm: 1, entries: [entry(2, 3)] }), 0);
    node.turn(() => {});
    expect(node.readies).toHaveLength(1);
    expect(node.readies[0]).toMatchObject({ early: [], entries: [{ index: 2, term: 3 }] });
    const answers = ofType(node.readies[0]!.messages, "appendReply");
    expect(answers.map(({ to, term, index }) => ({ to, term, index }))).toEqual([
      { to: "n2", term: 2, index: 2 },
      { to: "n3", term: 3, index: 2 },
    ]);
    expect(termsOf(node.disk.log)).toEqual([1, 3]);
  });
});
