/** What can go wrong with reads: an answer older than what was acknowledged before the read arrived, or none at all. */

import { describe, expect, test } from "vitest";
import type { Message } from "../../src/raft/message.ts";
import { Cluster } from "./cluster.ts";
import { ofType } from "./test-node.ts";

/** n1 leads and "a" is applied everywhere. */
function reading(voters = 3): Cluster {
  const cluster = new Cluster({ voters });
  cluster.elect("n1");
  cluster.propose("n1", "a");
  cluster.deliver();
  return cluster;
}

describe("hazard-07: a new leader that has committed nothing in its term", () => {
  test("answers no read, however often its followers confirm it, and answers when it has", () => {
    const cluster = reading();
    // What the next leader does not know: that "b" is committed, and was applied by n1.
    cluster.propose("n1", "b");
    cluster.deliverAt(0);
    cluster.deliverAt(cluster.network.findIndex(({ type }) => type === "appendReply"));
    expect(cluster.applied("n1")).toEqual(["a", "b"]);
    cluster.network = [];
    cluster.partition("n1");
    cluster.lose = ({ type }) => type === "appendEntries";
    cluster.elect("n2");
    cluster.read("n2");
    for (let count = 0; count < 5; count += 1) cluster.run(10);
    expect(cluster.leader.id).toBe("n2");
    expect(cluster.node("n2").reads).toEqual([]);
    cluster.lose = () => false;
    cluster.run(30);
    expect(cluster.node("n2").reads).toMatchObject([{ index: 4 }]);
    expect(cluster.applied("n2")).toEqual(["a", "b"]);
  });
});

describe("hazard-08", () => {
  test("a late request of an earlier leadership confirms no read of a later one", () => {
    const cluster = new Cluster();
    cluster.elect("n1");
    // The rounds of the first leadership come to higher numbers than those of the second will.
    cluster.run(90);
    cluster.nowMs += 10;
    cluster.tick("n1");
    const late = cluster.hold(({ type, to }) => type === "heartbeat" && to === "n2");
    expect(late).toHaveLength(1);
    cluster.deliver();
    cluster.elect("n3");
    cluster.elect("n1");
    cluster.put(...late);
    cluster.deliver();
    cluster.partition("n1");
    cluster.elect("n3");
    cluster.propose("n3", "newer");
    cluster.deliver();
    // The former leader does not know yet, and must not answer from what it has.
    cluster.read("n1");
    cluster.deliver();
    expect(cluster.node("n1").raft.role).toBe("leader");
    expect(cluster.node("n1").reads).toEqual([]);
  });

  test.each(["heartbeatReply", "appendReply"] as const)(
    "a late or repeated %s of an earlier round confirms no later read",
    (type) => {
      const cluster = reading();
      if (type === "appendReply") cluster.propose("n1", "b");
      else cluster.read("n1");
      while (!cluster.network.some((message) => message.type === type)) cluster.deliverAt(0);
      const late = cluster.hold((message) => message.type === type);
      cluster.deliver();
      cluster.partition("n1");
      cluster.elect("n3");
      cluster.propose("n3", "newer");
      cluster.deliver();
      const before = cluster.node("n1").reads.length;
      cluster.read("n1");
      cluster.heal();
      cluster.lose = () => true;
      cluster.put(...late, ...late);
      cluster.deliver();
      expect(cluster.node("n1").reads).toHaveLength(before);
    },
  );
});

describe("a round", () => {
  const heartbeats = (messages: readonly Message[]): number => ofType(messages, "heartbeat").length;

  test("of contact with a majority answers a read, with what was committed when it began", () => {
    const cluster = reading(5);
    cluster.read("n1");
    expect(cluster.node("n1").reads).toEqual([]);
    const rounds = cluster.hold(({ type }) => type === "heartbeat");
    cluster.put(rounds[0]!);
    cluster.deliver();
    expect(cluster.node("n1").reads, "two of five").toEqual([]);
    cluster.put(rounds[1]!);
    cluster.deliver();
    expect(cluster.node("n1").reads).toEqual([{ context: 1, index: 2 }]);
  });

  test("gathers all reads that wait: two rounds for a hundred", () => {
    const cluster = reading();
    const before = cluster.history.length;
    for (let count = 0; count < 100; count += 1) cluster.read("n1");
    expect(heartbeats(cluster.history.slice(before))).toBe(2);
    cluster.deliver();
    expect(heartbeats(cluster.history.slice(before))).toBe(4);
    expect(cluster.node("n1").reads.map(({ context }) => context)).toEqual(
      Array.from({ length: 100 }, (_, at) => at + 1),
    );
  });

  test("that was lost is made up for by the next heartbeat", () => {
    const cluster = reading();
    cluster.lose = () => true;
    cluster.read("n1");
    cluster.lose = () => false;
    cluster.run(10);
    expect(cluster.node("n1").reads).toHaveLength(1);
  });

  test("needs nobody else where there is nobody else", () => {
    const cluster = reading(1);
    cluster.read("n1");
    expect(cluster.node("n1").reads).toEqual([{ context: 1, index: 2 }]);
  });

  test("confirms that appends were answered too, which carry its number", () => {
    const cluster = reading();
    cluster.act("n1", (node) =>
      node.turn(() => {
        node.raft.readIndex(1, cluster.nowMs);
        node.raft.propose(new Uint8Array(1), cluster.nowMs);
      }),
    );
    cluster.hold(({ type }) => type === "heartbeat");
    cluster.deliver();
    expect(cluster.node("n1").reads).toMatchObject([{ context: 1 }]);
  });
});

describe("a leader without a majority", () => {
  test("answers no read, and none is answered later when it has stepped down", () => {
    const cluster = reading();
    cluster.partition("n1");
    cluster.read("n1");
    cluster.run(500);
    cluster.heal();
    cluster.run(500);
    expect(cluster.node("n1").reads).toEqual([]);
  });
});

describe("a follower", () => {
  test("asks the leader, and answers when it has applied what the leader had committed", () => {
    const cluster = reading();
    cluster.propose("n1", "b");
    const appends = cluster.hold(({ to }) => to === "n3");
    cluster.lose = ({ type, to }) => type === "appendEntries" && to === "n3";
    cluster.deliver();
    cluster.read("n3");
    cluster.deliver();
    expect(cluster.node("n3").reads).toEqual([]);
    cluster.lose = () => false;
    cluster.put(...appends);
    cluster.run(10);
    expect(cluster.node("n3").reads).toEqual([{ context: 1, index: 3 }]);
    expect(cluster.applied("n3")).toEqual(["a", "b"]);
  });

  test("asks again when its question or the answer was lost, and answers once", () => {
    for (const lost of ["readIndexRequest", "readIndexReply"] as const) {
      const cluster = reading();
      cluster.lose = ({ type }) => type === lost;
      cluster.read("n3");
      cluster.deliver();
      cluster.lose = () => false;
      cluster.run(30);
      expect(cluster.node("n3").reads).toHaveLength(1);
    }
  });

  test("gets no answer from a leader that was deposed without knowing", () => {
    const cluster = reading(5);
    cluster.partition("n1", "n2");
    cluster.elect("n3");
    cluster.propose("n3", "newer");
    cluster.deliver();
    cluster.read("n2");
    cluster.run(100);
    expect(cluster.node("n2").reads).toEqual([]);
  });

  test("without a leader says so at once", () => {
    const cluster = new Cluster();
    expect(cluster.node("n1").raft.readIndex(1, 0)).toBe(false);
  });
});
