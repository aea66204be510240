/** Callers that wait for the node to come into some state. */

import { expect, test } from "vitest";
import { Watches } from "../../src/node/watches.ts";

test("a watch ends at the first turn after which it finds something", async () => {
  const watches = new Watches();
  const state: { found?: string } = {};
  const watch = watches.watch(() => state.found, 100);
  expect(watches.deadlineMs).toBe(100);
  watches.look(50);
  state.found = "it";
  watches.look(60);
  expect(await watch).toBe("it");
  expect(watches.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test("a watch that finds something at once waits for no turn", async () => {
  const watches = new Watches();
  expect(await watches.watch(() => true, 0)).toBe(true);
  expect(watches.deadlineMs).toBe(Number.POSITIVE_INFINITY);
});

test("a watch ends without anything when its time is over, and the others go on", async () => {
  const watches = new Watches();
  const short = watches.watch(() => undefined, 100);
  void watches.watch(() => undefined, 200);
  watches.look(99);
  expect(watches.deadlineMs).toBe(100);
  watches.look(100);
  expect(await short).toBeUndefined();
  expect(watches.deadlineMs).toBe(200);
});

test("what is found in the turn in which the time is over counts", async () => {
  const watches = new Watches();
  const state: { found?: true } = {};
  const watch = watches.watch(() => state.found, 100);
  state.found = true;
  watches.look(100);
  expect(await watch).toBe(true);
});
