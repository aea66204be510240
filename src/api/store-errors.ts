/** What the key-value store refuses, in the public API: the HTTP status of each code and the sentence that goes with it. */

import { maxAnswerBytes, maxLeases, maxOperations, maxSessions, maxTxnDepth } from "../kv/limits.ts";
import type { Refusal } from "../kv/model.ts";
import { maxReadOperations } from "../kv/operation-codec.ts";

type StoreRefusalCode = Exclude<Refusal["reason"], "malformed">;

export const storeStatus = {
  duplicate_key: 400,
  too_many_operations: 400,
  answer_too_large: 400,
  /** The revision that is asked for is forgotten. */
  compacted: 410,
  future_revision: 400,
  lease_not_found: 404,
  lease_exists: 409,
  too_many_leases: 429,
  key_not_found: 404,
  not_a_number: 409,
  number_overflow: 409,
  idempotency_key_reused: 409,
  session_expired: 409,
  too_many_sessions: 429,
} as const satisfies Record<StoreRefusalCode, number>;

/** A refusal as a client reads it; `revision` is the store's. */
export function refusalSentence(refusal: Refusal, revision?: number): string {
  if (refusal.reason === "future_revision" && revision !== undefined) {
    return `The store has not come to that revision yet, only to ${revision}.`;
  }
  if (refusal.reason !== "compacted") return sentences[refusal.reason];
  return `What was before revision ${refusal.compactRevision} is forgotten: history was compacted.`;
}

const answerMegabytes = maxAnswerBytes / (1024 * 1024);

const sentences = {
  malformed: "The nodes run a version that does not know this request.",
  duplicate_key: "A transaction puts a key once at most, and deletes none that it puts.",
  too_many_operations: `A transaction has ${maxOperations} compares and operations a list at most, those within it included, ${maxTxnDepth} deep, and ${maxReadOperations} in all: do it in several.`,
  answer_too_large: `The answer would exceed ${answerMegabytes} MiB: ask for fewer keys at once, or without values.`,
  future_revision: "The store has not come to that revision yet.",
  lease_not_found: "There is no such lease: it has expired, was revoked, or never was.",
  lease_exists: "There is a lease with that id already: choose another id, or none.",
  too_many_leases: `The store has ${maxLeases} leases, as many as it may: revoke some, or share one among keys.`,
  key_not_found: "There is no such key.",
  not_a_number: "The value is no whole number of 64 bits in decimal digits.",
  number_overflow: "The sum is no whole number of 64 bits.",
  idempotency_key_reused: "Another request has used this Idempotency-Key: a new request needs a new one.",
  session_expired: "The session has expired, or never was: whether an earlier attempt took effect is not known.",
  too_many_sessions: `The store has ${maxSessions} sessions, as many as it may: use them again, and open them with a shorter ttl.`,
} as const satisfies Record<Exclude<Refusal["reason"], "compacted">, string>;
