/** When history is compacted by itself, and up to where. */

import type { StoreParts } from "./store-parts.ts";

/** Only the leader's counts: the revision is in the command that it proposes. */
export type Retention =
  | { readonly kind: "forever" }
  /** What was replaced this long ago may be forgotten. */
  | { readonly kind: "age"; readonly ageMs: number }
  /** So many of the latest revisions can be read. */
  | { readonly kind: "revisions"; readonly revisions: number };

/** A compaction waits until it forgets this part of what is kept, so that there are few of them. */
const leastPart = 10;

export class AutoCompaction {
  private readonly parts: StoreParts;
  private readonly retention: Retention;
  /** When the first change behind the compacted revision was made, which stays true until the next compaction. */
  private first: { readonly compactRevision: number; readonly timeMs: number } | null = null;

  constructor(parts: StoreParts, retention: Retention) {
    this.parts = parts;
    this.retention = retention;
  }

  /** The time at which a compaction is due; null when there is nothing to compact. */
  get dueMs(): number | null {
    const { retention } = this;
    const { revision, compactRevision, timeMs } = this.parts.meta;
    switch (retention.kind) {
      case "forever":
        return null;
      case "age": {
        const firstMs = this.firstChangeMs();
        return firstMs === null ? null : firstMs + retention.ageMs + Math.ceil(retention.ageMs / leastPart);
      }
      case "revisions": {
        const { revisions } = retention;
        return revision - compactRevision > revisions + Math.ceil(revisions / leastPart) ? timeMs : null;
      }
    }
  }

  /** The revision to compact at when a compaction is due. */
  get target(): number {
    const { retention, dueMs } = this;
    const { meta, history } = this.parts;
    if (retention.kind === "revisions") return meta.revision - retention.revisions;
    const ageMs = retention.kind === "age" ? retention.ageMs : Number.POSITIVE_INFINITY;
    // It is asked for when its time has come, which the newest entry may not have seen.
    return history.revisionAt(Math.max(meta.timeMs, dueMs ?? 0) - ageMs, meta);
  }

  private firstChangeMs(): number | null {
    const { meta, history } = this.parts;
    const { revision, compactRevision } = meta;
    if (revision <= Math.max(compactRevision, 1)) return null;
    if (this.first?.compactRevision !== compactRevision) {
      const position = history.firstPosition(compactRevision + 1, meta);
      const row = history.after(position - 1);
      if (row === null) return null;
      this.first = { compactRevision, timeMs: row.time_ms };
    }
    return this.first.timeMs;
  }
}
