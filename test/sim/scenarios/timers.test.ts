/** Timers of groups at rest, under the real driver, alarm and clock: in time, once, whatever has become of the nodes. */

import { expect, test } from "vitest";
import type { NodeId } from "../../../src/raft/entry.ts";
import { calmSettings } from "../settings.ts";
import { Stage } from "../stage.ts";
import { isRing } from "../store/timed-machine.ts";

const { options } = calmSettings(3);
const { electionMaxMs } = options;

interface Resting {
  readonly stage: Stage;
  /** How much true time is left until the timer is due. */
  readonly leftMs: number;
}

/** A group that `n1` has let rest, with a timer, and no alarm for anything else. */
async function resting(): Promise<Resting> {
  const stage = await Stage.with(3, "n1", { timers: true, options: { ...options, idleAfterMs: electionMaxMs } });
  while (leftOf(stage) < 5 * electionMaxMs) {
    stage.write("n1");
    await stage.runFor(20);
  }
  await stage.runFor(3 * electionMaxMs);
  expect(stage.ids.map((id) => stage.raft(id).quiescent)).toEqual([true, true, true]);
  return { stage, leftMs: leftOf(stage) };
}

/** How long the leader has yet to wait for its timer; less than any time when it has none. */
function leftOf(stage: Stage): number {
  const { instance } = stage.node("n1");
  const timerMs = instance?.timerMs ?? Number.NEGATIVE_INFINITY;
  return timerMs - stage.raft("n1").clusterTime.read(instance?.nowMs ?? 0);
}

/** Where the rings are that a node has stored. */
function ringsOf(stage: Stage, id: NodeId): readonly number[] {
  return stage.node(id).image.log.flatMap(({ index, data }) => (isRing(data) ? [index] : []));
}

/** How many times it has rung on each node since the rest began. */
function newRings(stage: Stage, before: readonly number[]): readonly number[] {
  return stage.ids.map((id) => ringsOf(stage, id).filter((index) => !before.includes(index)).length);
}

test("a group that is left alone rings in time, in the term in which it went to rest", async () => {
  const { stage, leftMs } = await resting();
  const before = ringsOf(stage, "n1");
  const { term } = stage.raft("n1");
  await stage.runFor(leftMs - 5);
  expect(stage.ids.map((id) => stage.raft(id).quiescent)).toEqual([true, true, true]);
  await stage.runFor(50);
  expect(newRings(stage, before)).toEqual([1, 1, 1]);
  expect(stage.raft("n1")).toMatchObject({ role: "leader", term });
  stage.close();
});

test("hazard-52 a group whose objects have all left memory rings in time: their alarms outlive them", async () => {
  const { stage, leftMs } = await resting();
  const before = ringsOf(stage, "n1");
  for (const id of stage.ids) stage.node(id).crash("evicted", 0, Number.POSITIVE_INFINITY);
  await stage.runFor(leftMs - 5);
  expect(stage.ids.map((id) => stage.node(id).instance)).toEqual([null, null, null]);
  await stage.runFor(100);
  expect(newRings(stage, before)).toEqual([1, 1, 1]);
  expect(stage.leader()?.id).toBe("n1");
  stage.close();
});

test("a group that has lost its leader for good rings some election timeouts later, and once", async () => {
  const { stage, leftMs } = await resting();
  const before = ringsOf(stage, "n1");
  for (const id of stage.ids) stage.node(id).crash("evicted", id === "n1" ? Number.POSITIVE_INFINITY : 0);
  await stage.runFor(leftMs + 4 * electionMaxMs);
  expect(newRings(stage, before)).toEqual([0, 0, 0]);
  await stage.runFor(4 * electionMaxMs);
  expect(newRings(stage, before)).toEqual([0, 1, 1]);
  await stage.runFor(100 * electionMaxMs);
  expect(newRings(stage, before)).toEqual([0, 1, 1]);
  stage.close();
});
