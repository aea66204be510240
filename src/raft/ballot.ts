/** The term, the vote and the promise to give none: what a node must never forget. */

import { assert } from "./assert.ts";
import type { HardState, NodeId } from "./entry.ts";

export class Ballot {
  private current: HardState;
  private saved: HardState;

  constructor(stored: HardState) {
    this.current = stored;
    this.saved = stored;
  }

  get term(): number {
    return this.current.term;
  }

  get vote(): NodeId | null {
    return this.current.vote;
  }

  /** Goes on to a term; in a new one nobody has the vote yet. */
  enterTerm(term: number): void {
    assert(term >= this.term, "the term fell");
    if (term > this.term) this.current = { ...this.current, term, vote: null };
  }

  /** Gives the vote of this term; once given it stays. */
  voteFor(candidate: NodeId): void {
    assert(this.vote === null || this.vote === candidate, `the vote of term ${this.term} is given already`);
    this.current = { ...this.current, vote: candidate };
  }

  get promiseMs(): number {
    return this.current.promiseMs ?? 0;
  }

  /** Promises to elect nobody for so long after each contact, or not at all any more. */
  promise(promiseMs: number): void {
    const { term, vote } = this.current;
    this.current = { term, vote, ...(promiseMs > 0 ? { promiseMs } : {}) };
  }

  /** Hands out what is to be made durable, null when nothing changed; from then on it counts as durable. */
  takeUnsaved(): HardState | null {
    const { current, saved } = this;
    const { term, vote, promiseMs } = current;
    if (term === saved.term && vote === saved.vote && promiseMs === saved.promiseMs) return null;
    this.saved = current;
    return current;
  }
}
