/** What a driver needs of its surroundings, and whom it tells what happens. */

import type { StateMachine } from "../machine.ts";
import type { Configuration } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import type { RoleName } from "../raft/role.ts";
import type { SnapshotObserver, SnapshotsHost } from "./snapshots.ts";
import type { NodeStorage } from "./storage.ts";

/** What surrounds a node. On Cloudflare it is a Durable Object, in tests a simulator. */
export interface DriverHost extends SnapshotsHost {
  readonly storage: NodeStorage;
  readonly machine: StateMachine;
  /**
   * Sends messages to a peer, which may get them late, twice or never. The host holds back what is sent after a write
   * until that write is durable, as the output gate of a Durable Object does.
   */
  send(to: NodeId, messages: readonly Message[]): void;
  /** Asks for a call of `wake` at the given time or later. A later request replaces an earlier one. */
  arm(deadlineMs: number): void;
  /** The time by the system's clock at the moment that this node's clock calls `timeMs`. */
  toSystemMs(timeMs: number): number;
  /** Asks for a call of `flush` after so many milliseconds; after 0, behind all events that wait already. */
  scheduleFlush(afterMs: number): void;
  /**
   * This configuration is in force now, or was at the start. Answers whether this node may stand for election: its host may
   * know that the group means another node by its name, or none.
   */
  configured(configuration: Configuration): boolean;
  /** Ends this instance: its memory may not agree with its storage any more. */
  abort(error: unknown): void;
  /** Evenly distributed numbers from 0 (included) to 1 (excluded). */
  random(): number;
  readonly observer: DriverObserver;
}

/** Learns what happened; must not change anything. */
export interface DriverObserver extends SnapshotObserver {
  roleChanged(change: { readonly role: RoleName; readonly term: number; readonly leader: NodeId | null }): void;
  /** Entries became part of this node's log in one batch. */
  saved(count: number): void;
  /** An entry was applied so long after it was stored here. Nothing is said of one that was stored before the start. */
  applied(delayMs: number): void;
  /** A proposal of this node was committed and applied. */
  committed(latencyMs: number): void;
}
