/** Who belongs to the group, and in which role. */

import { assert } from "./assert.ts";
import type { NodeId } from "./entry.ts";

export interface Configuration {
  /** They vote, and a majority of them commits. */
  readonly voters: readonly NodeId[];
  /** They receive the log but neither vote nor count (thesis, section 4.2.1). */
  readonly learners: readonly NodeId[];
}

/** Every node that receives the log, each once. */
export function members(configuration: Configuration): readonly NodeId[] {
  return [...configuration.voters, ...configuration.learners];
}

/** Checks what every configuration must hold: at least one voter, and nobody listed twice. */
export function assertConfiguration(configuration: Configuration): void {
  assert(configuration.voters.length > 0, "a configuration needs a voter");
  const all = members(configuration);
  assert(new Set(all).size === all.length, "a configuration lists a node twice");
}
