/** What a node starts from, and what it hands its host to do: the core's edge towards disk, network and callers. */

import type { Rest } from "./cluster-time.ts";
import type { Configuration } from "./configuration.ts";
import type { Entry, HardState } from "./entry.ts";
import type { StoredLog } from "./log.ts";
import type { Message, Snapshot } from "./message.ts";

/** What a node starts from: all that it had made durable. */
export interface StoredState {
  /** How the node rested, with `sinceMs` in the time of this start's calls; not at all, when it is missing. */
  readonly quiescent?: Rest | false;
  readonly hardState: HardState;
  readonly configuration: Configuration;
  readonly log: StoredLog;
}

/** A read that may be answered from the state machine as it is after this `Ready` is applied. */
export interface ConfirmedRead {
  /** What was given to `readIndex`. */
  readonly context: number;
  /** The commit index that the read has to see. */
  readonly index: number;
}

/**
 * What a turn has to do, in this order: send `early`; in one transaction save `hardState` and `entries` and apply
 * `committed`; send `messages`; answer `reads`. Nothing after the transaction may become visible before it is durable.
 * Once handed out, all of it counts as done.
 */
export interface Ready {
  /**
   * A leader's appends and heartbeats: they promise nothing about its own disk, so they may leave before the write and
   * run beside it (thesis, section 10.2.1).
   */
  readonly early: readonly Message[];
  /** To be made durable; null when unchanged. */
  readonly hardState: HardState | null;
  /** Replaces the whole log and the whole state, before `entries` are saved; null when there is none. */
  readonly snapshot: Snapshot | null;
  /** To be made durable; the first one replaces whatever is stored from its index on. */
  readonly entries: readonly Entry[];
  /** To be applied, in order. */
  readonly committed: readonly Entry[];
  /** In force after `committed`, and to be made durable with it; null when unchanged. */
  readonly configuration: Configuration | null;
  /** How this node rests, or that it does not, from now on, to be made durable; null when unchanged. */
  readonly quiescent: Rest | false | null;
  readonly messages: readonly Message[];
  readonly reads: readonly ConfirmedRead[];
}
