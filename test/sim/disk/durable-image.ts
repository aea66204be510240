/** What of a node would survive a crash at this moment: the transactions that are flushed, one after the other. */

import type { Entry, HardState } from "../../../src/raft/entry.ts";
import type { SnapshotPoint } from "../../../src/raft/log.ts";
import type { WriteRecord } from "./write-record.ts";

export class DurableImage {
  hardState: HardState = { term: 0, vote: null };
  appliedIndex = 0;
  /** What all applied commands come to. */
  digest = 0;
  /** The entry before the first that is stored. */
  beginning: SnapshotPoint = { index: 0, term: 0, timeMs: 0 };
  private stored: Entry[] = [];

  get log(): readonly Entry[] {
    return this.stored;
  }

  get lastIndex(): number {
    return this.beginning.index + this.stored.length;
  }

  entry(index: number): Entry | undefined {
    return this.stored[index - this.beginning.index - 1];
  }

  /** Undefined where the log has no entry. */
  term(index: number): number | undefined {
    return index === this.beginning.index ? this.beginning.term : this.entry(index)?.term;
  }

  /** Whether this entry is stored, or part of what the state stands for. */
  holds({ index, term }: Pick<Entry, "index" | "term">): boolean {
    return index <= this.beginning.index || this.term(index) === term;
  }

  flush({ hardState, restored, entries, appliedIndex, applied, compactedTo }: WriteRecord): void {
    if (hardState !== null) this.hardState = hardState;
    if (restored !== null) this.restore(restored);
    const first = entries[0];
    if (first !== undefined) {
      this.stored.length = first.index - this.beginning.index - 1;
      for (const entry of entries) this.stored.push(entry);
    }
    if (appliedIndex !== null) this.appliedIndex = appliedIndex;
    this.digest = applied.at(-1)?.digest ?? this.digest;
    if (compactedTo !== null) {
      this.stored.splice(0, compactedTo.index - this.beginning.index);
      this.beginning = compactedTo;
    }
  }

  private restore(point: SnapshotPoint): void {
    this.stored = [];
    this.beginning = point;
    this.appliedIndex = point.index;
  }
}
