/** Log entries and the other plain values that a node keeps in stable storage. */

import type { ConfigurationChange } from "./configuration-change.ts";

/** Names a node within its group. */
export type NodeId = string;

/**
 * What an entry is for: `command` goes to the state machine; `noop` opens a leader's term, so that entries of earlier
 * terms can be committed at once (Raft paper, section 8), or stands where a change was refused; `configuration` changes
 * the group.
 */
export type EntryKind = "noop" | "command" | "configuration";

/** One entry of the replicated log. */
export interface Entry {
  /** Its place, counted from 1. */
  readonly index: number;
  /** The term of the leader that created it. */
  readonly term: number;
  readonly kind: EntryKind;
  /** The cluster time at which its leader created it, in whole milliseconds; never less than that of the entry before. */
  readonly timeMs: number;
  /** The command, opaque to the protocol; empty in other kinds of entries. */
  readonly data: Uint8Array;
  /** The change, in an entry of kind `configuration` alone. */
  readonly change?: ConfigurationChange;
}

/** What must be durable before anything that depends on it leaves the node (Raft paper, figure 2). */
export interface HardState {
  readonly term: number;
  /** Whom this node voted for in `term`. */
  readonly vote: NodeId | null;
  /**
   * For how long after its last contact with a leader this node has promised to elect nobody else, in milliseconds; missing:
   * not at all. A node that starts has forgotten the contact, not the promise.
   */
  readonly promiseMs?: number;
}

const overheadBytes = 32;

/** What an entry counts against limits given in bytes: its data and a fixed share for the rest. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + overheadBytes;
}
