/** The log as the protocol sees it: stored entries, those not stored yet, and how far they are committed and applied. */

import { assert } from "./assert.ts";
import type { ConfigurationChange } from "./configuration-change.ts";
import { entryBytes, type Entry } from "./entry.ts";

/** Reads entries that were saved. Only asked for indexes that were saved and not since replaced. */
export interface LogReader {
  term(index: number): number;
  /** Entries from `first` up to at most `last`, in order: one at least, then as many as `maxBytes` allows. */
  entries(first: number, last: number, maxBytes: number): Entry[];
}

/** What is in stable storage when a node starts. */
export interface StoredLog {
  /** The first entry that is stored; one past `lastIndex` when none is. */
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** The term and the stamp of the entry before `firstIndex`; 0 when that is the beginning. */
  readonly previousTerm: number;
  readonly previousTimeMs: number;
  /** The last entry that the state machine has applied. */
  readonly appliedIndex: number;
}

/** The entry that a state stands for, with all before it. */
export interface SnapshotPoint {
  readonly index: number;
  readonly term: number;
  readonly timeMs: number;
}

/** How much of the log is looked through at a time. */
const scanBytes = 1024 * 1024;

export class RaftLog {
  private first: number;
  private previousTerm: number;
  private previousTimeMs: number;
  private readonly reader: LogReader;
  private readonly maxCachedBytes: number;
  /** The newest entries, up to the last; all that are not saved are here. */
  private tail: Entry[] = [];
  private tailFirst: number;
  private tailBytes = 0;
  /** The last index handed out to be saved, as long as it was not replaced since. */
  private savedUpTo: number;
  private commit: number;
  private applied: number;

  constructor(stored: StoredLog, reader: LogReader, maxCachedBytes: number) {
    assert(stored.appliedIndex >= stored.firstIndex - 1, "entries are missing between the state and the log");
    assert(stored.appliedIndex <= stored.lastIndex, "the state is ahead of the log");
    this.first = stored.firstIndex;
    this.previousTerm = stored.previousTerm;
    this.previousTimeMs = stored.previousTimeMs;
    this.reader = reader;
    this.maxCachedBytes = maxCachedBytes;
    this.tailFirst = stored.lastIndex + 1;
    this.savedUpTo = stored.lastIndex;
    this.commit = stored.appliedIndex;
    this.applied = stored.appliedIndex;
  }

  /** The first entry that is still here; one past `lastIndex` when there is none. */
  get firstIndex(): number {
    return this.first;
  }

  get lastIndex(): number {
    return this.tailFirst + this.tail.length - 1;
  }

  get lastTerm(): number {
    return this.term(this.lastIndex) ?? 0;
  }

  /** The stamp of an entry that the log has, or of the one before its first; 0 before the beginning. */
  timeMs(index: number): number {
    return index < this.firstIndex ? this.previousTimeMs : (this.read(index, index, 0)[0]?.timeMs ?? 0);
  }

  get savedIndex(): number {
    return this.savedUpTo;
  }

  get commitIndex(): number {
    return this.commit;
  }

  /** The last committed entry, as messages tell it. */
  get commitPoint(): { readonly commitIndex: number; readonly commitTerm: number } {
    return { commitIndex: this.commit, commitTerm: this.term(this.commit) ?? 0 };
  }

  get appliedIndex(): number {
    return this.applied;
  }

  /** The term of an entry; undefined where the log has none. */
  term(index: number): number | undefined {
    if (index === this.firstIndex - 1) return this.previousTerm;
    if (index < this.firstIndex || index > this.lastIndex) return undefined;
    return index >= this.tailFirst ? this.tail[index - this.tailFirst]?.term : this.reader.term(index);
  }

  /** Entries from `first` up to at most `last`: one at least, then as many as `maxBytes` allows. It may be fewer. */
  read(first: number, last: number, maxBytes: number): readonly Entry[] {
    assert(first >= this.firstIndex && first <= last && last <= this.lastIndex, `no entries ${first}..${last}`);
    if (first < this.tailFirst) return this.reader.entries(first, Math.min(last, this.tailFirst - 1), maxBytes);
    const from = first - this.tailFirst;
    const limit = last - this.tailFirst + 1;
    let to = from;
    let bytes = 0;
    for (; to < limit; to += 1) {
      const entry = this.tail[to];
      assert(entry !== undefined, "the log's tail has a hole");
      bytes += entryBytes(entry);
      if (bytes > maxBytes && to > from) break;
    }
    return this.tail.slice(from, to);
  }

