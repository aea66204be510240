/** Sends a query the way the request asks for: to the leader, or to any node for whatever that holds. */

import type { MemberSpecification } from "../internal.ts";
import { decodeAnswer } from "../kv/answer.ts";
import type { QueryAnswer } from "../kv/answer.ts";
import { encodeQuery } from "../kv/query.ts";
import type { Query } from "../kv/query.ts";
import type { ClusterClient, NodeAnswer } from "./cluster.ts";
import { ApiError } from "./errors.ts";
import type { Parameters } from "./parameters.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** What every read takes: `timeout=`, `consistency=linearizable` (the default) or `stale`, and with the latter `node=`. */
export const readParameters = ["timeout", "consistency", "node"] as const;

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
  const bytes = encodeQuery(query);
  const members = staleMembers(target, parameters);
  const { body, position } = await (members === null
    ? cluster.query(target, bytes)
    : cluster.queryStale(target, bytes, members));
  const answer = decodeAnswer(body);
  if (answer === undefined || answer.status === "malformed") throw unexpected({ position });
  return { answer, position };
}

/** The nodes that a stale read may be answered by; null for a linearizable one. */
function staleMembers(target: Target, parameters: Parameters): readonly MemberSpecification[] | null {
  const consistency = parameters.choice("consistency", ["linearizable", "stale"]);
  const node = parameters.text("node");
  if (consistency !== "stale") {
    if (node === undefined) return null;
    throw new ApiError("invalid_parameter", "node needs consistency=stale: any other read is the leader's to answer.");
  }
  if (node === undefined) return target.members;
  const members = target.members.filter((member) => member.id === node);
  if (members.length > 0) return members;
  const ids = target.members.map((member) => member.id).join(", ");
  throw new ApiError("invalid_parameter", `The nodes of this group are ${ids}.`);
}

/** An answer that is none, or not to the question: Worker and nodes run different versions. */
export function unexpected({ position }: Pick<NodeAnswer, "position">): ApiError {
  return new ApiError("unavailable", "The nodes run a version whose answer is not understood.", { position });
}
