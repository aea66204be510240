/** What one transaction of a node has written: the unit that becomes durable or is lost. */

import type { Entry, HardState } from "../../../src/raft/entry.ts";
import type { SnapshotPoint } from "../../../src/raft/log.ts";

/** A command that was applied, and what all that was applied so far comes to. */
export interface AppliedCommand {
  readonly index: number;
  readonly digest: number;
  readonly result: Uint8Array;
}

export interface WriteRecord {
  hardState: HardState | null;
  /** The log was replaced by a state, before any entries were written. */
  restored: SnapshotPoint | null;
  entries: readonly Entry[];
  appliedIndex: number | null;
  readonly applied: AppliedCommand[];
  /** The log was forgotten up to here. */
  compactedTo: SnapshotPoint | null;
}

export function emptyRecord(): WriteRecord {
  return { hardState: null, restored: null, entries: [], appliedIndex: null, applied: [], compactedTo: null };
}
