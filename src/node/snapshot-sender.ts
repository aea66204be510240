/** The sending of a state to a peer: page after page of one cut, each when the one before has arrived. */

import { assert } from "../raft/assert.ts";
import type { NodeId } from "../raft/entry.ts";
import type { InstallSnapshot } from "../raft/message.ts";
import { addPage, emptyChecksum } from "./checksum.ts";
import { drawId } from "./draw-id.ts";
import type { PartAnswer, SnapshotPart } from "./snapshot-part.ts";
import type { Cut, SnapshotStore } from "./snapshot-store.ts";

export interface SenderHost {
  readonly snapshots: SnapshotStore;
  transaction<T>(work: () => T): T;
  sendPart(to: NodeId, part: SnapshotPart): void;
  random(): number;
}

export interface SenderLimits {
  /** How large a page is; it may exceed this by one row. */
  readonly maxPageBytes: number;
  /** How long a cut is kept that nobody asks for, in milliseconds: it holds on to the log, and to rows that are gone. */
  readonly cutIdleMs: number;
}

/** Small pages: whoever writes or reads meanwhile waits for one at a time. */
export const defaultSenderLimits: SenderLimits = { maxPageBytes: 256 * 1024, cutIdleMs: 30_000 };

/** How it stands after an answer; `over` if it had ended before. */
export type Sending = "sending" | "delivered" | "failed" | "over";

/**
 * One peer at a time: a second one that needs a state asks again until it is its turn. A sending that fails ends, and the
 * core asks for it anew when the peer is heard: it goes on where it stopped, even after a crash of either side, as long as
 * the log still reaches back to the cut.
 */
export class SnapshotSender {
  private readonly host: SenderHost;
  private readonly limits: SenderLimits;
  private cut: Cut | null;
  /** The part that is on its way. */
  private underWay: SnapshotPart | null = null;
  private idleSinceMs: number;

  constructor(host: SenderHost, limits: SenderLimits, nowMs: number) {
    this.host = host;
    this.limits = limits;
    this.cut = host.snapshots.cut();
    this.idleSinceMs = nowMs;
  }

  /** The log must reach back to the entry behind this one. */
  get pinnedIndex(): number {
    return this.cut?.snapshot.index ?? Number.POSITIVE_INFINITY;
  }

  /**
   * Begins, or goes on, to send the state to the message's receiver. Answers false when another one is being sent.
   *
   * @param message with the snapshot of the present state
   * @param firstIndex where the log begins
   */
  begin(message: InstallSnapshot, firstIndex: number, tables: readonly string[]): boolean {
    if (this.underWay !== null) return false;
    const usable = this.cut?.peer === message.to && firstIndex <= this.cut.snapshot.index + 1;
    if (!usable) {
      const { snapshots } = this.host;
      const id = drawId(() => this.host.random());
      this.host.transaction(() => snapshots.openCut(id, message.to, message.snapshot, tables));
      this.cut = snapshots.cut();
    }
    this.sendPage(message);
    return true;
  }

  /**
   * Takes the answer to a part; null when none came.
   *
   * @param wanted whether the peer still waits for this state
   */
  answered(part: SnapshotPart, answer: PartAnswer | null, wanted: boolean, nowMs: number): Sending {
    if (part !== this.underWay) return "over";
    this.underWay = null;
    this.idleSinceMs = nowMs;
    switch (answer?.result) {
      case "installed":
        this.close();
        return "delivered";
      case "corrupt":
        this.close();
        return "failed";
      case "staged":
        return this.staged(part, answer.sequence, wanted);
      case "refused":
      case undefined:
        return "failed";
    }
  }

  /** Forgets a cut that nobody has asked for in a long time. */
  expire(nowMs: number): void {
    if (this.cut === null || this.underWay !== null) return;
    if (nowMs - this.idleSinceMs >= this.limits.cutIdleMs) this.close();
  }

  /** The state was replaced, and the cut with it. */
  replaced(): void {
    this.cut = null;
    this.underWay = null;
  }

  private staged(part: SnapshotPart, sequence: number, wanted: boolean): Sending {
    if (sequence !== part.sequence + 1) {
      // Pages that are gone there are gone here too.
      this.close();
      return "failed";
    }
    // The last page is kept until the state is in force.
    if (part.page.done) return "failed";
    this.host.transaction(() => this.host.snapshots.advanceCut(part.checksum));
    this.cut = this.host.snapshots.cut();
    if (!wanted) return "failed";
    this.sendPage(part.message);
    return "sending";
  }

  private sendPage(message: InstallSnapshot): void {
    const { cut, host, limits } = this;
    assert(cut !== null, "no cut is open");
    const page = host.snapshots.readCut(limits.maxPageBytes);
    const checksum = addPage(cut.sequence === 0 ? emptyChecksum : cut.checksum, page);
    const { id: cutId, sequence, snapshot } = cut;
    this.underWay = { message: { ...message, snapshot }, cutId, sequence, checksum, page };
    host.sendPart(message.to, this.underWay);
  }

  private close(): void {
    this.host.transaction(() => this.host.snapshots.closeCut());
    this.cut = null;
  }
}
