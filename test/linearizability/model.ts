/** What a sequential store may answer: the contract between the checker and whatever is checked. */

import type { Completion, Operation } from "./history.ts";

export interface Model<State, Call, Answer> {
  readonly initial: State;

  /** The first state, where it matters which answers of a history are known. */
  begin?(answers: readonly Answer[]): State;

  /** All that a call may read or write. Operations that share none are independent of each other. */
  keysOf(call: Call): readonly string[];

  /**
   * The states that may follow when the call takes effect in `state` and is answered like this: none when that can't be.
   * The answer is null when nobody has heard it. A state that has not changed is returned itself, not a copy.
   */
  step(state: State, call: Call, answer: Answer | null): readonly State[];

  /** Whether a call that was answered like this changes nothing, whatever the state. */
  observes(call: Call, answer: Answer): boolean;

  /** Equal for states that nothing can tell apart, and only for them. */
  fingerprint(state: State): string;

  /**
   * What must have become of operations of unknown outcome, and by when, because of what others were told: nothing of
   * which a linearizable history could be the counterexample.
   */
  infer?(operations: readonly Operation<Call, Answer>[]): ReadonlyMap<Operation<Call, Answer>, Completion<Answer>>;

  /** Whether whatever has this place may still follow in a state. */
  mayFollow?(state: State, place: number): boolean;

  /** Of two states that differ in nothing else, the one where this is lower can do whatever the other can. */
  burden?(state: State): number;

  /** Operations of which this is known take effect in its order, those that are equal in any; null for one of unknown place. */
  place?(call: Call, answer: Answer): number | null;

  /** Of operations that may come in any order, the one with the lowest rank is tried first. */
  rank(call: Call, answer: Answer): number;

  describe(call: Call, answer: Answer | null): string;

  describeState(state: State): string;
}
