/** Who belongs to the group, and in which role: a plain value. */

import type { NodeId } from "./entry.ts";

/**
 * The members of a group. While a joint change is under way `outgoing` holds the voters of the configuration that is
 * being left, and every decision needs a majority of both sets (Raft paper, section 6).
 */
export interface Configuration {
  /** They vote, and a majority of them commits. Empty in a node that has not been told of its group yet. */
  readonly voters: readonly NodeId[];
  /** The voters of the configuration that is being left; empty when no joint change is under way. */
  readonly outgoing: readonly NodeId[];
  /** They receive the log but neither vote nor count (thesis, section 4.2.1). */
  readonly learners: readonly NodeId[];
  /** Voters of the configuration that is being left which become learners at its end. */
  readonly learnersNext: readonly NodeId[];
  /** Whether the leader leaves the joint configuration by itself. */
  readonly autoLeave: boolean;
  /** Learners that become voters as soon as they have caught up: whoever leads then sees to it. */
  readonly promoting: readonly NodeId[];
  /** What the host wants every node to know of a member, by its id; opaque to the protocol. */
  readonly attributes: Readonly<Record<NodeId, string>>;
}

/** A configuration with no joint change under way. */
export function simpleConfiguration(voters: readonly NodeId[], learners: readonly NodeId[] = []): Configuration {
  return { voters, outgoing: [], learners, learnersNext: [], autoLeave: false, promoting: [], attributes: {} };
}

export function isJoint(configuration: Configuration): boolean {
  return configuration.outgoing.length > 0;
}

/** Every node that receives the log, each once, in the order of their names. */
export function members({ voters, outgoing, learners }: Configuration): readonly NodeId[] {
  return [...new Set([...voters, ...outgoing, ...learners])].sort();
}

/** True for every node that receives the log. */
export function isMember({ voters, outgoing, learners }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id) || learners.includes(id);
}

/** True for whoever votes, in either half of a joint configuration. */
export function isVoter({ voters, outgoing }: Configuration, id: NodeId): boolean {
  return voters.includes(id) || outgoing.includes(id);
}
