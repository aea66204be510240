/** `PUT`, `DELETE` and `POST` of `/kv/{key}`: a value, no value, and a number that grows. */

import { conditional, deleteOf } from "../../kv/operations.ts";
import type { OperationResult } from "../../kv/model.ts";
import { oneKey } from "../../kv/span.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { entityTag, writeCompares } from "../conditions.ts";
import { ApiError } from "../errors.ts";
import { groupRequest } from "../group-request.ts";
import type { GroupRequest } from "../group-request.ts";
import { incrementedKeyOf, keyOf } from "../key-path.ts";
import { refuseBody } from "../body.ts";
import { parseInt64 } from "../int64.ts";
import { jsonResponse } from "../respond.ts";
import { keyJson, leaseJson, revisionsJson } from "../../kv/item-json.ts";
import { putParameters, readPut } from "../write-request.ts";
import { idempotencyOf, write } from "../write.ts";
import type { Asked, Written } from "../write.ts";

type Kind = Exclude<OperationResult["kind"], "txn" | "range">;
type ResultOf<Wanted extends Kind> = Extract<OperationResult, { readonly kind: Wanted }>;

export async function putKey(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const request = groupRequest(c, putParameters);
  const key = keyOf(request.rest);
  const { result, revision, position } = await send(cluster, request, "put", await readPut(request, key));
  const body = { ...keyJson(key), revision, ...revisionsJson(result), ...leaseJson(result.lease) };
  const headers = { etag: entityTag(result.modRevision) };
  return jsonResponse(result.created ? 201 : 200, body, position, headers);
}

/** In the answer, `revision` is the store's after the deletion; the others are the last ones that the key had. */
export async function deleteKey(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const request = groupRequest(c);
  const key = keyOf(request.rest);
  const operation = conditional(deleteOf(oneKey(key), "keys"), writeCompares(request.headers, key), key);
  const { result, revision, position, ambiguous } = await send(cluster, request, "delete", () => operation);
  const [item] = result.previous;
  if (item === undefined) throw new ApiError("key_not_found", "There is no such key.", { position, ambiguous });
  return jsonResponse(200, { ...keyJson(key), revision, ...revisionsJson(item) }, position);
}

/** `POST /kv/{key}/increment` adds `by`, or one, to a number; a missing key counts as 0. */
export async function incrementKey(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const request = groupRequest(c, ["by"]);
  const key = incrementedKeyOf(request.rest);
  const delta = deltaOf(request.parameters.text("by"));
  const compares = writeCompares(request.headers, key);
  await refuseBody(request.request, "An increment takes no body: use ?by=.");
  const operation = conditional({ kind: "increment", key, delta }, compares, key);
  const { result, revision, position } = await send(cluster, request, "increment", () => operation);
  const body = { ...keyJson(key), value: result.value, revision, ...revisionsJson(result) };
  return jsonResponse(result.created ? 201 : 200, body, position, { etag: entityTag(result.modRevision) });
}

function deltaOf(text = "1"): string {
  const delta = parseInt64(text);
  if (delta !== undefined) return delta;
  throw new ApiError("invalid_parameter", "by must be a whole number of 64 bits in decimal digits.");
}

/** Replicates a write to one key. Throws what the store refused, and when the key is not as it should be. */
async function send<Wanted extends Kind>(
  cluster: ClusterClient,
  { target, headers }: GroupRequest,
  kind: Wanted,
  asked: Asked,
): Promise<Written<"txn"> & { readonly result: ResultOf<Wanted> }> {
  const written = await write(cluster, target, idempotencyOf(headers), "txn", asked);
  const [result] = written.txn.results;
  if (!written.txn.succeeded) throw preconditionFailed(result, written);
  if (result?.kind !== kind) throw new Error(`a ${kind} was answered as a ${result?.kind}`);
  return { ...written, result: result as ResultOf<Wanted> };
}

function preconditionFailed(result: OperationResult | undefined, { position, ambiguous }: Written<"txn">): ApiError {
  const [item] = result?.kind === "range" ? result.items : [];
  if (item === undefined) {
    return new ApiError("precondition_failed", "There is no such key.", { position, ambiguous });
  }
  const etag = entityTag(item.modRevision);
  return new ApiError("precondition_failed", `The key's ETag is ${etag}.`, { position, ambiguous, headers: { etag } });
}
