/** Every bug that is made on purpose is found: the proof that the simulator's rules bite. */

import { expect, test } from "vitest";
import { allMutants } from "./all-mutants.ts";
import { findMutant } from "./find-mutant.ts";
import { knownSeeds } from "./known-seeds.ts";

test("there are many, each with a name of its own", () => {
  expect(new Set(allMutants.map(({ name }) => name)).size).toBe(allMutants.length);
  expect(allMutants.length).toBeGreaterThanOrEqual(75);
  expect(Object.keys(knownSeeds).filter((name) => !allMutants.some((mutant) => mutant.name === name))).toEqual([]);
});

const named = allMutants.map((mutant) => ({
  mutant,
  title: mutant.hazard === null ? mutant.name : `hazard-${mutant.hazard} ${mutant.name}`,
}));

test.each(named)("$title: found in time", { timeout: 180_000 }, async ({ mutant }) => {
  const { error, withoutBug } = await findMutant(mutant, knownSeeds[mutant.name] ?? 1, mutant.withinSeeds);
  expect(error).not.toBeNull();
  expect(withoutBug).toBeNull();
});
