/** Every bug that is made on purpose is found: the proof that the simulator's rules bite. */

import { afterEach, expect, test } from "vitest";
import { runSeeds, seedsFrom } from "./campaign.ts";
import { leaseMutants } from "./lease-mutants.ts";
import { memberMutants } from "./member-mutants.ts";
import { mutants } from "./mutants.ts";
import { snapshotMutants } from "./snapshot-mutants.ts";

let undo: (() => void) | undefined;

afterEach(() => undo?.());

test.each([...mutants, ...leaseMutants, ...snapshotMutants, ...memberMutants])(
  "hazard-$hazard $name: found within $withinSeeds seeds",
  { timeout: 60_000 },
  async ({ withinSeeds, install, ...options }) => {
    undo = install?.();
    const tally = await runSeeds(seedsFrom(1, withinSeeds), options);
    expect(tally.failures).toHaveLength(1);
  },
);
