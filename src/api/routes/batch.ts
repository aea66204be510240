/** `POST /batch`: many writes in one request, each for itself, one JSON object a line. */

import { Hono } from "hono";
import { maxBatchAnswerBytes, maxBatchBytes, maxBatchCommands } from "../../batch.ts";
import { maxIdempotencyKeyLength } from "../../kv/limits.ts";
import type { Operation } from "../../kv/model.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import { readBody } from "../body.ts";
import type { ClusterClient, NodeAnswer } from "../cluster.ts";
import type { IdempotencyWords } from "../encode-write.ts";
import { ApiError, errorJson } from "../errors.ts";
import { groupRequest } from "../group-request.ts";
import { decodeText, parseJsonText } from "../json-fields.ts";
import { onlyMethods } from "../method.ts";
import { OperationReader } from "../operations/read-operation.ts";
import { resultJson } from "../operations/show-result.ts";
import { headersWith, uncached } from "../respond.ts";
import { outcomeOf } from "../store.ts";
import { encodeAsked, idempotencyOf } from "../write.ts";

/** JSON says the same in more bytes than a command does. */
const maxBodyBytes = 2 * maxBatchBytes;
const limits = `A batch is at most ${maxBatchCommands} lines and ${maxBodyBytes} bytes long.`;
/** Room for a line's number behind the batch's key. */
const maxKeyLength = maxIdempotencyKeyLength - 5;

export function batchRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post("/batch", (c) => writeAll(cluster, c));
  routes.all("/batch", onlyMethods("POST"));
  return routes;
}

/**
 * Each line is an operation as a transaction has them, and is answered by a line: what became of it, or its error. A line
 * that makes no sense is an error of the request, and then none of them is done.
 */
async function writeAll(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { request, headers, target } = groupRequest(c);
  const idempotency = idempotencyOf(headers, maxKeyLength);
  const lines = await readLines(request);
  const operationOf = (at: number, nowMs: number): Operation =>
    new OperationReader(nowMs).operation(lines[at], `Line ${at + 1}`);
  const operations = lines.map((_, at) => operationOf(at, 0));
  const maxAnswerBytes = Math.floor(maxBatchAnswerBytes / lines.length);
  const commands = await Promise.all(
    lines.map((_, at) => {
      const asked = (nowMs: number) => single(operationOf(at, nowMs));
      return encodeAsked(asked, idempotency && lineIdempotency(idempotency, at), { maxAnswerBytes });
    }),
  );
  const { answers } = await cluster.proposeAll(target, commands, idempotency !== null);
  const results = answers.map((answer, at) => `${JSON.stringify(lineJson(answer, operations[at]))}\n`);
  const positions = answers.flatMap(({ position }) => position ?? []);
  const last = positions.toSorted((one, other) => Number(one.index) - Number(other.index)).at(-1);
  const all = headersWith(last, { "content-type": "application/x-ndjson", "cache-control": uncached });
  return new Response(results.join(""), { headers: all });
}

async function readLines(request: Request): Promise<readonly unknown[]> {
  const text = decodeText(await readBody(request, { maxBytes: maxBodyBytes, message: limits }));
  const lines = text.split("\n");
  // What follows the last end of a line is a line only if there is something.
  if (lines.at(-1)?.trim() === "") lines.pop();
  if (lines.length > maxBatchCommands) throw new ApiError("too_large", limits);
  if (lines.length === 0) throw new ApiError("invalid_body", "The body has one JSON object a line, and at least one.");
  return lines.map((line, at) => parseJsonText(line, `Line ${at + 1}`));
}

function single(operation: Operation) {
  return { kind: "txn", compares: [], success: [operation], failure: [] } as const;
}

/** Each line takes effect once, so the batch may be sent again as a whole. */
function lineIdempotency({ key, session }: IdempotencyWords, at: number): IdempotencyWords {
  return { key: `${key}/${at + 1}`, session };
}

function lineJson(answer: NodeAnswer | ApiError, operation: Operation | undefined): unknown {
  if (answer instanceof ApiError) return { error: errorJson(answer) };
  const outcome = refusalOr(answer);
  if (outcome instanceof ApiError) return { error: errorJson(outcome) };
  const [result] = outcome.txn.results;
  return { ...(result && resultJson(result, operation)), revision: outcome.revision };
}

/** What the store refuses is a line's result like any other. */
function refusalOr(answer: NodeAnswer): ReturnType<typeof outcomeOf<"txn">> | ApiError {
  try {
    return outcomeOf("txn", answer);
  } catch (error) {
    if (error instanceof ApiError) return error;
    throw error;
  }
}
