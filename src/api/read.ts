/** Sends a query the way the request asks for: to the leader, or to any node for whatever that holds. */

import type { Consistency } from "../internal.ts";
import { decodeAnswer } from "../kv/answer.ts";
import type { QueryAnswer } from "../kv/answer.ts";
import { encodeQuery } from "../kv/query.ts";
import type { Query } from "../kv/query.ts";
import type { ClusterClient, NodeAnswer } from "./cluster.ts";
import { ApiError } from "./errors.ts";
import { askNodes, type ReadOptions } from "./node-read.ts";
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
  const { body, position } = await askNodes(cluster, target, readOptionsOf(parameters), encodeQuery(query));
  const answer = decodeAnswer(body);
  if (answer === undefined || answer.status === "malformed") throw unexpected({ position });
  return { answer, position };
}

/** Who answers, and from which state, as these parameters say. */
export function readOptionsOf(parameters: Parameters): ReadOptions {
  const consistency = parameters.choice("consistency", ["linearizable", "stale"]) ?? "linearizable";
  return { consistency, node: parameters.text("node"), bounds: boundsOf(parameters, consistency) };
}

function boundsOf(parameters: Parameters, consistency: Consistency): ReadBounds {
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

/** An answer that is none, or not to the question: Worker and nodes run different versions. */
export function unexpected({ position }: Pick<NodeAnswer, "position">): ApiError {
  return new ApiError("unavailable", "The nodes run a version whose answer is not understood.", { position });
}
