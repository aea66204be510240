/** Sends a query the way the request asks for: to the leader, or to any node for whatever that holds. */

import type { Consistency } from "../internal.ts";
import { decodeAnswer } from "../kv/answer-codec.ts";
import type { Query, QueryAnswer } from "../kv/model.ts";
import { encodeQuery } from "../kv/query-codec.ts";
import type { Bookmark } from "./bookmark.ts";
import type { ClusterClient, NodeAnswer } from "./cluster.ts";
import { ApiError } from "./errors.ts";
import type { GroupRequest } from "./group-request.ts";
import type { ReadBounds } from "./node-call.ts";
import { askNodes, type ReadOptions } from "./node-read.ts";
import type { Parameters } from "./parameters.ts";
import { bookmarkOf, checkGeneration } from "./seen.ts";
import { type Found, foundIn } from "./store.ts";
import { stalenessMsOf } from "./target.ts";

/**
 * What every read takes beside `timeout=`: `consistency=linearizable` (the default) or `stale`, the latter with
 * `max_staleness=`; `node=`, the node that is to answer; and `min_index=`, the `X-Raft-Index` of an earlier answer that
 * this one must not fall behind, as a bookmark in the header `X-Raft-Bookmark` does.
 */
export const readParameters = ["timeout", "consistency", "max_staleness", "node", "min_index"] as const;

export async function read<Status extends QueryAnswer["status"]>(
  cluster: ClusterClient,
  request: GroupRequest,
  status: Status,
  query: Query,
): Promise<Found<Status>> {
  const bookmark = bookmarkOf(request.headers);
  if (bookmark !== undefined) checkGeneration(bookmark, cluster.lastPosition(request.target.group));
  const options = readOptionsOf(request.parameters, bookmark);
  const ask = (asked: ReadOptions): Promise<NodeAnswer> => {
    const answer = askNodes(cluster, request.target, asked, encodeQuery(query));
    return bookmark === undefined ? answer : checked(answer, bookmark);
  };
  const answer = await ask(options);
  if (options.consistency === "linearizable" || !isOfFuture(query, answer)) return foundIn(status, answer);
  // The future of a node that is behind may be everybody else's past.
  return foundIn(status, await ask({ ...options, consistency: "linearizable" }));
}

/** Who answers, and from which state, as these parameters say. */
export function readOptionsOf(parameters: Parameters, bookmark?: Bookmark): ReadOptions {
  const consistency = parameters.choice("consistency", ["linearizable", "stale"]) ?? "linearizable";
  return { consistency, node: parameters.text("node"), bounds: boundsOf(parameters, consistency, bookmark) };
}

/** The revision whose state is to be read, one that the store has had; 0 for the present one. */
export function revisionOf(parameters: Parameters): number {
  const text = parameters.text("revision");
  if (text === undefined) return 0;
  const revision = /^\d{1,16}$/.test(text) ? Number(text) : 0;
  if (revision >= 1 && Number.isSafeInteger(revision)) return revision;
  throw new ApiError("invalid_parameter", "revision must be a whole number from 1 on.");
}

function boundsOf(parameters: Parameters, consistency: Consistency, bookmark: Bookmark | undefined): ReadBounds {
  const maxStalenessMs = stalenessMsOf(parameters.text("max_staleness"));
  if (maxStalenessMs !== undefined && consistency !== "stale") {
    throw new ApiError("invalid_parameter", "max_staleness needs consistency=stale.");
  }
  const minIndex = Math.max(indexOf(parameters.text("min_index")), bookmark?.index ?? 0);
  return {
    ...(maxStalenessMs !== undefined && { maxStalenessMs }),
    ...(minIndex > 0 && { minIndex }),
  };
}

function indexOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const index = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(index)) return index;
  throw new ApiError("invalid_parameter", "min_index must be a whole number, the X-Raft-Index of an earlier answer.");
}

/** The answer of a group that has all of what was seen when the bookmark was given. */
async function checked(asked: Promise<NodeAnswer>, bookmark: Bookmark): Promise<NodeAnswer> {
  const answer = await asked.catch((error: unknown) => {
    // A node that waited in vain for the index of another group tells by its own which group it belongs to.
    if (error instanceof ApiError) checkGeneration(bookmark, error.position);
    throw error;
  });
  const { position } = answer;
  checkGeneration(bookmark, position);
  if (position.generation >= bookmark.generation) return answer;
  throw new ApiError("unavailable", "The node that answered was left behind by a recovery of its group.", { position });
}

function isOfFuture(query: Query, { body }: NodeAnswer): boolean {
  if ((query.kind !== "range" && query.kind !== "list") || query.revision <= 0) return false;
  const answer = decodeAnswer(body);
  return answer?.status === "refused" && answer.refusal.reason === "future_revision";
}

/** An answer that is none, or not to the question: Worker and nodes run different versions. */
export function unexpected({ position }: Pick<NodeAnswer, "position">): ApiError {
  return new ApiError("unavailable", "The nodes run a version whose answer is not understood.", { position });
}
