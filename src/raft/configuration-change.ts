/** How configurations change: which changes are possible, and what they lead to. */

import type { NodeId } from "./entry.ts";
import { type Configuration, isJoint, members } from "./configuration.ts";

/** One node's change. Adding a voter as a learner demotes it, adding a learner as a voter promotes it. */
export interface MemberChange {
  readonly type: "addVoter" | "addLearner" | "remove";
  readonly id: NodeId;
}

/** A change of the configuration, as an entry of the log carries it. */
export interface ConfigurationChange {
  /** What changes; nothing in a change that leaves a joint configuration. */
  readonly changes: readonly MemberChange[];
  /**
   * How a joint configuration is entered and left. `auto` uses one only if more than one change is asked for; `implicit`
   * always does. Both are left by the leader itself as soon as they are in force. `explicit` waits for a change that says so.
   */
  readonly transition: "auto" | "implicit" | "explicit";
}

/** The change that leaves a joint configuration. */
export const leaveJoint: ConfigurationChange = { changes: [], transition: "auto" };

/** Why a change is not possible. */
export type ChangeRefusal =
  /** A joint change is under way; it has to be left first. */
  | "joint_configuration"
  /** There is no joint configuration to leave. */
  | "not_joint"
  /** No voter would be left. */
  | "no_voters";

export type ChangeOutcome =
  | { readonly changed: true; readonly configuration: Configuration }
  | { readonly changed: false; readonly reason: ChangeRefusal };

/** What a configuration becomes by a change (thesis, chapter 4). */
export function changeConfiguration(before: Configuration, change: ConfigurationChange): ChangeOutcome {
  const { changes, transition } = change;
  if (changes.length === 0) {
    return isJoint(before) ? { changed: true, configuration: leave(before) } : { changed: false, reason: "not_joint" };
  }
  if (isJoint(before)) return { changed: false, reason: "joint_configuration" };
  const joint = transition !== "auto" || changes.length > 1;
  const entered: Configuration = joint
    ? { ...before, outgoing: before.voters, autoLeave: transition !== "explicit" }
    : before;
  const configuration = changes.reduce(changeMember, entered);
  if (configuration.voters.length === 0) return { changed: false, reason: "no_voters" };
  return { changed: true, configuration };
}

function leave(joint: Configuration): Configuration {
  const learners = [...joint.learners, ...joint.learnersNext].sort();
  return { voters: joint.voters, outgoing: [], learners, learnersNext: [], autoLeave: false };
}

function changeMember(before: Configuration, { type, id }: MemberChange): Configuration {
  const without = (ids: readonly NodeId[]): readonly NodeId[] => ids.filter((other) => other !== id);
  const removed: Configuration = {
    ...before,
    voters: without(before.voters),
    learners: without(before.learners),
    learnersNext: without(before.learnersNext),
  };
  switch (type) {
    case "addVoter":
      return { ...removed, voters: [...removed.voters, id].sort() };
    case "addLearner":
      // Whoever still votes in the outgoing half can be a learner only when that half is gone.
      return before.outgoing.includes(id)
        ? { ...removed, learnersNext: [...removed.learnersNext, id].sort() }
        : { ...removed, learners: [...removed.learners, id].sort() };
    case "remove":
      return removed;
  }
}

/** True if the node has no place in the configuration. */
export function isOutside(configuration: Configuration, id: NodeId): boolean {
  return !members(configuration).includes(id);
}
