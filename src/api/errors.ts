/** What can go wrong in the public API: a code, its HTTP status and the body that tells the client. */

import { headersWith, uncached } from "./respond.ts";
import { membershipStatus } from "./membership-errors.ts";
import type { Position } from "./position.ts";
import { refusalSentence, storeStatus } from "./store-errors.ts";
import type { Refusal } from "../kv/model.ts";

const statusOf = {
  invalid_key: 400,
  invalid_group: 400,
  invalid_name: 400,
  invalid_parameter: 400,
  invalid_header: 400,
  invalid_body: 400,
  unauthorized: 401,
  no_token_configured: 403,
  not_found: 404,
  method_not_allowed: 405,
  precondition_failed: 412,
  too_large: 413,
  unsupported_encoding: 415,
  /** An index that this group has not come to was never given in an answer of it. */
  future_index: 400,
  /** The group was recovered since the bookmark was given. */
  bookmark_lost: 409,
  ...storeStatus,
  /** Others hold the lock, or wait for it. */
  lock_held: 409,
  lock_not_held: 409,
  /** It does not lead, or not yet. */
  not_elected: 409,
  ...membershipStatus,
  /** A majority of the group still decides: there is nothing to recover. */
  group_alive: 409,
  /** Another node that answers has a newer log than the one that is to survive. */
  newer_survivor: 409,
  overloaded: 429,
  internal: 500,
  /** Nodes answer, but none of them knows a leader. */
  no_leader: 503,
  /** There is a leader, but no majority confirmed the request in time. */
  timeout: 503,
  /** No answer came from the node or nodes that were asked. */
  unavailable: 503,
  /** wrangler.toml lists no valid nodes. */
  misconfigured: 503,
} as const;

export type ErrorCode = keyof typeof statusOf;

/** The HTTP status of an error. */
export function statusOfCode(code: ErrorCode): number {
  return statusOf[code];
}

interface ErrorDetails {
  /** True when the request may still take effect. */
  readonly ambiguous?: boolean;
  readonly headers?: Readonly<Record<string, string>>;
  /** Where the node stood that had part in the answer. */
  readonly position?: Position;
  /** What a client may act on beside the code: further members of `error` in the body. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

/** An operating failure that the client is told of. Its message is public. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly code: ErrorCode;
  readonly ambiguous: boolean;
  readonly headers: Readonly<Record<string, string>>;
  readonly position: Position | undefined;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message);
    this.code = code;
    this.ambiguous = details.ambiguous ?? false;
    this.headers = details.headers ?? {};
    this.position = details.position;
    this.facts = details.facts ?? {};
  }
}

/** What the store refused: the one place where its reasons become codes. */
export function storeRefusal(refusal: Refusal, details: ErrorDetails = {}, revision?: number): ApiError {
  const code = refusal.reason === "malformed" ? "unavailable" : refusal.reason;
  const facts = refusal.reason === "compacted" ? { compact_revision: refusal.compactRevision } : {};
  return new ApiError(code, refusalSentence(refusal, revision), { ...details, facts });
}

/** `lastSeen` stands in where no node had part in the error. */
export function errorResponse(error: ApiError, lastSeen: Position | undefined): Response {
  const status = statusOf[error.code];
  const headers = headersWith(error.position ?? lastSeen, {
    ...error.headers,
    "content-type": "application/json",
    "cache-control": uncached,
    ...(status === 429 || status === 503 ? { "retry-after": "1" } : {}),
  });
  return new Response(JSON.stringify({ error: errorJson(error) }), { status, headers });
}

export function errorJson({ code, message, ambiguous, facts }: ApiError): object {
  return { code, message, ambiguous, ...facts };
}

/** What a caller sees of a mistake in this code: that there is one, and that a write's outcome is not known. */
export function internalError(method: string): ApiError {
  return new ApiError("internal", "The server failed to answer this request.", {
    ambiguous: method !== "GET" && method !== "HEAD",
  });
}
