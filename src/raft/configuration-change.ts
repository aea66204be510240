/** How configurations change: which changes are possible, and what they lead to. */

import type { NodeId } from "./entry.ts";
import { type Configuration, isJoint, members, simpleConfiguration } from "./configuration.ts";

/** One node's change. Adding a voter as a learner demotes it, adding a learner as a voter promotes it. */
export interface MemberChange {
  /** `addPromotable` adds a learner that becomes a voter as soon as it has caught up. */
  readonly type: "addVoter" | "addLearner" | "addPromotable" | "remove";
  readonly id: NodeId;
  /** Replaces the member's attributes; without it they stay as they are. */
  readonly attributes?: string;
}

/** A change of the configuration, as an entry of the log carries it. */
export interface ConfigurationChange {
  /** What changes; nothing in a change that leaves a joint configuration. */
  readonly changes: readonly MemberChange[];
  /**
   * How a joint configuration is entered and left. `auto` uses one only if more than one change is asked for; `implicit`
   * always does. Both are left by the leader itself as soon as they are in force. `explicit` waits for a change that says so.
   * `forced` is no change of what was: only those that it adds are members from then on. No leader proposes it: it is
   * written into the log of a node whose group has lost its majority for good, before that node leads a group of its own.
   */
  readonly transition: "auto" | "implicit" | "explicit" | "forced";
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
  if (transition === "forced") return withVoters(changes.reduce(changeMember, simpleConfiguration([])));
  if (changes.length === 0) {
    return isJoint(before) ? { changed: true, configuration: leave(before) } : { changed: false, reason: "not_joint" };
  }
  if (isJoint(before)) return { changed: false, reason: "joint_configuration" };
  const joint = transition !== "auto" || changes.length > 1;
  const entered: Configuration = joint
    ? { ...before, outgoing: before.voters, autoLeave: transition !== "explicit" }
    : before;
  return withVoters(changes.reduce(changeMember, entered));
}

function withVoters(configuration: Configuration): ChangeOutcome {
  if (configuration.voters.length === 0) return { changed: false, reason: "no_voters" };
  return { changed: true, configuration };
}

function leave(joint: Configuration): Configuration {
  const learners = [...joint.learners, ...joint.learnersNext].sort();
  const left: Configuration = { ...joint, outgoing: [], learners, learnersNext: [], autoLeave: false };
  return { ...left, attributes: attributesOf(left, joint.attributes) };
}

/** Only members have attributes: whoever comes back comes anew. */
function attributesOf(configuration: Configuration, all: Configuration["attributes"]): Configuration["attributes"] {
  const left = members(configuration);
  return Object.fromEntries(Object.entries(all).filter(([id]) => left.includes(id)));
}

function changeMember(before: Configuration, change: MemberChange): Configuration {
  const { id, attributes } = change;
  const placed = placeMember(before, change);
  const all = attributes === undefined ? before.attributes : { ...before.attributes, [id]: attributes };
  return { ...placed, attributes: attributesOf(placed, all) };
}

function placeMember(before: Configuration, { type, id }: MemberChange): Configuration {
  const without = (ids: readonly NodeId[]): readonly NodeId[] => ids.filter((other) => other !== id);
  const including = (ids: readonly NodeId[]): readonly NodeId[] => [...without(ids), id].sort();
  const removed: Configuration = {
    ...before,
    voters: without(before.voters),
    learners: without(before.learners),
    learnersNext: without(before.learnersNext),
    promoting: without(before.promoting),
  };
  if (type === "remove") return removed;
  if (type === "addVoter") return { ...removed, voters: including(removed.voters) };
  const promoting = type === "addPromotable" ? including(removed.promoting) : removed.promoting;
  // Whoever still votes in the outgoing half can be a learner only when that half is gone.
  return before.outgoing.includes(id)
    ? { ...removed, promoting, learnersNext: including(removed.learnersNext) }
    : { ...removed, promoting, learners: including(removed.learners) };
}
