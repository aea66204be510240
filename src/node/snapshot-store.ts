/** What a node keeps on disk of the snapshots that it sends and takes, as the driver needs it. */

import type { NodeId } from "../raft/entry.ts";
import type { Snapshot } from "../raft/message.ts";

/** A state that is kept as it was while commands go on being applied, until a peer has all of it. */
export interface Cut {
  /** Drawn at random: the receiver tells by it which pages belong together. */
  readonly id: string;
  readonly peer: NodeId;
  readonly snapshot: Snapshot;
  /** How many pages the peer has. */
  readonly sequence: number;
  /** The checksum of these pages. */
  readonly checksum: number;
}

/** A part of a cut, in a form that only stores of the same kind know. */
export interface Page {
  readonly bytes: Uint8Array;
  /** Nothing follows it. */
  readonly done: boolean;
}

/** A state that is being received. */
export interface Staging {
  readonly cutId: string;
  readonly snapshot: Snapshot;
  /** How many pages are here. */
  readonly sequence: number;
  readonly checksum: number;
  /** All pages are here. */
  readonly complete: boolean;
}

/** The pages were made from tables that this node does not have, or has in another shape. */
export class ForeignPageError extends Error {
  override readonly name = "ForeignPageError";
}

/** A page has rows that its tables can't hold, and was partly taken: all that was received is of no use. */
export class UnfitRowError extends Error {
  override readonly name = "UnfitRowError";
}

/**
 * The state machine's part of snapshots. All that writes happens in transactions. There is one cut and one staging at a
 * time; both outlive the node's instance, so that a crash on either side loses no page that arrived.
 */
export interface SnapshotStore {
  /** The cut that is open; null when none is. */
  cut(): Cut | null;
  /**
   * Makes the present state of the given tables the cut, in place of any other. It costs nothing now: what the cut has
   * and a later command overwrites is saved before that.
   */
  openCut(id: string, peer: NodeId, snapshot: Snapshot, tables: readonly string[]): void;
  /** The next page of the cut: the same one until `advanceCut`. It may exceed `maxBytes` by the size of one row. */
  readCut(maxBytes: number): Page;
  /** The peer has the page that was read last; from now on nothing is saved for it any more. */
  advanceCut(checksum: number): void;
  /** Forgets the cut, if there is one. */
  closeCut(): void;

  /** What is being received; null when nothing is. */
  staging(): Staging | null;
  /** Begins to receive into tables beside the given ones, in place of whatever was being received. */
  beginStaging(cutId: string, snapshot: Snapshot, tables: readonly string[]): void;
  /**
   * Takes the next page. Throws a `ForeignPageError` or a `MalformedError`, and changes nothing, if it is none for this node;
   * and an `UnfitRowError` if only its rows are not.
   */
  stage(page: Page, checksum: number): void;
  /** Puts the staged tables in the place of the state machine's. */
  installStaging(): void;
  /** Forgets what was being received, if anything was. */
  discardStaging(): void;
}
