/** Learners that a group makes voters of by itself, whoever leads it, and voters that must not miss that they are. */

import { describe, expect, test } from "vitest";
import type { MemberChange } from "../../src/raft/configuration-change.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import { logOf, requestVote } from "./build.ts";
import { Cluster } from "./cluster.ts";
import { TestNode } from "./test-node.ts";

const promotable = (id: string): MemberChange => ({ type: "addPromotable", id });

function change(cluster: Cluster, ...changes: readonly MemberChange[]): void {
  cluster.act(cluster.leader.id, (node) =>
    node.turn(() => {
      const proposal = node.raft.proposeChange({ changes, transition: "auto" }, node.nowMs);
      expect(proposal).toMatchObject({ accepted: true });
    }),
  );
}

function voters(cluster: Cluster): readonly string[] {
  return cluster.leader.raft.configuration.voters;
}

describe("a learner that is to be promoted", () => {
  test("becomes a voter as soon as it has the log", () => {
    const cluster = new Cluster({ voters: 3, spares: 1 });
    cluster.elect("n1");
    cluster.propose("n1", "a", "b", "c");
    change(cluster, promotable("s1"));
    cluster.run(100);
    expect(voters(cluster)).toEqual(["n1", "n2", "n3", "s1"]);
    expect(cluster.leader.raft.configuration.promoting).toEqual([]);
  });

  test("does not while it can't be reached, and nothing waits for it", () => {
    const cluster = new Cluster({ voters: 3, spares: 1 });
    cluster.elect("n1");
    cluster.partition("s1");
    change(cluster, promotable("s1"));
    cluster.propose("n1", "a");
    cluster.run(2_000);
    expect(cluster.applied("n2")).toEqual(["a"]);
    expect(cluster.leader.raft.configuration).toMatchObject({ voters: ["n1", "n2", "n3"], promoting: ["s1"] });
    cluster.heal();
    cluster.run(500);
    expect(voters(cluster)).toEqual(["n1", "n2", "n3", "s1"]);
  });

  test("is promoted by a later leader when the one that added it died", () => {
    const cluster = new Cluster({ voters: 3, spares: 1 });
    cluster.elect("n1");
    cluster.partition("s1");
    change(cluster, promotable("s1"));
    cluster.run(100);
    cluster.crash("n1");
    cluster.heal();
    cluster.run(2_000);
    expect(cluster.leader.id).not.toBe("n1");
    expect(voters(cluster)).toEqual(["n1", "n2", "n3", "s1"]);
  });

  test("is promoted with the other one, where a single voter would otherwise become a pair", () => {
    const cluster = new Cluster({ voters: 1, spares: 2 });
    cluster.elect("n1");
    cluster.partition("s2");
    change(cluster, promotable("s1"), promotable("s2"));
    cluster.run(1_000);
    expect(voters(cluster)).toEqual(["n1"]);
    cluster.heal();
    cluster.run(1_000);
    expect(voters(cluster)).toEqual(["n1", "s1", "s2"]);
  });

  test("hazard-26 stays a learner over a restart", () => {
    const cluster = new Cluster({ voters: 3, spares: 1 });
    cluster.elect("n1");
    change(cluster, { type: "addLearner", id: "s1" });
    cluster.run(100);
    cluster.crash("s1");
    cluster.restart("s1");
    cluster.run(1_000);
    const { raft } = cluster.node("s1");
    expect([raft.isVoter, raft.deadlineMs, raft.role]).toEqual([false, Number.POSITIVE_INFINITY, "follower"]);
  });
});

describe("hazard-27 a node with the longest log that does not know that it votes", () => {
  /** Voters n1, n2, n3 are being replaced by n3, n4, n5: the change is the first entry. */
  const entry: Entry = {
    ...logOf([1])[0]!,
    kind: "configuration",
    change: {
      changes: [
        { type: "addVoter", id: "n4" },
        { type: "addVoter", id: "n5" },
        { type: "remove", id: "n1" },
        { type: "remove", id: "n2" },
      ],
      transition: "explicit",
    },
  };
  const configuration = simpleConfiguration(["n1", "n2", "n3"]);
  const upTo = (id: string, last: number): TestNode =>
    new TestNode({ id, configuration, log: [entry, ...logOf([1, 1]).slice(1)].slice(0, last) });

  test("learns it from a candidate, and then is elected: otherwise nobody ever could be", () => {
    // n1 and n5 are gone. n2 and n3 know that the change is committed; n4 has more, and does not.
    const nodes = [upTo("n2", 1), upTo("n3", 1), upTo("n4", 2)] as const;
    for (const node of nodes.slice(0, 2)) node.turn(() => node.raft.log.commitTo(1));
    const [two, three, four] = nodes;
    expect(three.raft.configuration.voters).toEqual(["n3", "n4", "n5"]);
    expect([four.raft.isVoter, four.raft.deadlineMs]).toEqual([false, Number.POSITIVE_INFINITY]);
    four.pass(1000);
    const question = two.expire().find(({ to }) => to === "n4")!;
    expect(four.receive(question)).toMatchObject([{ granted: false }]);
    expect(four.raft.isVoter).toBe(true);
    let waiting = four.expire();
    for (let count = 0; waiting.length > 0 && count < 10; count += 1) {
      waiting = waiting.flatMap((message) => nodes.find(({ id }) => id === message.to)?.receive(message) ?? []);
    }
    expect(four.raft.role).toBe("leader");
  });

  test("takes no candidate's word for an entry that it does not have", () => {
    const four = upTo("n4", 2).pass(1000);
    for (const [commitIndex, commitTerm] of [
      [1, 2],
      [2, 9],
      [3, 1],
    ] as const) {
      four.receive(
        requestVote({ to: "n4", term: 2, preVote: true, lastLogIndex: 3, lastLogTerm: 1, commitIndex, commitTerm }),
      );
    }
    expect(four.raft.log.commitIndex).toBe(0);
  });
});

describe("a node that abstains", () => {
  test("stands for no election, gives its vote to others, and leads no more", () => {
    const node = new TestNode().lead();
    node.turn(() => node.raft.abstain(true, node.nowMs));
    expect([node.raft.role, node.raft.deadlineMs]).toEqual(["follower", Number.POSITIVE_INFINITY]);
    node.turn(() => node.raft.campaign(node.nowMs));
    node.receive({ type: "timeoutNow", from: "n2", to: "n1", term: 1 });
    expect(node.raft.role).toBe("follower");
    node.pass(1000).turn(() => node.raft.abstain(false, node.nowMs));
    node.expire();
    expect(node.raft.role).toBe("preCandidate");
  });
});
