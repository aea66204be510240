/** Who leads, and whom nobody may disturb. */

import { describe, expect, test } from "vitest";
import { Stage } from "../stage.ts";

const timeoutMs = 300;

test("hazard-29 a node that was alone for 100 timeouts comes back with its term, and to the same leader", async () => {
  const stage = await Stage.with(3, "n1");
  const { term } = stage.raft("n1");
  stage.connect(["n1", "n2"]);
  await stage.runFor(100 * timeoutMs);
  expect(stage.raft("n3").counters.preVotesStarted).toBeGreaterThan(50);
  expect(stage.raft("n3").term).toBe(term);
  stage.connect(stage.ids);
  await stage.runFor(3 * timeoutMs);
  expect(stage.ids.map((id) => [stage.raft(id).term, stage.raft(id).leader])).toEqual(
    stage.ids.map(() => [term, "n1"]),
  );
});

describe("hazard-22 lines that work in one direction only", () => {
  test.each([
    { who: "n3", can: "send", leaders: ["n1"], changes: 0 },
    { who: "n3", can: "receive", leaders: ["n1"], changes: 0 },
    { who: "n1", can: "send", leaders: ["n2", "n3"], changes: 1 },
    { who: "n1", can: "receive", leaders: ["n2", "n3"], changes: 1 },
  ])("$who can only $can", async ({ who, can, leaders, changes }) => {
    const stage = await Stage.with(3, "n1");
    const { term } = stage.raft("n1");
    for (const other of stage.ids.filter((id) => id !== who)) {
      const line = can === "send" ? stage.setup.network.line(other, who) : stage.setup.network.line(who, other);
      line.blocked = true;
    }
    await stage.runFor(20 * timeoutMs);
    const leads = stage.ids.filter((id) => stage.raft(id).role === "leader");
    expect(leads).toHaveLength(1);
    expect(leaders).toContain(leads[0]);
    expect(stage.setup.checks.elections.elected).toBe(stage.electedBefore + changes);
    const settled = stage.raft(leads[0]!).term;
    stage.connect(stage.ids);
    await stage.runFor(20 * timeoutMs);
    // Its return changes nothing, and there is one leader for all.
    expect(stage.ids.map((id) => stage.raft(id).leader)).toEqual(stage.ids.map(() => leads[0]));
    expect(stage.raft(leads[0]!).term).toBe(settled);
    expect(settled).toBeGreaterThanOrEqual(term);
  });
});

test("hazard-21 a node with a high term and a short log keeps nobody from being elected", async () => {
  const stage = new Stage(3);
  stage.prepare("n1", [1, 1, 1]);
  stage.prepare("n2", [1, 1, 1]);
  stage.prepare("n3", [1], 50);
  stage.start();
  const leader = await stage.leads();
  expect(["n1", "n2"]).toContain(leader);
  await stage.runFor(10 * timeoutMs);
  expect(stage.ids.map((id) => stage.raft(id).leader)).toEqual(stage.ids.map(() => leader));
  expect(stage.node("n3").image.lastIndex).toBe(stage.node("n1").image.lastIndex);
});

test("hazard-43 of four voters no two elect or commit", async () => {
  const stage = await Stage.with(4, "n1");
  const committed = stage.setup.checks.ledger.lastIndex;
  stage.connect(["n1", "n2"], ["n3", "n4"]);
  const write = stage.write("n1");
  await stage.runFor(50 * timeoutMs);
  expect(stage.leader()?.id).toBeUndefined();
  expect(stage.setup.checks.elections.elected).toBe(stage.electedBefore);
  expect(stage.setup.checks.ledger.lastIndex).toBe(committed);
  stage.connect(stage.ids);
  await stage.until(() => write.outcome !== null, 20 * timeoutMs);
  expect(write.outcome).toMatchObject({ done: true });
});
