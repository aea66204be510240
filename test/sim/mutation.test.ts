/** Every bug that is made on purpose is found: the proof that the simulator's rules bite. */

import { afterEach, expect, test } from "vitest";
import { runSeeds, seedsFrom } from "./campaign.ts";
import { leaseMutants } from "./lease-mutants.ts";
import { memberMutants } from "./member-mutants.ts";
import { mutants } from "./mutants.ts";
import { snapshotMutants } from "./snapshot-mutants.ts";
import { timeMutants } from "./time-mutants.ts";

let undo: (() => void) | undefined;

afterEach(() => undo?.());

const all = [...mutants, ...leaseMutants, ...snapshotMutants, ...memberMutants, ...timeMutants].map((mutant) => ({
  ...mutant,
  title: mutant.hazard === null ? mutant.name : `hazard-${mutant.hazard} ${mutant.name}`,
}));

test.each(all)(
  "$title: found within $withinSeeds seeds",
  { timeout: 60_000 },
  async ({ withinSeeds, install, ...options }) => {
    undo = install?.();
    const tally = await runSeeds(seedsFrom(1, withinSeeds), options);
    expect(tally.failures).toHaveLength(1);
  },
);
