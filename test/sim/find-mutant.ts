/** How long the simulator takes to find a bug that was made on purpose. */

import { runSeeds, seedsFrom } from "./campaign.ts";
import type { Mutant } from "./mutants.ts";

export interface Finding {
  /** How many seeds were run. */
  readonly seeds: number;
  /** What was found; null when nothing has noticed the bug. */
  readonly error: Error | null;
  /** What the last seed comes to in the same world without the bug: what is found there is not the bug's doing. */
  readonly withoutBug: Error | null;
}

/** @param goOn says whether there is time for another seed */
export async function findMutant(
  { install, tampering, ...world }: Mutant,
  first: number,
  most: number,
  goOn: () => boolean = () => true,
): Promise<Finding> {
  const undo = install?.();
  const options = tampering === undefined ? world : { ...world, tampering };
  const tally = await runSeeds(seedsFrom(first, most), options, goOn).finally(() => undo?.());
  const failure = tally.failures[0];
  if (failure === undefined) return { seeds: tally.seeds, error: null, withoutBug: null };
  // A bug of the world itself can't be left out of it.
  const isOfWorld = install === undefined && tampering === undefined;
  const again = isOfWorld ? null : await runSeeds([failure.seed], world);
  return { seeds: tally.seeds, error: failure.error, withoutBug: again?.failures[0]?.error ?? null };
}
