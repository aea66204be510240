/** A group whose nodes do not all reach each other: what clients are told, and that it finds together again. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeStatus } from "../../src/internal.ts";
import { faults } from "./faults.ts";
import { brisk, eventually, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

/** Cuts a node off from all its peers. */
function isolate(group: TestGroup, id: string): void {
  for (const peer of group.ids) if (peer !== id) faults.cut(group.object(id), group.object(peer));
}

/** Waits until all nodes have applied the same. */
async function converged(group: TestGroup): Promise<NodeStatus> {
  const leader = await group.leader();
  await eventually("the same everywhere", async () => {
    const { lastIndex } = (await group.status(leader.id)).log;
    return (await group.statuses()).every(({ log }) => log.appliedIndex === lastIndex) ? true : null;
  });
  return leader;
}

describe("a leader that is cut off", () => {
  test("hazard-32 ends a command in time, and says that it may still happen", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    isolate(group, leader.id);
    const startedAtMs = Date.now();
    const outcome = await group.put(leader.id, "key", "lost?", 400);
    expect(outcome).toMatchObject({ refused: { code: "timeout", ambiguous: true } });
    expect(Date.now() - startedAtMs).toBeGreaterThanOrEqual(390);
    expect(Date.now() - startedAtMs).toBeLessThan(1500);
  });

  test("hazard-48 answers no linearizable read from what it remembers", async () => {
    const group = new TestGroup(brisk);
    const leader = await group.leader();
    await group.put(leader.id, "key", "before");
    isolate(group, leader.id);
    const read = group.get(leader.id, "key", "linearizable", 400);
    const others = group.followers(leader);
    const next = await group.leader(others);
    await group.put(next.id, "key", "after");
    expect(await read).toMatchObject({ refused: { ambiguous: false } });
    expect(await group.get(leader.id, "key")).toMatchObject({ refused: { code: "not_leader" } });
    expect(await group.get(next.id, "key")).toMatchObject({ done: "after" });
    // Whoever asks for less gets it.
    expect(await group.get(leader.id, "key", "stale")).toMatchObject({ done: "before" });
  });

  test("steps down, lets others lead, and takes their log when it is back", async () => {
    const group = new TestGroup(brisk);
    const leader = await group.leader();
    await group.put(leader.id, "key", "one");
    isolate(group, leader.id);
    const lost = group.put(leader.id, "lost", "value", 300);
    const next = await group.leader(group.followers(leader));
    expect(next.term).toBeGreaterThan(leader.term);
    expect(await group.put(next.id, "key", "two")).toMatchObject({ done: { kind: "put" } });
    expect("refused" in (await lost)).toBe(true);
    faults.heal();
    await converged(group);
    const values = await Promise.all(group.ids.map((id) => group.get(id, "key", "stale")));
    expect(values.map((value) => ("done" in value ? value.done : null))).toEqual(["two", "two", "two"]);
    const remains = await Promise.all(group.ids.map((id) => group.get(id, "lost", "stale")));
    expect(remains.map((value) => ("done" in value ? value.done : "?"))).toEqual([null, null, null]);
  });

  test("hazard-32 may yet commit what it told as ambiguous", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    // Nobody hears the leader for less than an election timeout.
    isolate(group, leader.id);
    const outcome = await group.put(leader.id, "key", "late", 20);
    expect(outcome).toMatchObject({ refused: { code: "timeout", ambiguous: true } });
    faults.heal();
    const last = await converged(group);
    const found = await group.get(last.id, "key");
    const expected = last.term === leader.term ? ["late"] : ["late", null];
    expect(expected).toContain("done" in found ? found.done : "refused");
  });
});

describe("a follower that is cut off", () => {
  test("hazard-29 does not raise the term, and disturbs nobody when it is back", async () => {
    const group = new TestGroup();
    // The one that is alone is in a hurry, the others are not.
    group.time("n3", brisk);
    isolate(group, "n3");
    const leader = await group.leader(["n1", "n2"]);
    await eventually("five pre-votes in vain", async () => {
      const started = await group.metric("n3", "durable_raft_pre_votes_started_total");
      return started >= 5 ? started : null;
    });
    expect((await group.status("n3")).term).toBe(0);
    faults.heal();
    await converged(group);
    const terms = (await group.statuses()).map((status) => [status.leader, status.term]);
    expect(terms).toEqual(group.ids.map(() => [leader.id, leader.term]));
  });

  test("hazard-48 answers no linearizable read from what it has", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    await group.put(leader.id, "key", "before");
    const [cutOff = ""] = group.followers(leader);
    await eventually("the first value", async () => {
      const stale = await group.get(cutOff, "key", "stale");
      return "done" in stale && stale.done === "before" ? true : null;
    });
    isolate(group, cutOff);
    await group.put(leader.id, "key", "after");
    expect(await group.get(cutOff, "key", "linearizable", 300)).toMatchObject({ refused: { ambiguous: false } });
    expect(await group.get(cutOff, "key", "stale")).toMatchObject({ done: "before" });
  });

  test("hazard-49 is found again, whoever answered for it meanwhile", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const [gone = ""] = group.followers(leader);
    faults.missing.add(group.object(gone));
    await group.put(leader.id, "key", "meanwhile");
    await eventually("failed calls", async () => {
      const labels = [`peer="${gone}"`, 'result="unreachable"'];
      return (await group.metric(leader.id, "durable_raft_peer_calls_total", ...labels)) > 0 ? true : null;
    });
    faults.missing.clear();
    await converged(group);
    expect(await group.get(gone, "key", "stale")).toMatchObject({ done: "meanwhile" });
  });
});

test("a follower that takes calls and never answers is given up after a while, and holds up nobody", async () => {
  const group = new TestGroup(brisk);
  const leader = await group.leader();
  const [stuck = ""] = group.followers(leader);
  faults.silent.add(group.object(stuck));
  for (let write = 0; write < 5; write += 1) {
    expect(await group.put(leader.id, "key", `value ${write}`, 500)).toMatchObject({ done: { kind: "put" } });
  }
  await eventually("calls that took too long", async () => {
    const labels = [`peer="${stuck}"`, 'result="timeout"'];
    return (await group.metric(leader.id, "durable_raft_peer_calls_total", ...labels)) > 0 ? true : null;
  });
  faults.silent.clear();
  await converged(group);
  expect(await group.get(stuck, "key", "stale")).toMatchObject({ done: "value 4" });
});

test("hazard-50 calls that arrive twice change nothing: each write takes effect once", async () => {
  const group = new TestGroup();
  faults.repeatingGroups.add(group.name);
  const leader = await group.leader();
  const versions: number[] = [];
  for (let write = 0; write < 20; write += 1) {
    const outcome = await group.put(leader.id, "key", `value ${write}`);
    if ("done" in outcome && outcome.done.kind === "put") versions.push(outcome.done.version);
  }
  expect(versions).toEqual(Array.from({ length: 20 }, (_, position) => position + 1));
  const { term, log } = await converged(group);
  expect(term).toBe(leader.term);
  expect(log.lastIndex).toBe(leader.log.lastIndex + 20);
});
