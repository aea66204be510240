/** `PUT` and `DELETE` of `/kv/{key}`. */

import type { Command } from "../../kv/command.ts";
import { decodeResult } from "../../kv/result.ts";
import type { CommandResult } from "../../kv/result.ts";
import type { ApiContext } from "../app-types.ts";
import type { ClusterClient, NodeAnswer } from "../cluster.ts";
import { entityTag, writePrecondition } from "../conditions.ts";
import { ApiError } from "../errors.ts";
import { keyOf } from "../key-path.ts";
import { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import { keyJson, revisionsJson } from "../representation.ts";
import { splitPath, targetOf } from "../target.ts";
import type { Target } from "../target.ts";
import { encodeWrite, idempotencyKeyOf, putCommand } from "../write-request.ts";

const known = ["timeout"];

export async function putKey(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const write = writeOf(c);
  const { result, answer } = await send(cluster, write, await putCommand(c.req.raw, write.key));
  if (result.status !== "put") throw unexpectedResult(answer);
  const body = { ...keyJson(write.key), revision: result.modRevision, ...revisionsJson(result) };
  const headers = { etag: entityTag(result.modRevision) };
  return jsonResponse(result.created ? 201 : 200, body, answer.position, headers);
}

/** In the answer, `revision` is the store's after the deletion; the others are the last ones that the key had. */
export async function deleteKey(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const write = writeOf(c);
  const precondition = writePrecondition(c.req.raw.headers);
  const command: Command = { kind: "delete", key: write.key, precondition, idempotency: null };
  const { result, answer } = await send(cluster, write, command);
  if (result.status !== "deleted") throw unexpectedResult(answer);
  const body = { ...keyJson(write.key), revision: result.revision, ...revisionsJson(result) };
  return jsonResponse(200, body, answer.position);
}

interface Write {
  readonly target: Target;
  readonly key: Uint8Array;
  readonly idempotencyKey: string | null;
}

function writeOf(c: ApiContext): Write {
  const { group, rest } = splitPath(c.req.path);
  const target = targetOf(c.env, group, new Parameters(c.req.raw.url, known));
  return { target, key: keyOf(rest), idempotencyKey: idempotencyKeyOf(c.req.raw.headers) };
}

interface Outcome {
  readonly result: CommandResult;
  readonly answer: NodeAnswer;
}

/** Replicates a command. Throws what the store refused. */
async function send(cluster: ClusterClient, { target, idempotencyKey }: Write, command: Command): Promise<Outcome> {
  const bytes = await encodeWrite(command, idempotencyKey);
  const answer = await cluster.propose(target, bytes, idempotencyKey !== null);
  const result = decodeResult(answer.body);
  if (result === undefined) throw unexpectedResult(answer);
  // A refusal comes from the last attempt; an earlier one that is still on its way may yet take effect.
  const details = { position: answer.position, ambiguous: answer.ambiguous };
  switch (result.status) {
    case "put":
    case "deleted":
      return { result, answer };
    case "precondition_failed":
      throw preconditionFailed(result.modRevision, answer);
    case "not_found":
      throw new ApiError("key_not_found", "There is no such key.", details);
    case "idempotency_key_reused":
      throw new ApiError("idempotency_key_reused", "Another request has used this Idempotency-Key.", details);
    case "malformed":
      throw new ApiError("unavailable", "The nodes run a version that does not know this command.", details);
  }
}

function preconditionFailed(modRevision: number | null, { position, ambiguous }: NodeAnswer): ApiError {
  const details = { position, ambiguous };
  if (modRevision === null) return new ApiError("precondition_failed", "There is no such key.", details);
  const etag = entityTag(modRevision);
  return new ApiError("precondition_failed", `The key's ETag is ${etag}.`, { ...details, headers: { etag } });
}

/** The nodes run another version than this Worker, and what their answer means is not known here. */
function unexpectedResult({ position }: NodeAnswer): ApiError {
  const message = "The nodes run a version whose answer is not understood. The write may have taken effect.";
  return new ApiError("unavailable", message, { position, ambiguous: true });
}
