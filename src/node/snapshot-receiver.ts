/** The receiving of a state: pages are staged one after the other, until they can be installed. */

import { MalformedError } from "../bytes/reader.ts";
import type { Raft } from "../raft/raft.ts";
import { addPage, emptyChecksum } from "./checksum.ts";
import type { PartAnswer, PartResult, SnapshotPart } from "./snapshot-part.ts";
import { ForeignPageError, type SnapshotStore, type Staging, UnfitRowError } from "./snapshot-store.ts";

export interface ReceiverHost {
  readonly snapshots: SnapshotStore;
  transaction<T>(work: () => T): T;
}

export type Taken = Omit<PartAnswer, "messages">;

export class SnapshotReceiver {
  private readonly host: ReceiverHost;
  private staging: Staging | null;

  constructor(host: ReceiverHost) {
    this.host = host;
    this.staging = host.snapshots.staging();
  }

  /** All pages of this state are here. */
  holds(index: number): boolean {
    return this.staging?.complete === true && this.staging.snapshot.index === index;
  }

  /**
   * Takes a part. The answer `installed` says that the part's message is to be handed to the core now: either all pages
   * are here, or none is needed.
   */
  take(part: SnapshotPart, raft: Raft, tables: readonly string[]): Taken {
    const { message, cutId, sequence } = part;
    // What it has sent is no worse for that, but its successor may be sending too.
    if (message.term < raft.term) return this.answer("refused", cutId, `a leader of term ${message.term}`);
    if (message.snapshot.index <= raft.log.commitIndex) return this.answer("installed", cutId);
    if (this.staging?.cutId !== cutId) {
      // The beginning is missing: the answer, no pages, says so.
      if (sequence !== 0) return this.answer("staged", cutId);
      this.host.transaction(() => this.host.snapshots.beginStaging(cutId, message.snapshot, tables));
      this.reload();
    }
    if (this.staging?.complete === true) return this.answer("installed", cutId);
    // It came twice, or out of order.
    if (sequence !== this.staging?.sequence) return this.answer("staged", cutId);
    return this.stage(part, this.staging);
  }

  /** Forgets a state that this node has come to by other means. */
  tidy(commitIndex: number): void {
    if (this.staging === null || this.staging.snapshot.index > commitIndex) return;
    this.discard();
  }

  /** The staged state is in force. */
  installed(): void {
    this.staging = null;
  }

  private stage(part: SnapshotPart, { sequence, checksum }: Staging): Taken {
    const { page, cutId } = part;
    const expected = addPage(sequence === 0 ? emptyChecksum : checksum, page);
    if (expected !== part.checksum) {
      this.discard();
      return this.answer("corrupt", cutId, "the checksum is another");
    }
    try {
      this.host.transaction(() => this.host.snapshots.stage(page, expected));
    } catch (error) {
      // The sender runs another version of the state machine: one of the two is about to be replaced.
      if (error instanceof ForeignPageError || error instanceof MalformedError) {
        return this.answer("refused", cutId, error.message);
      }
      if (!(error instanceof UnfitRowError)) throw error;
      this.discard();
      return this.answer("corrupt", cutId, error.message);
    }
    this.reload();
    return this.answer(page.done ? "installed" : "staged", cutId);
  }

  private discard(): void {
    this.host.transaction(() => this.host.snapshots.discardStaging());
    this.staging = null;
  }

  private reload(): void {
    this.staging = this.host.snapshots.staging();
  }

  private answer(result: PartResult, cutId: string, detail = ""): Taken {
    return { result, sequence: this.staging?.cutId === cutId ? this.staging.sequence : 0, detail };
  }
}
