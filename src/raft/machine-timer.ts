/** The state machine's timer at its leader: proposed when its time has come, and not again before that has had its effect. */

import type { Proposal } from "./leader.ts";
import type { Raft } from "./raft.ts";

export class MachineTimer {
  private readonly raft: Raft;
  /** When this entry is applied the state is known, and so is the next timer. */
  private knownAtIndex: number;
  private retryAtMs = Number.NEGATIVE_INFINITY;

  /** @param firstIndex the first entry of the leader's term: before it, the state may be behind what is committed */
  constructor(raft: Raft, firstIndex: number) {
    this.raft = raft;
    this.knownAtIndex = firstIndex;
  }

  /** When the timer is to be proposed; infinite while that depends on something else than time. */
  get deadlineMs(): number {
    return this.isKnown ? Math.max(this.raft.clusterTime.timerAtMs, this.retryAtMs) : Number.POSITIVE_INFINITY;
  }

  isDue(nowMs: number): boolean {
    const { clusterTime } = this.raft;
    return this.isKnown && nowMs >= this.retryAtMs && clusterTime.read(nowMs) >= clusterTime.timerMs;
  }

  /** What was due has been proposed; if it was not taken, as with too much on its way, it is proposed again later. */
  proposed(proposal: Proposal, nowMs: number): void {
    if (proposal.accepted) this.knownAtIndex = proposal.index;
    else this.retryAtMs = nowMs + this.raft.timing.heartbeatMs;
  }

  private get isKnown(): boolean {
    return this.raft.log.appliedIndex >= this.knownAtIndex;
  }
}
