/** A group that nobody asks: for any length of simulated time nothing happens at all. */

import { afterEach, expect, test } from "vitest";
import { NodeAlarm } from "../node-alarm.ts";
import { patchMethod } from "../patch.ts";
import { SimulatedNode } from "../simulated-node.ts";
import { calmSettings } from "../settings.ts";
import { Stage } from "../stage.ts";

const second = 1000;
const minute = 60 * second;
const day = 24 * 60 * minute;

const undo: (() => void)[] = [];

afterEach(() => {
  for (const each of undo.splice(0)) each();
});

/** Counts, from now on, the alarms that are set and that fire, and the calls from one object to another. */
function count(): { set: number; fired: number; calls: number } {
  const counts = { set: 0, fired: 0, calls: 0 };
  const counting = (prototype: object, name: string, what: keyof typeof counts): void => {
    undo.push(
      patchMethod(prototype, name, (_self, inputs, original) => {
        counts[what] += 1;
        return original(...inputs);
      }),
    );
  };
  counting(NodeAlarm.prototype, "setAlarm", "set");
  counting(NodeAlarm.prototype, "fire", "fired");
  counting(SimulatedNode.prototype, "call", "calls");
  return counts;
}

async function group(voters: number, learners: readonly string[], idleAfterMs?: number): Promise<Stage> {
  const { options } = calmSettings(voters);
  const rest = idleAfterMs === undefined ? {} : { idleAfterMs };
  const stage = await Stage.with(voters, "n1", { learners, options: { ...options, ...rest } });
  const write = stage.write("n1");
  await stage.until(() => write.outcome !== null, second);
  return stage;
}

test.each([
  ["three voters", 3, []],
  ["five voters and two learners", 5, ["n6", "n7"]],
  ["one voter", 1, []],
] as const)("%s at rest set no alarm and make no call in a minute, nor in a year", async (_, voters, learners) => {
  const stage = await group(voters, learners, 300);
  const rests = (): boolean => stage.ids.every((id) => stage.raft(id).quiescent);
  expect(await stage.until(rests, minute)).toBe(true);
  // What was set before may still fire, and finds nothing to do.
  await stage.runFor(5 * second);
  const counts = count();
  const { events } = stage.world;
  await stage.runFor(minute);
  expect(counts).toEqual({ set: 0, fired: 0, calls: 0 });
  expect(stage.world.events - events, "anything else").toBe(0);
  await stage.runFor(365 * day);
  expect(stage.world.events - events).toBe(0);
  const read = stage.read("n1");
  await stage.until(() => read.outcome !== null, second);
  expect(read.outcome).toMatchObject({ done: true });
});

test("a group that does not rest is what the counting sees: heartbeats, alarms and calls all the minute", async () => {
  const stage = await group(3, []);
  const counts = count();
  await stage.runFor(minute);
  // Every 50 ms the leader is heard by two.
  expect(counts.calls).toBeGreaterThan(2000);
  expect(counts.set).toBeGreaterThan(1000);
  expect(counts.fired).toBeGreaterThan(1000);
});
