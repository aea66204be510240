/** What is fuzzed: a door, through which inputs come, and what has to hold of each. */

import type * as fc from "fast-check";

/**
 * `undone`: the input contradicts what the protocol promises, and the node restarts as it was before. `unsent`: no client
 * could send that.
 */
export type Outcome = "refused" | "accepted" | "undone" | "unsent";

export interface Door {
  readonly name: string;
  /** Its share of all inputs, in proportion to those of the others. */
  readonly weight: number;
  /** So many inputs are taken by one target, one after the other. */
  readonly inputsPerTarget: number;
  open(): Promise<Target>;
}

/** Something that takes inputs, in a state of its own. */
export interface Target<Input = unknown> {
  readonly inputs: fc.Arbitrary<Input>;
  /** Throws where anything that is promised does not hold. */
  take(input: Input): Promise<Outcome>;
  /** What has to hold of the target after many inputs. */
  check(): Promise<void>;
  close(): void;
}
