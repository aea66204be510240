/** How long the simulator takes to find a bug that was made on purpose. */

import { runSeeds, seedsFrom } from "./campaign.ts";
import type { Mutant } from "./mutants.ts";
import type { RunOptions } from "./run-seed.ts";

export interface Finding {
  /** How many seeds were run. */
  readonly seeds: number;
  /** What was found; null when nothing has noticed the bug. */
  readonly error: Error | null;
  /** What the last seed comes to in the same world without the bug: what is found there is not the bug's doing. */
  readonly withoutBug: Error | null;
}

/** The worlds in which a bug can be found; whatever installs it is to be done beside. */
export function mutantOptions({ tampering, adjust }: Mutant): RunOptions {
  return { ...(tampering === undefined ? {} : { tampering }), ...(adjust === undefined ? {} : { adjust }) };
}

/** @param goOn says whether there is time for another seed */
export async function findMutant(
  mutant: Mutant,
  first: number,
  most: number,
  goOn: () => boolean = () => true,
): Promise<Finding> {
  const { install, tampering, adjust } = mutant;
  const undo = install?.();
  const options = mutantOptions(mutant);
  const tally = await runSeeds(seedsFrom(first, most), options, goOn).finally(() => undo?.());
  const failure = tally.failures[0];
  if (failure === undefined) return { seeds: tally.seeds, error: null, withoutBug: null };
  // A bug of the world itself can't be left out of it.
  const isOfWorld = install === undefined && tampering === undefined;
  const again = isOfWorld ? null : await runSeeds([failure.seed], adjust === undefined ? {} : { adjust });
  return { seeds: tally.seeds, error: failure.error, withoutBug: again?.failures[0]?.error ?? null };
}
