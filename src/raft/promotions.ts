/** When learners have caught up, so that the leader may make voters of them. */

import type { Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";

interface Round {
  readonly targetIndex: number;
  readonly startedMs: number;
}

/**
 * A learner copies the log in rounds: each brings what the log held at its beginning. Once a round takes no longer than an
 * election timeout, the group would not stand still for longer than that if it had to wait for this node (thesis,
 * section 4.2.1).
 */
export class Promotions {
  private readonly rounds = new Map<NodeId, Round>();
  private readonly caughtUpAtMs = new Map<NodeId, number>();

  /** A learner that is to be promoted was heard: it stores the log up to `matchIndex`. */
  heard(id: NodeId, matchIndex: number, lastIndex: number, roundMs: number, nowMs: number): void {
    const round = this.rounds.get(id);
    if (round !== undefined && matchIndex < round.targetIndex) return;
    const quick = round !== undefined && nowMs - round.startedMs <= roundMs;
    if (quick || matchIndex === lastIndex) this.caughtUpAtMs.set(id, nowMs);
    else this.caughtUpAtMs.delete(id);
    this.rounds.set(id, { targetIndex: lastIndex, startedMs: nowMs });
  }

  /** Who is to become a voter now, having caught up since the given time. */
  due({ voters, promoting }: Configuration, sinceMs: number): readonly NodeId[] {
    const ids = promoting.filter((id) => (this.caughtUpAtMs.get(id) ?? Number.NEGATIVE_INFINITY) >= sinceMs);
    // Two voters bear no fault and have twice the chance of one: where more are to come, they come together.
    const pair = voters.length + ids.length === 2 && ids.length < promoting.length;
    return pair ? [] : ids;
  }
}
