/** Where a read is answered, and what its state must hold: at the leader, or at any node. */

import type { Consistency, MemberSpecification } from "../internal.ts";
import type { ClusterClient, NodeAnswer } from "./cluster.ts";
import { ApiError } from "./errors.ts";
import type { ReadBounds } from "./node-call.ts";
import type { Target } from "./target.ts";

export interface ReadOptions {
  /** `linearizable` unless said. */
  readonly consistency?: Consistency | undefined;
  /** The node that is to answer. */
  readonly node?: string | undefined;
  readonly bounds?: ReadBounds | undefined;
}

/** Throws an `ApiError` when no node answers so. */
export async function askNodes(
  cluster: ClusterClient,
  target: Target,
  { consistency = "linearizable", node, bounds = {} }: ReadOptions,
  query: Uint8Array,
): Promise<NodeAnswer> {
  const members = cluster.members(target);
  if (node !== undefined) {
    return await cluster.queryNodes(target, query, [namedMember(members, node)], consistency, bounds);
  }
  if (consistency === "linearizable") return await cluster.query(target, query, bounds);
  try {
    return await cluster.queryNodes(target, query, members, consistency, bounds);
  } catch (error) {
    // Where no node is sure to be new enough, the leader is; and it is found, or elected, within the time.
    if (bounds.maxStalenessMs === undefined) throw error;
    return await cluster.query(target, query, bounds);
  }
}

function namedMember(members: readonly MemberSpecification[], node: string): MemberSpecification {
  const member = members.find(({ id }) => id === node);
  if (member !== undefined) return member;
  const ids = members.map(({ id }) => id).join(", ");
  throw new ApiError("invalid_parameter", `The nodes of this group are ${ids}.`);
}
