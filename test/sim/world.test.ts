/** Time, chance and order: what has to be exact before anything simulated can be believed. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventQueue } from "./event-queue.ts";
import { NodeClock } from "./node-clock.ts";
import { Random } from "./random.ts";
import { World } from "./world.ts";

describe("chance", () => {
  const draws = (seed: number, stream?: string): number[] => {
    const random = new Random(seed, stream);
    return Array.from({ length: 1000 }, () => random.next());
  };

  test("is the same for a seed, and another for every other seed and stream", () => {
    expect(draws(5)).toEqual(draws(5));
    expect(draws(5, "clients")).toEqual(draws(5, "clients"));
    const all = [draws(5), draws(6), draws(5 + 2 ** 32), draws(5, "clients"), draws(5, "faults")];
    expect(new Set(all.map((numbers) => numbers.join())).size).toBe(all.length);
  });

  test("is even, from neighbouring seeds too", () => {
    for (const numbers of [draws(1), Array.from({ length: 1000 }, (_, seed) => draws(seed)[0]!)]) {
      const tenths = Array.from(
        { length: 10 },
        (_, tenth) => numbers.filter((n) => Math.floor(n * 10) === tenth).length,
      );
      expect(Math.min(...tenths)).toBeGreaterThan(60);
      expect(Math.max(...tenths)).toBeLessThan(140);
    }
  });

  test("shuffles without losing anything", () => {
    const items = Array.from({ length: 20 }, (_, item) => item);
    const shuffled = new Random(1).shuffle(items);
    expect(shuffled).not.toEqual(items);
    expect(shuffled.toSorted((one, other) => one - other)).toEqual(items);
  });
});

test("events come by time, and at equal times in the order in which they were added", () => {
  fc.assert(
    fc.property(fc.array(fc.option(fc.nat(9), { nil: null })), (steps) => {
      const queue = new EventQueue();
      const waiting: { readonly atMs: number; readonly name: number }[] = [];
      const taken: number[] = [];
      const takeBoth = (): void => {
        queue.take()?.run();
        const [next] = waiting.toSorted((one, other) => one.atMs - other.atMs || one.name - other.name);
        if (next === undefined) return;
        waiting.splice(waiting.indexOf(next), 1);
        expect(taken.at(-1)).toBe(next.name);
      };
      for (const [name, atMs] of [...steps, ...steps.map(() => null)].entries()) {
        // A number adds an event, null takes one out.
        if (atMs === null) {
          takeBoth();
          continue;
        }
        queue.add(atMs, () => taken.push(name));
        waiting.push({ atMs, name });
        expect(queue.nextMs).toBe(Math.min(...waiting.map((event) => event.atMs)));
      }
      expect(taken).toHaveLength(steps.filter((step) => step !== null).length);
      expect(queue.size).toBe(0);
    }),
  );
});

describe("a world", () => {
  test("lets all that an event has promised happen before the next one", async () => {
    const world = new World(null);
    const told: string[] = [];
    const later = async (depth: number): Promise<void> => {
      for (let level = 0; level < depth; level += 1) await Promise.resolve();
      world.expectPromises();
    };
    world.at(1, () => {
      world.expectPromises();
      void later(3)
        .then(() => later(3))
        .then(() => told.push("promised"));
    });
    world.at(1, () => void told.push("next"));
    await world.run(10);
    expect(told).toEqual(["promised", "next"]);
    expect(world.nowMs).toBe(10);
  });

  test("ends with what an event throws, and with a failure that was reported", async () => {
    const thrown = new World(null);
    thrown.at(1, () => {
      throw new Error("thrown");
    });
    await expect(thrown.run(2)).rejects.toThrow("thrown");
    const reported = new World(null);
    reported.at(1, () => reported.fail(new Error("reported")));
    reported.at(1, () => reported.fail(new Error("too late")));
    await expect(reported.run(2)).rejects.toThrow("reported");
  });

  test("stops when a condition holds", async () => {
    const world = new World(null);
    const seen: number[] = [];
    for (const atMs of [1, 2, 3, 4, 5]) world.at(atMs, () => seen.push(atMs));
    expect(await world.run(10, () => seen.length === 3)).toBe(true);
    expect(world.nowMs).toBe(3);
    expect(await world.run(10, () => seen.length === 9)).toBe(false);
    expect(world.nowMs).toBe(10);
  });
});

test("a clock runs at its own rate, is set, and knows when it will show a time", () => {
  const world = new World(null);
  const clock = new NodeClock(world, 500, 1.1);
  const startMs = clock.readMs();
  world.nowMs = 1000;
  expect(clock.readMs() - startMs).toBe(1100);
  expect(clock.toTrueMs(startMs + 2200)).toBeCloseTo(2000);
  clock.jump(-300);
  expect(clock.readMs() - startMs).toBe(800);
  expect(clock.toTrueMs(startMs + 800 + 110)).toBeCloseTo(1100);
});
