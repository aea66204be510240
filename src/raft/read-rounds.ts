/** Reads that wait for the proof that the leader still led after they had arrived (ReadIndex, thesis section 6.4). */

import type { ConfirmedRead } from "./raft.ts";

interface Round {
  readonly number: number;
  readonly index: number;
  readonly contexts: readonly number[];
}

/**
 * Rounds of contact are numbered by the leader, so that no late or repeated answer can be taken for that of a later
 * round. A round carries all reads that arrived before it began; the others wait for the next.
 */
export class ReadRounds {
  /** The newest round that was begun; a leader's first is 1. */
  round = 0;
  private waiting: number[] = [];
  private started: Round[] = [];

  add(context: number): void {
    this.waiting.push(context);
  }

  /** True when reads wait and no round with reads is under way: one at a time gathers them in batches. */
  get wantsRound(): boolean {
    return this.waiting.length > 0 && this.started.length === 0;
  }

  /**
   * Begins a round. `readIndex` is the commit index that reads must see, null as long as the leader has committed
   * nothing in its term and can't know (Raft paper, section 8): then the reads go on waiting.
   */
  startRound(readIndex: number | null): void {
    this.round += 1;
    if (readIndex === null || this.waiting.length === 0) return;
    this.started.push({ number: this.round, index: readIndex, contexts: this.waiting });
    this.waiting = [];
  }

  /** Takes out the reads of all rounds up to the given one, which a majority has answered. */
  confirm(round: number): ConfirmedRead[] {
    const open = this.started.findIndex((started) => started.number > round);
    const confirmed = this.started.splice(0, open < 0 ? this.started.length : open);
    return confirmed.flatMap(({ index, contexts }) => contexts.map((context) => ({ context, index })));
  }
}
