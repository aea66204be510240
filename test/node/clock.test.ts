/** A node's clock under a system clock that is set back and forth. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { MonotonicClock } from "../../src/node/clock.ts";

/** A clock that follows what the system is said to show. */
function clockOf(system: { timeMs: number }): MonotonicClock {
  return new MonotonicClock(() => system.timeMs);
}

test("it shows the system's time as long as that only rises", () => {
  const system = { timeMs: 1000 };
  const clock = clockOf(system);
  expect(clock.nowMs()).toBe(1000);
  system.timeMs = 1250;
  expect(clock.nowMs()).toBe(1250);
  expect(clock.toSystemMs(1300)).toBe(1300);
});

test("set back by an hour it neither goes back nor stops", () => {
  const system = { timeMs: 10_000_000 };
  const clock = clockOf(system);
  system.timeMs -= 3_600_000;
  expect(clock.nowMs()).toBe(10_000_000);
  system.timeMs += 70;
  expect(clock.nowMs()).toBe(10_000_070);
});

test("what it calls a moment is translated to what the system will call it", () => {
  const system = { timeMs: 10_000 };
  const clock = clockOf(system);
  system.timeMs = 9000;
  const inHalfASecond = clock.nowMs() + 500;
  expect(clock.toSystemMs(inHalfASecond)).toBe(9500);
});

test("it never goes back, and passes as much time as the system between two readings that rise", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -5000, max: 5000 })), (steps) => {
      const system = { timeMs: 1_000_000 };
      const clock = clockOf(system);
      let lastMs = clock.nowMs();
      for (const stepMs of steps) {
        system.timeMs += stepMs;
        const nowMs = clock.nowMs();
        expect(nowMs - lastMs).toBe(Math.max(0, stepMs));
        expect(clock.toSystemMs(nowMs)).toBe(system.timeMs);
        lastMs = nowMs;
      }
    }),
  );
});
