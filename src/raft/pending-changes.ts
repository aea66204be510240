/** The changes of members that are in a leader's log and not in force: what may not follow them, and for how long. */

import { changeConfiguration } from "./configuration-change.ts";
import { type Configuration, isJoint, isVoter } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { RaftLog } from "./log.ts";

export class PendingChanges {
  /** No change is taken before this index is applied: an earlier one may be waiting there (thesis, section 4.1). */
  private untilIndex = 0;
  private takesVote = false;

  /**
   * A change that waits takes the leader's vote. Nothing follows such a change: who lacks it can't be elected, who has it
   * needs the leader's vote as long as the commit is not known there, and gets it only if its log is not the longer one.
   */
  get departing(): boolean {
    return this.takesVote;
  }

  /** Whether a change may still come into force, under which the next one would have to be judged. */
  isWaiting(appliedIndex: number): boolean {
    return this.untilIndex > appliedIndex;
  }

  /** Takes notice of the changes that are in the log of the leader by now. */
  await(log: RaftLog, inForce: Configuration, leader: NodeId): void {
    this.untilIndex = log.lastIndex;
    this.takesVote = false;
    let configuration = inForce;
    for (const change of log.unappliedChanges(log.lastIndex)) {
      const before = configuration;
      const outcome = changeConfiguration(before, change);
      if (outcome.changed) configuration = outcome.configuration;
      if (!isVoter(configuration, leader) && mayNeedEveryVote(before)) this.takesVote = true;
    }
  }
}

/**
 * True if the majority of a configuration, less one voter, may fall short of a majority of the configuration. Of an odd
 * number of voters one more than half is also one more than half of the others, so there the vote of one who leaves is
 * never missed.
 */
function mayNeedEveryVote(configuration: Configuration): boolean {
  return isJoint(configuration) || configuration.voters.length % 2 === 0;
}
