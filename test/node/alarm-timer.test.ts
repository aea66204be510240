/** The alarm: armed when it must be, which is seldom, and never for a time that is not in the future. */

import * as fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { AlarmTimer } from "../../src/node/alarm-timer.ts";
import { MonotonicClock } from "../../src/node/clock.ts";

let systemMs: number;
let alarms: number[];
let unconfirmed: boolean[];
let timer: AlarmTimer;

beforeEach(() => {
  systemMs = 1_000_000;
  alarms = [];
  unconfirmed = [];
  const storage = {
    setAlarm: (scheduledTime: number, options: { allowUnconfirmed: boolean }): Promise<void> => {
      alarms.push(scheduledTime);
      unconfirmed.push(options.allowUnconfirmed);
      return Promise.resolve();
    },
  };
  timer = new AlarmTimer(storage, new MonotonicClock(() => systemMs));
});

describe("the alarm", () => {
  test("is set for the deadline, and no message waits for that write", () => {
    timer.arm(systemMs + 150);
    expect(alarms).toEqual([1_000_150]);
    expect(unconfirmed).toEqual([true]);
  });

  test("is not moved by a deadline that moves on, as it does with every heartbeat", () => {
    timer.arm(systemMs + 150);
    for (let beat = 0; beat < 100; beat += 1) {
      systemMs += 1;
      timer.arm(systemMs + 150);
    }
    expect(alarms).toHaveLength(1);
  });

  test("is set again for what is left once it fired at the old deadline", () => {
    timer.arm(systemMs + 150);
    systemMs += 100;
    timer.arm(systemMs + 150);
    systemMs += 50;
    timer.fired();
    timer.arm(1_000_250);
    expect(alarms).toEqual([1_000_150, 1_000_250]);
  });

  test("is moved forward for a deadline that comes earlier", () => {
    timer.arm(systemMs + 300);
    timer.arm(systemMs + 50);
    timer.arm(systemMs + 300);
    expect(alarms).toEqual([1_000_300, 1_000_050]);
  });

  test("is not set when there is nothing to wait for", () => {
    timer.arm(Number.POSITIVE_INFINITY);
    expect(alarms).toEqual([]);
    timer.fired();
    timer.arm(Number.POSITIVE_INFINITY);
    expect(alarms).toEqual([]);
  });

  test("hazard-52 is set in the future for a deadline that is now, past, or between two milliseconds", () => {
    for (const deadlineMs of [systemMs, systemMs - 5000, systemMs + 0.25, 0]) {
      timer.arm(deadlineMs);
      timer.fired();
    }
    expect(alarms).toEqual([1_000_001, 1_000_001, 1_000_001, 1_000_001]);
  });

  test("hazard-52 fires early and is set again, twice in a row", () => {
    timer.arm(systemMs + 100);
    timer.fired();
    timer.arm(systemMs + 100);
    timer.fired();
    timer.arm(systemMs + 100);
    expect(alarms).toEqual([1_000_100, 1_000_100, 1_000_100]);
  });

  test("hazard-52 that never fired is set again by whatever happens later", () => {
    timer.arm(systemMs + 150);
    systemMs += 60_000;
    timer.arm(systemMs + 150);
    expect(alarms).toEqual([1_000_150, 1_060_150]);
  });

  test("that is only late is left alone", () => {
    timer.arm(systemMs + 150);
    systemMs += 400;
    timer.arm(systemMs + 150);
    expect(alarms).toHaveLength(1);
  });

  test("is set by the system's clock after that was set back", () => {
    timer.arm(systemMs + 20);
    timer.fired();
    systemMs -= 500_000;
    timer.arm(1_000_000 + 150);
    expect(alarms[1]).toBe(500_150);
  });

  test("always comes in the future and by the deadline, and counts how often it was set", () => {
    const event = fc.record({
      passedMs: fc.double({ min: 0, max: 400, noNaN: true }),
      deadlineMs: fc.double({ min: -100, max: 500, noNaN: true }),
      fires: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(event), (events) => {
        alarms = [];
        const armedBefore = timer.armed;
        timer.fired();
        let pendingMs = Number.POSITIVE_INFINITY;
        for (const { passedMs, deadlineMs, fires } of events) {
          systemMs += passedMs;
          if (fires) {
            timer.fired();
            pendingMs = Number.POSITIVE_INFINITY;
          }
          const armed = alarms.length;
          timer.arm(systemMs + deadlineMs);
          for (const alarmMs of alarms.slice(armed)) {
            expect(alarmMs).toBeGreaterThan(systemMs);
            pendingMs = alarmMs;
          }
          // At most the rest of one millisecond and the next one beyond what was asked for.
          expect(pendingMs).toBeLessThan(Math.max(systemMs + deadlineMs, systemMs + 1) + 1);
        }
        expect(timer.armed - armedBefore).toBe(alarms.length);
      }),
    );
  });
});