  /** The vote's condition: a log that ends in `lastTerm` at `lastIndex` is at least as new as this (Raft paper, 5.4.1). */
  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Adds entries at the end, or in the place of a conflicting end. */
  append(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index > this.commit, `entry ${first.index} is committed and can't be replaced`);
    assert(first.index <= this.lastIndex + 1, `entry ${first.index} would leave a hole`);
    this.truncateFrom(first.index);
    for (const entry of entries) {
      assert(entry.index === this.lastIndex + 1, "entries must follow one another");
      this.tail.push(entry);
      this.tailBytes += entryBytes(entry);
    }
  }

  /**
   * Takes a leader's entries after those that are already here: only a real conflict removes anything, so that a late
   * or repeated message loses nothing (Raft paper, figure 2, AppendEntries rules 3 and 4).
   */
  merge(entries: readonly Entry[]): void {
    const at = entries.findIndex((entry) => this.term(entry.index) !== entry.term);
    if (at >= 0) this.append(at === 0 ? entries : entries.slice(at));
  }

  /** The last index up to `index` whose term is not above `term`: where a log with that term can still be equal. */
  lastAtMost(index: number, term: number): { readonly index: number; readonly term: number } {
    // Of what was forgotten nothing is known that would rule it out.
    if (index < this.firstIndex - 1) return { index, term };
    for (let at = Math.min(index, this.lastIndex); at >= this.firstIndex; at -= 1) {
      const found = this.term(at) ?? 0;
      if (found <= term) return { index: at, term: found };
    }
    return { index: this.firstIndex - 1, term: this.previousTerm };
  }

  /** Moves the commit index forward, never back. */
  commitTo(index: number): void {
    assert(index <= this.lastIndex, `entry ${index} can't be committed: the log ends at ${this.lastIndex}`);
    this.commit = Math.max(this.commit, index);
  }

  /** Hands out what is to be saved; from then on it counts as saved. The first replaces whatever is stored from there. */
  takeUnsaved(): readonly Entry[] {
    // What was handed out before is stored by now.
    this.evict();
    const unsaved = this.tail.slice(this.savedUpTo + 1 - this.tailFirst);
    this.savedUpTo = this.lastIndex;
    return unsaved;
  }

  /**
   * Hands out committed entries that are to be applied; from then on they count as applied. A change of configuration
   * ends a batch: what follows it is applied under the new one.
   */
  takeCommitted(maxBytes: number): readonly Entry[] {
    if (this.applied === this.commit) return [];
    const read = this.read(this.applied + 1, this.commit, maxBytes);
    const change = read.findIndex((entry) => entry.kind === "configuration");
    const committed = change < 0 ? read : read.slice(0, change + 1);
    this.applied += committed.length;
    return committed;
  }

  /** True if a change of configuration is committed but not applied. */
  get hasUnappliedChange(): boolean {
    return this.unappliedChanges(this.commit).length > 0;
  }

  /** The changes of configuration up to `last` that are not applied, in order. */
  unappliedChanges(last: number): readonly ConfigurationChange[] {
    const changes: ConfigurationChange[] = [];
    for (let first = this.applied + 1; first <= last;) {
      const read = this.read(first, last, scanBytes);
      for (const { change } of read) if (change !== undefined) changes.push(change);
      first += read.length;
    }
    return changes;
  }

  /** Forgets entries up to `index`, which must be applied: the state stands for them. */
  compactTo(index: number): void {
    assert(index <= this.applied, `entry ${index} is not applied and can't be forgotten`);
    if (index < this.first) return;
    this.previousTimeMs = this.timeMs(index);
    this.previousTerm = this.term(index) ?? 0;
    this.first = index + 1;
    const cached = Math.min(Math.max(0, this.first - this.tailFirst), this.tail.length);
    for (const entry of this.tail.splice(0, cached)) this.tailBytes -= entryBytes(entry);
    this.tailFirst = Math.max(this.tailFirst, this.first);
  }

  /** Replaces everything by a state at `index`, which must be beyond what is committed. */
  restore({ index, term, timeMs }: SnapshotPoint): void {
    assert(index > this.commit, `a snapshot at ${index} would undo what is committed`);
    this.tail = [];
    this.tailBytes = 0;
    this.tailFirst = index + 1;
    this.first = index + 1;
    this.previousTerm = term;
    this.previousTimeMs = timeMs;
    this.savedUpTo = index;
    this.commit = index;
    this.applied = index;
  }

  private truncateFrom(index: number): void {
    if (index > this.lastIndex) return;
    const kept = Math.max(0, index - this.tailFirst);
    for (const entry of this.tail.slice(kept)) this.tailBytes -= entryBytes(entry);
    this.tail.length = kept;
    this.tailFirst = Math.min(this.tailFirst, index);
    this.savedUpTo = Math.min(this.savedUpTo, index - 1);
  }

  /** Forgets old entries that storage holds, down to half of what may be cached, so that the cost is spread. */
  private evict(): void {
    if (this.tailBytes <= this.maxCachedBytes) return;
    const evictable = Math.min(this.savedUpTo, this.applied) - this.tailFirst + 1;
    let count = 0;
    for (; count < evictable && this.tailBytes > this.maxCachedBytes / 2; count += 1) {
      const entry = this.tail[count];
      assert(entry !== undefined, "the log's tail has a hole");
      this.tailBytes -= entryBytes(entry);
    }
    this.tail.splice(0, count);
    this.tailFirst += count;
  }
}
