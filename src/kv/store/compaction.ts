/** How history is forgotten: at once for readers, and row by row in the tables. */

import type { Refusal } from "../model.ts";
import type { StoreParts } from "./store-parts.ts";
import { refuseRevision } from "./txn-path.ts";

/** How many rows of history one command looks through, so that none takes long. */
export const forgottenRows = 1024;

/**
 * What a revision before the compacted one has replaced or deleted is of no use to anybody: each such row is looked at once,
 * in order, for the row before it. Only rows that the index table knows of are forgotten, for a node that starts needs
 * the others.
 */
export class Compaction {
  private readonly parts: StoreParts;
  private readonly onForget: () => void;
  /** The last row that is to be looked at. */
  private last: number;

  /** @param onForget is called before rows go */
  constructor(parts: StoreParts, onForget: () => void) {
    this.parts = parts;
    this.onForget = onForget;
    this.last = this.lastPosition();
  }

  /** Whether rows are left to be looked at. */
  get isPending(): boolean {
    return this.parts.meta.forgottenPosition < this.last;
  }

  /** Null when the history is compacted now. */
  compact(revision: number): Refusal | null {
    const { meta, index } = this.parts;
    const refusal = refuseRevision(meta, revision);
    if (refusal !== null) return refusal;
    if (revision <= meta.compactRevision && meta.compactRevision > 0) {
      return { reason: "compacted", compactRevision: meta.compactRevision };
    }
    meta.compactRevision = Math.max(revision, 0);
    index.mergeAll();
    this.last = this.lastPosition();
    this.forget();
    return null;
  }

  /** Goes on forgetting, a step. False when there was nothing to do. */
  forget(): boolean {
    const { meta, history, index } = this.parts;
    if (!this.isPending) return false;
    this.onForget();
    const changes = history.changes(meta.forgottenPosition, this.last, forgottenRows);
    const doomed: number[] = [];
    for (const { state, previous } of changes) {
      if (previous > 0) doomed.push(previous);
      if (state.version > 0) continue;
      doomed.push(state.position);
      index.forget(state.key, state.position);
    }
    if (doomed.length > 0) meta.sizeBytes -= history.forget(doomed);
    meta.forgottenPosition = changes.length < forgottenRows ? this.last : (changes.at(-1)?.state.position ?? this.last);
    return true;
  }

  /** Of the rows before the compacted revision. */
  private lastPosition(): number {
    const { meta, history } = this.parts;
    return history.firstPosition(meta.compactRevision, meta) - 1;
  }
}
