/** Saved entries in memory. */

import type { Entry } from "../../src/raft/entry.ts";
import type { LogReader } from "../../src/raft/log.ts";

export class EntryStore implements LogReader {
  private before: number;
  private stored: Entry[] = [];

  constructor(before: number) {
    this.before = before;
  }

  save(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first !== undefined) this.stored.splice(first.index - this.before - 1, this.stored.length, ...entries);
  }

  reset(before: number): void {
    this.before = before;
    this.stored = [];
  }

  compact(index: number): void {
    this.stored.splice(0, index - this.before);
    this.before = index;
  }

  term(index: number): number {
    return this.entries(index, index)[0]?.term ?? 0;
  }

  entries(first: number, last: number): Entry[] {
    return this.stored.slice(first - this.before - 1, last - this.before);
  }
}
