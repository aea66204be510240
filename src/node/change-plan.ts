/** What a requested change would make of a group, and whether it is wise. */

import { isIdentifier } from "../env.ts";
import {
  type ChangeRequest,
  maxLearners,
  maxVoters,
  type MembershipRefusalCode,
  type RequestedChange,
} from "../membership.ts";
import { changeConfiguration, leaveJoint, type MemberChange } from "../raft/configuration-change.ts";
import { type Configuration, isJoint, isMember } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";
import { majority } from "../raft/quorum.ts";

/** What the leader knows that is to make the change. */
export interface GroupView {
  readonly self: NodeId;
  readonly configuration: Configuration;
  /** Whether the node was heard lately. */
  inContact(id: NodeId): boolean;
  /** Whether the node has nearly all of the log. */
  caughtUp(id: NodeId): boolean;
}

export interface Newcomer {
  readonly id: NodeId;
  readonly locationHint?: string;
}

export interface ChangePlan {
  readonly changes: readonly MemberChange[];
  /** The nodes that have to be made before. */
  readonly newcomers: readonly Newcomer[];
  /** The voters that there will be. */
  readonly voters: readonly NodeId[];
}

export interface PlanRefusal {
  readonly code: MembershipRefusalCode;
  readonly message: string;
}

/** Refusals say what is wrong; those that `force` overcomes say so, too. */
export function planChange({ changes, force }: ChangeRequest, view: GroupView): ChangePlan | PlanRefusal {
  const mistake = mistakeIn(changes) ?? changes.map((change) => misfit(change, force, view)).find(Boolean);
  if (mistake !== undefined) return mistake;
  const memberChanges = changes.map(memberChangeOf);
  const before = view.configuration;
  const outcome = changeConfiguration(before, { changes: memberChanges, transition: "auto" });
  if (!outcome.changed) {
    return outcome.reason === "no_voters"
      ? refusal("no_voters", "No voter would be left, and nobody to lead the group.")
      : refusal("joint_change", "An earlier change of several members is still being completed. Try again.");
  }
  const after = completed(outcome.configuration);
  const newcomers = changes.flatMap((change) => (change.action === "add" ? [newcomerOf(change)] : []));
  const unwise = excess(after) ?? (force ? undefined : risk(before, after, newcomers, view));
  return unwise ?? { changes: memberChanges, newcomers, voters: after.voters };
}

export function isRefusal(plan: ChangePlan | PlanRefusal): plan is PlanRefusal {
  return "code" in plan;
}

/** What is wrong with a request whatever the group is. */
function mistakeIn(changes: readonly RequestedChange[]): PlanRefusal | undefined {
  if (changes.length === 0) return refusal("invalid_change", "Nothing is to be changed.");
  const ids = changes.map(({ id }) => id);
  if (!ids.every(isIdentifier)) {
    return refusal("invalid_change", 'A node is 1 to 64 of letters, digits, "_", "." and "-", the first no sign.');
  }
  if (new Set(ids).size === ids.length) return undefined;
  return refusal("invalid_change", "A node is named twice. To give a name to another storage, remove the node first.");
}

/** What is wrong with one change of this group. */
function misfit(change: RequestedChange, force: boolean, view: GroupView): PlanRefusal | undefined {
  const { configuration } = view;
  const { id, action } = change;
  const belongs = isMember(configuration, id);
  if (action === "add") {
    return belongs ? refusal("member_exists", `${id} is a member already. Promote or demote it.`) : undefined;
  }
  if (!belongs) return refusal("unknown_node", `${id} is no member of this group.`);
  const votes = configuration.voters.includes(id);
  if (action === "promote" && votes) return refusal("role_unchanged", `${id} is a voter already.`);
  if (action === "demote" && !votes) return refusal("role_unchanged", `${id} is a learner already.`);
  if (action !== "promote" || force || view.caughtUp(id)) return undefined;
  const advice = "Wait, or use force=true to have commits wait for it.";
  return refusal("not_caught_up", `${id} lacks too much of the log. ${advice}`);
}

function memberChangeOf(change: RequestedChange): MemberChange {
  const { id } = change;
  switch (change.action) {
    case "add":
      if (change.promote) return { type: "addPromotable", id };
      return { type: change.role === "voter" ? "addVoter" : "addLearner", id };
    case "remove":
      return { type: "remove", id };
    case "promote":
      return { type: "addVoter", id };
    case "demote":
      return { type: "addLearner", id };
  }
}

function newcomerOf({ id, locationHint }: Extract<RequestedChange, { action: "add" }>): Newcomer {
  return locationHint === undefined ? { id } : { id, locationHint };
}

/** The configuration that a joint one leads to. */
function completed(entered: Configuration): Configuration {
  if (!isJoint(entered)) return entered;
  const left = changeConfiguration(entered, leaveJoint);
  return left.changed ? left.configuration : entered;
}

function excess({ voters, learners, promoting }: Configuration): PlanRefusal | undefined {
  if (voters.length + promoting.length > maxVoters) {
    return refusal("too_many_members", `A group has ${maxVoters} voters at most.`);
  }
  if (learners.length <= maxLearners) return undefined;
  return refusal("too_many_members", `A group has ${maxLearners} learners at most.`);
}

function risk(
  before: Configuration,
  after: Configuration,
  newcomers: readonly Newcomer[],
  view: GroupView,
): PlanRefusal | undefined {
  if (becomesPair(before, after)) {
    return refusal(
      "two_voters",
      "Two voters bear no fault: both must live for anything to be done, and there are two to fail, so one alone is safer. " +
        "To replace a node, add and remove in one change; force=true does it nevertheless.",
    );
  }
  const answers = (id: NodeId): boolean =>
    id === view.self || view.inContact(id) || newcomers.some((newcomer) => newcomer.id === id);
  const needed = majority(after.voters.length);
  const silent = after.voters.filter((id) => !answers(id));
  if (after.voters.length - silent.length >= needed) return undefined;
  const group = `Of the voters that would be left (${after.voters.join(", ")}), ${needed} are needed`;
  const advice = "force=true does it nevertheless, and the group may stand still.";
  return refusal("quorum_at_risk", `${group}, and the leader does not hear from ${silent.join(", ")}. ${advice}`);
}

/** Now, or when those that wait for it are promoted. */
function becomesPair(before: Configuration, after: Configuration): boolean {
  const grown = ({ voters, promoting }: Configuration): number => voters.length + promoting.length;
  if (after.voters.length === 2 && before.voters.join() !== after.voters.join()) return true;
  return grown(after) === 2 && grown(before) !== 2;
}

function refusal(code: MembershipRefusalCode, message: string): PlanRefusal {
  return { code, message };
}
