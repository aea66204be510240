/** `DELETE /kv`: all keys with a prefix, at one revision. */

import { deleteOf } from "../../kv/operations.ts";
import type { KeySpan } from "../../kv/model.ts";
import { allKeys, keysWithPrefix } from "../../kv/span.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { refuseConditions } from "../conditions.ts";
import { ApiError } from "../errors.ts";
import { groupRequest } from "../group-request.ts";
import type { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import { idempotencyOf, write } from "../write.ts";
import { bound } from "./kv-list.ts";

export async function deleteKeys(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { parameters, headers, target } = groupRequest(c, ["prefix", "all"]);
  refuseConditions(headers);
  const operation = deleteOf(spanOf(parameters));
  const { txn, revision, position } = await write(cluster, target, idempotencyOf(headers), "txn", () => {
    return { kind: "txn", compares: [], success: [operation], failure: [] };
  });
  const [result] = txn.results;
  const deleted = result?.kind === "delete" ? result.deleted : 0;
  return jsonResponse(200, { deleted, revision }, position);
}

/** An empty prefix may be a variable that somebody forgot to set: to delete everything takes more than that. */
function spanOf(parameters: Parameters): KeySpan {
  const prefix = bound(parameters, "prefix");
  const all = parameters.flag("all");
  if (prefix !== null && !all) return keysWithPrefix(prefix);
  if (prefix === null && all) return allKeys;
  throw new ApiError("invalid_parameter", "Say which keys to delete: by a prefix that is not empty, or by all=true.");
}
