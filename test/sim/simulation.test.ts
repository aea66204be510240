/** The whole node under everything that can go wrong, in more than a hundred worlds. */

import { describe, expect, test } from "vitest";
import type { NodeStorage } from "../../src/node/storage.ts";
import { runSeeds, seedsFrom, type Tally, tellFailure } from "./campaign.ts";
import { interceptStorage } from "./disk/recording-storage.ts";
import { runSeed } from "./run-seed.ts";
import { formatLine, Trace } from "./trace.ts";

/** Fixed seeds show that a change has broken something; fresh ones go where no run has been. */
const fixedSeeds = 80;
const freshSeeds = 40;

async function tellFailures({ failures }: Tally): Promise<string> {
  const stories: string[] = [];
  for (const failure of failures) stories.push(await tellFailure(failure));
  return stories.join("\n\n");
}

describe("every rule holds", () => {
  test(`in seeds 1 to ${fixedSeeds}`, { timeout: 180_000 }, async () => {
    const tally = await runSeeds(seedsFrom(1, fixedSeeds));
    expect(await tellFailures(tally)).toBe("");
    // Worlds in which nothing happens would show nothing.
    expect(tally.seeds).toBe(fixedSeeds);
    expect(tally.committed).toBeGreaterThan(20 * fixedSeeds);
    expect(tally.elected).toBeGreaterThan(3 * fixedSeeds);
    expect(tally.faults.size).toBeGreaterThan(20);
  });

  test(`in ${freshSeeds} fresh seeds`, { timeout: 180_000 }, async () => {
    const first = Math.floor(Math.random() * 2 ** 31);
    console.log(`simulating seeds ${first} to ${first + freshSeeds - 1}`);
    const tally = await runSeeds(seedsFrom(first, freshSeeds));
    expect(await tellFailures(tally)).toBe("");
  });
});

describe("a seed", () => {
  // Seed 10 runs on SQLite, the others in memory.
  test.each([1, 4, 10])("%i decides everything: a second run tells the same story", async (seed) => {
    const [first, second] = [new Trace(Number.MAX_SAFE_INTEGER), new Trace(Number.MAX_SAFE_INTEGER)];
    const results = [await runSeed(seed, { trace: first }), await runSeed(seed, { trace: second })];
    expect(first.lines.length).toBeGreaterThan(500);
    expect(second.lines.map(formatLine)).toEqual(first.lines.map(formatLine));
    expect(results[1]).toEqual(results[0]);
  });

  test("that fails is told in a world as simple as can be, with its replay lines and what happened before", async () => {
    const tampering = { storage: brokenStorage };
    const tally = await runSeeds(seedsFrom(4), { tampering });
    expect(tally.failures).toHaveLength(1);
    const story = await tellFailure(tally.failures[0]!, { tampering }, { mutant: "no disk" });
    expect(story).toMatch(/^seed 4 fails: Error: no disk\n/);
    expect(story).toContain('npm run simulate -- --seed 4 --mutant "no disk" --trace');
    expect(story).toMatch(/npm run simulate -- --seed 4 --without faults,\S+ --mutant "no disk" --trace/);
    expect(story).toMatch(/in a simpler world, after [\d.]+ simulated seconds:\nError: no disk\n/);
    expect(story).toMatch(/\n +[\d.]+ {2}n\d +starts with 0 entries, 0 applied\n/);
    expect(story).not.toContain("did not fail in the same way");
  });
});

const brokenStorage = (storage: NodeStorage): NodeStorage =>
  interceptStorage(storage, {
    transaction: () => {
      throw new Error("no disk");
    },
  });
