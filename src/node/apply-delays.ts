/** How long entries wait on this node, from their storing until they are applied. */

import type { Entry } from "../raft/entry.ts";

interface Stored {
  readonly firstIndex: number;
  readonly atMs: number;
}

export class ApplyDelays {
  /** Batches that are not all applied, in the order of the log. */
  private readonly batches: Stored[] = [];

  /** Entries are being stored, in the place of whatever is there from the first one's index on. */
  saved(entries: readonly Entry[], nowMs: number): void {
    const first = entries[0];
    if (first === undefined) return;
    while ((this.batches.at(-1)?.firstIndex ?? 0) >= first.index) this.batches.pop();
    this.batches.push({ firstIndex: first.index, atMs: nowMs });
  }

  /** Entries are applied one after the other. Answers how long this one has waited; null if it was stored before the start. */
  applied(index: number, nowMs: number): number | null {
    while ((this.batches[1]?.firstIndex ?? Number.POSITIVE_INFINITY) <= index) this.batches.shift();
    const batch = this.batches[0];
    return batch === undefined || batch.firstIndex > index ? null : nowMs - batch.atMs;
  }
}
