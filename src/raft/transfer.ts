/** The handing over of leadership (thesis, section 3.10): to whom, and until when. */

import type { NodeId } from "./entry.ts";

/** `started`: it ends within one election timeout, either way. */
export type TransferOutcome = "started" | "not_leader" | "not_a_voter";

export class Transfer {
  target: NodeId | null = null;
  deadlineMs = Number.POSITIVE_INFINITY;

  /** While it lasts no proposals are taken, so that the target can catch up. Another target replaces the one before. */
  start(target: NodeId, deadlineMs: number): void {
    if (this.target === target) return;
    this.target = target;
    this.deadlineMs = deadlineMs;
  }

  /** The target has had its time: the leader goes on leading. */
  expire(nowMs: number): void {
    if (nowMs >= this.deadlineMs) this.abort();
  }

  abort(): void {
    this.target = null;
    this.deadlineMs = Number.POSITIVE_INFINITY;
  }
}
