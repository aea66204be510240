/** Replicates what a client asks for, once under its idempotency key if it has one. */

import { maxIdempotencyKeyLength } from "../kv/limits.ts";
import type { Command, CommandBody, CommandResult } from "../kv/model.ts";
import { isHeaderText } from "../kv/text.ts";
import type { ClusterClient } from "./cluster.ts";
import { encodeWrite } from "./encode-write.ts";
import type { IdempotencyWords } from "./encode-write.ts";
import { ApiError } from "./errors.ts";
import { outcomeOf } from "./store.ts";
import type { Outcome } from "./store.ts";
import type { Target } from "./target.ts";

export type { IdempotencyWords } from "./encode-write.ts";

/** What is asked for, where moments become durations from `nowMs` on. Throws for what can't be asked for. */
export type Asked = (nowMs: number) => CommandBody;

/** Where an earlier attempt of the same write may still take effect, the outcome is ambiguous. */
export type Written<Status extends CommandResult["status"]> = Outcome<Status> & { readonly ambiguous: boolean };

export async function write<Status extends CommandResult["status"]>(
  cluster: ClusterClient,
  target: Target,
  once: IdempotencyWords | null,
  status: Status,
  asked: Asked,
): Promise<Written<Status>> {
  const command = await encodeAsked(asked, once);
  const answer = await cluster.propose(target, command, once !== null);
  return { ...outcomeOf(status, answer), ambiguous: answer.ambiguous };
}

/** Moments count from 1970 in what was said, or the same request would be another one when it is sent again. */
export function encodeAsked(
  asked: Asked,
  once: IdempotencyWords | null,
  limits: Pick<Command, "maxAnswerBytes"> = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const body = asked(Date.now());
  return encodeWrite(body, once, once === null ? limits : { ...limits, said: asked(0) });
}

/** From `Idempotency-Key` and `Idempotency-Session`. */
export function idempotencyOf(headers: Headers, maxKeyLength = maxIdempotencyKeyLength): IdempotencyWords | null {
  const key = headers.get("idempotency-key");
  const session = headers.get("idempotency-session");
  if (key === null) {
    if (session === null) return null;
    throw new ApiError("invalid_header", "Idempotency-Session needs an Idempotency-Key.");
  }
  if (key.length < 1 || !isHeaderText(key, maxKeyLength)) {
    throw new ApiError("invalid_header", `Idempotency-Key is 1 to ${maxKeyLength} characters of ASCII.`);
  }
  if (session === null) return { key, session: "" };
  if (session.length >= 1 && isHeaderText(session, maxIdempotencyKeyLength)) return { key, session };
  throw new ApiError(
    "invalid_header",
    "Idempotency-Session must be the id of a session, as POST /v1/sessions gave it.",
  );
}
