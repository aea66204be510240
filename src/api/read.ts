/** Sends a query the way the request asks for: to the leader, or to any node for whatever that holds. */

import type { Consistency, MemberSpecification } from "../internal.ts";
import { decodeAnswer } from "../kv/answer.ts";
import type { QueryAnswer } from "../kv/answer.ts";
import { encodeQuery } from "../kv/query.ts";
import type { Query } from "../kv/query.ts";
import type { ClusterClient, NodeAnswer } from "./cluster.ts";
import { ApiError } from "./errors.ts";
import type { Parameters } from "./parameters.ts";
import type { Position } from "./position.ts";
import { stalenessMsOf } from "./target.ts";
import type { ReadBounds } from "./node-call.ts";
import type { Target } from "./target.ts";

/**
 * What every read takes: `timeout=`; `consistency=linearizable` (the default) or `stale`, the latter with
 * `max_staleness=`; `node=`, the node that is to answer; and `min_index=`, the `X-Raft-Index` of an earlier answer that
 * this one must not fall behind.
 */
export const readParameters = ["timeout", "consistency", "max_staleness", "node", "min_index"] as const;

export interface ReadAnswer {
  readonly answer: QueryAnswer;
  readonly position: Position;
}

export async function read(
  cluster: ClusterClient,
  target: Target,
  parameters: Parameters,
  query: Query,
): Promise<ReadAnswer> {
  const { body, position } = await ask(cluster, target, parameters, encodeQuery(query));
  const answer = decodeAnswer(body);
  if (answer === undefined || answer.status === "malformed") throw unexpected({ position });
  return { answer, position };
}

async function ask(
  cluster: ClusterClient,
  target: Target,
  parameters: Parameters,
  query: Uint8Array,
): Promise<NodeAnswer> {
  const consistency = parameters.choice("consistency", ["linearizable", "stale"]) ?? "linearizable";
  const bounds = boundsOf(parameters, consistency);
  const members = cluster.members(target);
  const named = namedMember(members, parameters.text("node"));
  if (named !== undefined) return cluster.queryNodes(target, query, [named], consistency, bounds);
  if (consistency === "linearizable") return cluster.query(target, query, bounds);
  try {
    return await cluster.queryNodes(target, query, members, consistency, bounds);
  } catch (error) {
    // Where no node is sure to be new enough, the leader is; and it is found, or elected, within the time.
    if (bounds.maxStalenessMs === undefined) throw error;
    return cluster.query(target, query, bounds);
  }
}

/** What else the state must hold that is read. */
export function boundsOf(parameters: Parameters, consistency: Consistency): ReadBounds {
  const maxStalenessMs = stalenessMsOf(parameters.text("max_staleness"));
  if (maxStalenessMs !== undefined && consistency !== "stale") {
    throw new ApiError("invalid_parameter", "max_staleness needs consistency=stale.");
  }
  const minIndex = indexOf(parameters.text("min_index"));
  return {
    ...(maxStalenessMs !== undefined && { maxStalenessMs }),
    ...(minIndex !== undefined && { minIndex }),
  };
}

function indexOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const index = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(index)) return index;
  throw new ApiError("invalid_parameter", "min_index must be a whole number, the X-Raft-Index of an earlier answer.");
}

function namedMember(
  members: readonly MemberSpecification[],
  node: string | undefined,
): MemberSpecification | undefined {
  if (node === undefined) return undefined;
  const member = members.find(({ id }) => id === node);
  if (member !== undefined) return member;
  const ids = members.map(({ id }) => id).join(", ");
  throw new ApiError("invalid_parameter", `The nodes of this group are ${ids}.`);
}

/** An answer that is none, or not to the question: Worker and nodes run different versions. */
export function unexpected({ position }: Pick<NodeAnswer, "position">): ApiError {
  return new ApiError("unavailable", "The nodes run a version whose answer is not understood.", { position });
}
