/** What a sequential store may answer: the contract between the checker and whatever is checked. */

export interface Model<State, Call, Answer> {
  readonly initial: State;

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

  /** Of operations that may come in any order, the one with the lowest rank is tried first. */
  rank(call: Call, answer: Answer): number;

  describe(call: Call, answer: Answer | null): string;

  describeState(state: State): string;
}
