/** What a node keeps on disk, as the driver needs it. */

import type { Rest } from "../raft/cluster-time.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { Entry, HardState } from "../raft/entry.ts";
import type { LogReader, SnapshotPoint, StoredLog } from "../raft/log.ts";
import type { Snapshot } from "../raft/message.ts";

/** Who a node is; written once, when its storage is made. */
export interface Identity {
  readonly group: string;
  readonly node: string;
  /** A hash of the group's name and first configuration: groups that share a name only are told apart. */
  readonly groupId: string;
  /** Drawn at random when the storage was made. */
  readonly storageId: string;
}

/** All that a node starts from. */
export interface StoredNode {
  readonly identity: Identity;
  /** How often it has started, this time included. */
  readonly incarnation: number;
  readonly configuration: Configuration;
  readonly hardState: HardState;
  /** How this node rests, by the system's clock; false if it does not. */
  readonly quiescent: Rest | false;
  readonly log: StoredLog;
}

/** Entries that were stored together; the log is forgotten in whole batches. */
export interface Batch {
  readonly lastIndex: number;
  /** How many bytes all batches up to this one take, counted from some fixed beginning. */
  readonly endBytes: number;
}

/**
 * The writes of a turn. They happen inside `transaction`, where they take effect together or, if the work throws, not at
 * all; the state machine's writes belong to the same transaction.
 */
export interface NodeStorage extends LogReader {
  transaction<T>(work: () => T): T;
  saveHardState(hardState: HardState): void;
  /** Stores entries that follow one another, in the place of whatever is stored from the first one's index on. */
  saveEntries(entries: readonly Entry[]): void;
  saveAppliedIndex(index: number): void;
  saveConfiguration(configuration: Configuration): void;
  saveQuiescent(quiescent: Rest | false): void;
  /** Forgets the log up to `point`, which must be the end of a batch. */
  compactTo(point: SnapshotPoint): void;
  /** The log is empty from now on, and begins behind a state: its index is applied, its configuration in force. */
  restore(snapshot: Snapshot): void;
  /** The oldest batches, in order, `count` at most. */
  oldestBatches(count: number): readonly Batch[];
  /** The `endBytes` of the batch that holds an entry; 0 when none does. */
  bytesUpTo(index: number): number;
}
