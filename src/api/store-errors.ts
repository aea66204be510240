/** What the key-value store refuses, in the public API: the HTTP status of each code and the sentence that goes with it. */

import type { Refusal } from "../kv/model.ts";

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

/** A refusal as a client reads it. */
export function refusalSentence(refusal: Refusal): string {
  if (refusal.reason !== "compacted") return sentences[refusal.reason];
  return `What was before revision ${refusal.compactRevision} is forgotten: history was compacted.`;
}

const sentences = {
  malformed: "The nodes run a version that does not know this request.",
  duplicate_key: "A transaction writes a key once at most.",
  too_many_operations: "The transaction has too many compares or operations, or nests too deep.",
  answer_too_large: "The answer would be too large: ask for less at once.",
  future_revision: "The store has not come to that revision yet.",
  lease_not_found: "There is no such lease: it has expired, was revoked, or never was.",
  lease_exists: "There is such a lease already.",
  too_many_leases: "The store has as many leases as it may.",
  key_not_found: "There is no such key.",
  not_a_number: "The value is no whole number of 64 bits in decimal digits.",
  number_overflow: "The sum is no whole number of 64 bits.",
  idempotency_key_reused: "Another request has used this Idempotency-Key.",
  session_expired: "The session has expired, or never was: whether an earlier attempt took effect is not known.",
  too_many_sessions: "The store has as many sessions as it may.",
} as const satisfies Record<Exclude<Refusal["reason"], "compacted">, string>;
