/** The bytes of the reasons for which nothing was done. */

import type { ByteReader } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";
import { readChoice } from "./codec.ts";
import type { Refusal } from "./model.ts";

/** Places in this list are on the wire: new reasons go to its end. */
const reasons = [
  "malformed",
  "duplicate_key",
  "too_many_operations",
  "answer_too_large",
  "compacted",
  "future_revision",
  "lease_not_found",
  "lease_exists",
  "too_many_leases",
  "key_not_found",
  "not_a_number",
  "number_overflow",
  "idempotency_key_reused",
  "session_expired",
  "too_many_sessions",
] as const satisfies readonly Refusal["reason"][];

export function writeRefusal(writer: ByteWriter, refusal: Refusal): void {
  writer.u8(reasons.indexOf(refusal.reason));
  if (refusal.reason === "compacted") writer.u53(refusal.compactRevision);
}

export function readRefusal(reader: ByteReader): Refusal {
  const reason = readChoice(reader, reasons);
  return reason === "compacted" ? { reason, compactRevision: reader.u53() } : { reason };
}
