/** Saved entries in memory. */

import type { Entry } from "../../src/raft/entry.ts";
import type { LogReader, StoredLog } from "../../src/raft/log.ts";

export class EntryStore implements LogReader {
  private before: { readonly index: number; readonly term: number; readonly timeMs: number };
  private stored: Entry[] = [];

  /** @param before the entry behind which the log begins, by its index and term */
  constructor(before: { readonly index: number; readonly term: number }) {
    this.before = { ...before, timeMs: 0 };
  }

  /** Where the log begins and ends. */
  get extent(): Omit<StoredLog, "appliedIndex"> {
    const { index, term, timeMs } = this.before;
    return {
      firstIndex: index + 1,
      lastIndex: index + this.stored.length,
      previousTerm: term,
      previousTimeMs: timeMs,
    };
  }

  save(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first !== undefined) this.stored.splice(first.index - this.before.index - 1, this.stored.length, ...entries);
  }

  /** The log is empty, and begins behind a state. */
  reset(before: { readonly index: number; readonly term: number; readonly timeMs: number }): void {
    this.before = before;
    this.stored = [];
  }

  compact(index: number): void {
    const last = this.stored.splice(0, index - this.before.index).at(-1);
    if (last !== undefined) this.before = last;
  }

  term(index: number): number {
    return this.entries(index, index)[0]?.term ?? 0;
  }

  entries(first: number, last: number): Entry[] {
    return this.stored.slice(first - this.before.index - 1, last - this.before.index);
  }
}
