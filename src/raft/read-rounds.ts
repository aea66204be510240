/** Reads that wait for the proof that the leader still led after they had arrived (ReadIndex, thesis section 6.4). */

/** Who asked: a context of this node's own, or one of a follower's. */
export interface Asked {
  /** Null for this node itself. */
  readonly follower: string | null;
  readonly context: number;
}

/** Reads that may be answered from the state at `index` or later. */
export interface Answerable {
  readonly index: number;
  readonly reads: readonly Asked[];
}

interface Round {
  readonly number: number;
  readonly index: number;
  readonly reads: readonly Asked[];
}

/** Rounds that nobody has answered are forgotten beyond this number; their reads go into the next round. */
const maxRounds = 64;

/**
 * Rounds of contact are numbered by the leader, so that no late or repeated answer can be taken for that of a later
 * round. A round carries all reads that arrived before it began; the others wait for the next.
 */
export class ReadRounds {
  /** The newest round that was begun; a leader's first is 1. */
  round = 0;
  private waiting: Asked[] = [];
  private readonly started: Round[] = [];

  add(read: Asked): void {
    this.waiting.push(read);
  }

  /** True while any read waits. */
  get pending(): boolean {
    return this.waiting.length > 0 || this.started.some((round) => round.reads.length > 0);
  }

  /** True when reads wait and no round with reads is under way: one at a time gathers them in batches. */
  get wantsRound(): boolean {
    return this.waiting.length > 0 && !this.started.some((round) => round.reads.length > 0);
  }

  /**
   * Begins a round. `readIndex` is the commit index that reads must see, null as long as the leader has committed
   * nothing in its term and can't know (Raft paper, section 8): then the reads go on waiting.
   */
  startRound(readIndex: number | null): void {
    this.round += 1;
    // What arrives from now on waits in a list of its own, even if nothing waited before: this round is not for it.
    const reads = readIndex === null ? [] : this.takeWaiting();
    this.started.push({ number: this.round, index: readIndex ?? 0, reads });
    if (this.started.length > maxRounds) this.waiting.unshift(...(this.started.shift()?.reads ?? []));
  }

  /** Takes out all rounds up to the given one, which a majority has answered. */
  confirm(round: number): readonly Answerable[] {
    const open = this.started.findIndex((started) => started.number > round);
    const confirmed = this.started.splice(0, open < 0 ? this.started.length : open);
    return confirmed.filter(({ reads }) => reads.length > 0);
  }

  /** Takes out the reads that wait for a round, to be answered without one. */
  takeWaiting(): readonly Asked[] {
    const waiting = this.waiting;
    this.waiting = [];
    return waiting;
  }
}
