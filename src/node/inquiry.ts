/** When a node that hears from no leader asks its peers whether it still belongs to their group. */

import type { Raft } from "../raft/raft.ts";

/**
 * A voter that missed its removal stands for election, and the leader tells it. A learner never does, nor does a node at
 * rest: without a word of its own it would believe to be a member for ever, and answer stale reads from what it had.
 */
export class Inquiry {
  private lastMs = Number.NEGATIVE_INFINITY;
  /** Peers that were asked and have not answered: however many clients come meanwhile, none is asked twice at a time. */
  private underWay = 0;

  /** Whether to ask now, because a client has asked something of this node. */
  isDue({ role, isVoter, quiescent, lastContactMs, timing }: Raft, nowMs: number): boolean {
    if (this.underWay > 0 || role !== "follower" || (isVoter && !quiescent)) return false;
    const silentSinceMs = lastContactMs ?? Number.NEGATIVE_INFINITY;
    return nowMs - silentSinceMs > timing.electionMaxMs && nowMs - this.lastMs >= inquiryEveryMs;
  }

  /** A peer is being asked. */
  asked(): void {
    this.underWay += 1;
  }

  /** A peer that was asked has answered, at this time, or has not: null. */
  ended(answeredAtMs: number | null): void {
    this.underWay -= 1;
    this.lastMs = Math.max(this.lastMs, answeredAtMs ?? Number.NEGATIVE_INFINITY);
  }
}

/** A group at rest is not to be kept in memory by those who only read old states. */
const inquiryEveryMs = 60_000;
