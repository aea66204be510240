/** Nodes that stop anywhere and start again with what was durable. */

import { describe, expect, test } from "vitest";
import { calmSettings } from "../settings.ts";
import { Stage } from "../stage.ts";

const timeoutMs = 300;

test("hazard-34 a group whose nodes all restarted at once has a leader within one election timeout", async () => {
  const tookMs: number[] = [];
  for (let seed = 1; seed <= 40; seed += 1) {
    const stage = await Stage.with(seed % 2 === 0 ? 3 : 5, "n1", { seed });
    await stage.runFor(seed * 7);
    for (const node of stage.nodes.values()) node.crash("for a deploy", 0, 0);
    const startedAtMs = stage.world.nowMs;
    await stage.leads();
    tookMs.push(stage.world.nowMs - startedAtMs);
  }
  expect(Math.max(...tookMs)).toBeLessThan(timeoutMs);
});

test("hazard-34 so has a group of one", async () => {
  const stage = await Stage.with(1, "n1");
  const write = stage.write("n1");
  await stage.until(() => write.outcome !== null, 100);
  stage.node("n1").crash("alone", 0, 0);
  const startedAtMs = stage.world.nowMs;
  await stage.leads();
  expect(stage.world.nowMs - startedAtMs).toBeLessThan(timeoutMs);
  const read = stage.read("n1");
  await stage.until(() => read.outcome !== null, 100);
  expect(stage.setup.language.decodeRead((read.outcome as { result: Uint8Array }).result)?.value).toBe("s.1.1");
});

test("hazard-52 a group that has lost all its alarms is brought back by the next request", async () => {
  const { alarms } = calmSettings(3);
  const stage = await Stage.with(3, "n1", { alarms: { ...alarms, lossRate: 1 } });
  // While it is down, whatever was on its way is lost too.
  for (const node of stage.nodes.values()) node.crash("and forgets its alarm", 50, 0);
  await stage.runFor(100 * timeoutMs);
  expect(stage.leader()?.id).toBeUndefined();
  expect([...stage.nodes.values()].some(({ instance }) => instance !== null)).toBe(false);
  stage.write("n2");
  await stage.leads();
});

describe("hazard-30 the leader crashes after any step of its turns", () => {
  const steps = Array.from({ length: 60 }, (_, step) => step);

  test.each(["memory", "sqlite"] as const)("on a disk in %s", async (storage) => {
    const where = new Set<string>();
    for (const step of steps) {
      const stage = await Stage.with(3, "n1", { storage });
      stage.node("n1").crashAfterSteps(step, 20);
      const writes = [stage.write("n1"), stage.write("n1"), stage.write("n1")];
      await stage.until(() => stage.node("n1").instance === null, 400);
      if (stage.node("n1").instance === null) where.add(stage.node("n1").lastCrash);
      const leader = await stage.leads();
      const after = stage.write(leader);
      await stage.until(() => after.outcome !== null, 1000);
      await stage.runFor(500);
      expect(new Set(stage.ids.map((id) => stage.node(id).image.digest)).size).toBe(1);
      // Whatever was acknowledged is there; the checks have seen that it is there once.
      expect(writes.every(({ outcome }) => outcome === null || outcome.done)).toBe(true);
      stage.close();
    }
    expect(where).toEqual(new Set(crashPoints));
  });
});

const crashPoints = [
  "before sending",
  "before a transaction",
  "after entries",
  "after a command",
  "after the applied index",
  "before the end of a transaction",
  "after a transaction",
];
