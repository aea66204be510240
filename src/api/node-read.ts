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
  const asked = { query, consistency, bounds };
  if (node !== undefined) return await cluster.queryNodes(target, { ...asked, members: [namedMember(members, node)] });
  if (consistency === "linearizable") return await cluster.query(target, query, bounds);
  if (bounds.maxStalenessMs === undefined) return await cluster.queryNodes(target, { ...asked, members });
  const startMs = Date.now();
  try {
    return await cluster.queryNodes(target, { ...asked, members, once: true });
  } catch (error) {
    // Where no node is sure to be new enough, the leader is; and it is found, or elected, within the time.
    const timeoutMs = target.timeoutMs - (Date.now() - startMs);
    if (timeoutMs <= 0 || (error instanceof ApiError && error.code === "future_index")) throw error;
    return await cluster.query({ ...target, timeoutMs }, query, bounds);
  }
}

function namedMember(members: readonly MemberSpecification[], node: string): MemberSpecification {
  const member = members.find(({ id }) => id === node);
  if (member !== undefined) return member;
  const ids = members.map(({ id }) => id).join(", ");
  throw new ApiError("invalid_parameter", `node must be one of this group's: ${ids}.`);
}
