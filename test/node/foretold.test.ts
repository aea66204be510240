/** A lone command is answered before it is applied; whatever looks at the state finds it applied. */

import { setTimeout as sleep } from "node:timers/promises";
import { beforeEach, describe, expect, test } from "vitest";
import { threeVoters, TestNode } from "./host.ts";
import { Disk } from "./word-list.ts";

let disk: Disk;
let node: TestNode;

beforeEach(() => {
  disk = new Disk(threeVoters);
  node = leader();
});

function leader(nowMs = 1000): TestNode {
  const made = new TestNode(disk, {}, nowMs);
  made.foresees = "results";
  made.lead();
  return made;
}

/** What the node has done and told since it was last asked. */
async function journal(): Promise<string[]> {
  await sleep(0);
  return node.takeJournal();
}

/** Proposes a word, and has it committed by another node. */
async function commit(word: string): Promise<string[]> {
  void node.propose(word);
  await journal();
  node.ack("n2");
  return await journal();
}

const writes = (lines: readonly string[]): string[] => lines.filter((line) => !line.startsWith("send "));

describe("a lone command", () => {
  test("is answered by a turn that writes nothing, and applied by the flush that follows", async () => {
    expect(writes(await commit("a"))).toEqual(['a: done "a" at 2']);
    expect(disk.words()).toEqual([]);
    expect(node.flushesAsked).toBeGreaterThan(0);
    node.driver.flush(node.nowMs);
    expect(writes(await journal())).toEqual(["begin", "apply a", "save applied 2", "commit"]);
    expect(disk.words()).toEqual(["a"]);
    node.driver.flush(node.nowMs);
    expect(writes(await journal())).toEqual([]);
  });

  test("is applied with the next writes, of which peers learn before", async () => {
    await commit("a");
    void node.propose("b");
    expect((await journal()).filter((line) => !line.startsWith("send n3"))).toEqual([
      "send n2 append 3 commit 2",
      "begin",
      "apply a",
      "save applied 2",
      "commit",
      "begin",
      "save entries 3..3",
      "commit",
    ]);
    node.ack("n2");
    expect(writes(await journal())).toEqual(['b: done "a b" at 3']);
  });

  test("is seen by a linearizable read, whose round does not wait for the disk", async () => {
    await commit("a");
    void node.read("r");
    const lines = await journal();
    expect(lines.findIndex((line) => line.startsWith("send n2 heartbeat"))).toBeLessThan(lines.indexOf("begin"));
    expect(writes(lines)).toEqual(["begin", "apply a", "save applied 2", "commit"]);
    const { term } = node.driver.raft;
    node.receive({ type: "heartbeatReply", quiesced: false, from: "n2", to: "n1", term, round: 1 });
    expect(writes(await journal())).toEqual(['r: done "r: a" at 2']);
  });

  test("is seen by a stale read, and applied before it is answered", async () => {
    await commit("a");
    void node.read("r", "stale");
    expect(writes(await journal())).toEqual(["begin", "apply a", "save applied 2", "commit", 'r: done "r: a" at 2']);
  });

  test("is not taken for later ones by whoever waits for those", async () => {
    void node.read("r", "stale", 1000, { minIndex: 4 });
    for (const word of ["a", "b", "c"]) void node.propose(word);
    node.driver.flush(node.nowMs);
    node.ack("n2", 2);
    expect(disk.words()).toEqual([]);
    await journal();
    node.ack("n2", 4);
    expect((await journal()).filter((line) => line.startsWith("r:"))).toEqual(['r: done "r: a b c" at 4']);
  });

  test("lets cluster time pass no faster than the leader's clock, whoever waits for it", async () => {
    const { raft } = node.driver;
    const [beganMs, clusterMs] = [node.nowMs, raft.clusterTime.read(node.nowMs)];
    for (let count = 0; count < 20; count += 1) {
      void node.read("r", "stale", 10_000, { minIndex: raft.log.appliedIndex + 1 });
      await commit(`w${count}`);
      node.nowMs += 5;
      node.driver.flush(node.nowMs);
    }
    expect(node.nowMs - beganMs).toBe(100);
    expect(raft.clusterTime.read(node.nowMs) - clusterMs).toBe(100);
  });

  test("is applied before another leader is followed", async () => {
    await commit("a");
    const term = node.driver.raft.term + 1;
    const heartbeat = { type: "heartbeat", timeMs: 500, electionMinMs: 150, leaseMs: 0, quiesce: false } as const;
    node.receive({ ...heartbeat, from: "n3", to: "n1", term, commitIndex: 0, round: 1 });
    const lines = writes(await journal());
    expect(lines.slice(0, 4)).toEqual(["begin", "apply a", "save applied 2", "commit"]);
    expect(lines).toContain(`save term ${term} vote null`);
  });

  test("is applied before the node ends", async () => {
    await commit("a");
    node.driver.stop(node.nowMs);
    expect(disk.words()).toEqual(["a"]);
    expect(disk.storage().open()?.log.appliedIndex).toBe(2);
  });

  test("hazard-30 is applied once after a crash", async () => {
    await commit("a");
    node = leader(2000);
    expect(disk.words()).toEqual(["a"]);
    await commit("b");
    node.driver.flush(node.nowMs);
    expect(disk.words()).toEqual(["a", "b"]);
  });

  test("whose result is not what was foreseen ends the node", async () => {
    node.foresees = "wrongly";
    await commit("a");
    expect(() => node.driver.flush(node.nowMs)).toThrow("foreseen");
    expect(await journal()).toContain("abort a command's result is not what was foreseen");
  });
});

describe("applied before it is answered is", () => {
  test("a command that is committed with others", async () => {
    void node.propose("a");
    void node.propose("b");
    node.driver.flush(node.nowMs);
    await journal();
    node.ack("n2");
    expect(writes(await journal())).toEqual([
      "begin",
      "apply a b",
      "save applied 3",
      "commit",
      'a: done "a" at 2',
      'b: done "a b" at 3',
    ]);
  });

  test("one whose turn writes anyway", async () => {
    void node.propose("a");
    void node.propose("b");
    await journal();
    node.ack("n2", 2);
    const lines = writes(await journal());
    expect(lines.indexOf("apply a")).toBeGreaterThan(-1);
    expect(lines.indexOf("apply a")).toBeLessThan(lines.indexOf('a: done "a" at 2'));
  });

  test("one that follows a foretold one", async () => {
    void node.propose("a");
    void node.propose("b");
    node.driver.flush(node.nowMs);
    await journal();
    node.ack("n2", 2);
    expect(writes(await journal())).toEqual(['a: done "a" at 2']);
    node.ack("n2", 3);
    expect(writes(await journal())).toEqual([
      "begin",
      "apply a",
      "save applied 2",
      "commit",
      "begin",
      "apply b",
      "save applied 3",
      "commit",
      'b: done "a b" at 3',
    ]);
  });

  test("one for which nobody waits", async () => {
    void node.propose("a", 10);
    node.nowMs += 11;
    node.driver.wake(node.nowMs);
    await journal();
    node.ack("n2");
    expect(writes(await journal())).toEqual(["begin", "apply a", "save applied 2", "commit"]);
  });
});
