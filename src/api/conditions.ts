/** Conditional requests (RFC 9110, section 13), with revisions as entity tags. */

import type { Compare } from "../kv/model.ts";
import { oneKey } from "../kv/span.ts";
import { ApiError } from "./errors.ts";

/** A strong tag as this API makes them: a key's `mod_revision`. */
const revisionTag = /^"(0|[1-9]\d{0,15})"$/;
/** What a client may send to have its copy confirmed: a list, or tags that a proxy has weakened by compressing. */
const listedTags = /(?:^|,)\s*(?:W\/)?("[^"]*")(?=\s*(?:,|$))/g;

export function entityTag(modRevision: number): string {
  return `"${modRevision}"`;
}

/**
 * What a write demands of its key; nothing when the list is empty. A condition is never dropped silently: forms that can't
 * be kept are refused, among them weak tags (which RFC 9110 forbids to match in `If-Match`), lists, both headers at once,
 * and conditions on dates.
 */
export function writeCompares(headers: Headers, key: Uint8Array): readonly Compare[] {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (headers.has("if-unmodified-since") || headers.has("if-modified-since")) {
    throw new ApiError("invalid_header", "Values have no dates: use If-Match with the ETag.");
  }
  if (ifMatch === null) {
    if (ifNoneMatch === null) return [];
    if (ifNoneMatch.trim() === "*") return [compare(key, "create", "equal", 0)];
    throw new ApiError("invalid_header", "A write's If-None-Match must be *.");
  }
  if (ifNoneMatch !== null) throw new ApiError("invalid_header", "Use either If-Match or If-None-Match.");
  const exists = compare(key, "create", "greater", 0);
  if (ifMatch.trim() === "*") return [exists];
  const modRevision = matchedRevision(ifMatch);
  const matches = compare(key, "mod", "equal", modRevision);
  // A key that does not exist counts as one of revision 0, and that is no ETag.
  return modRevision === 0 ? [matches, exists] : [matches];
}

/** Refuses the conditions of a request that is not about one key. */
export function refuseConditions(headers: Headers): void {
  const names = ["if-match", "if-none-match", "if-modified-since", "if-unmodified-since"];
  if (!names.some((name) => headers.has(name))) return;
  throw new ApiError("invalid_header", "Conditions are of single keys: use POST /v1/txn.");
}

/** Whether a read goes on, has nothing new to show, or demands another revision. */
export function readCondition(headers: Headers, modRevision: number): "proceed" | "not_modified" | "failed" {
  const ifMatch = headers.get("if-match");
  if (ifMatch !== null && ifMatch.trim() !== "*" && matchedRevision(ifMatch) !== modRevision) return "failed";
  const ifNoneMatch = headers.get("if-none-match");
  if (ifNoneMatch === null) return "proceed";
  const tags = Array.from(ifNoneMatch.matchAll(listedTags), ([, tag]) => tag);
  const known = ifNoneMatch.trim() === "*" || tags.includes(entityTag(modRevision));
  return known ? "not_modified" : "proceed";
}

function compare(key: Uint8Array, target: "create" | "mod", result: Compare["result"], operand: number): Compare {
  return { ...oneKey(key), target, result, operand };
}

function matchedRevision(ifMatch: string): number {
  const [, digits] = revisionTag.exec(ifMatch.trim()) ?? [];
  const revision = Number(digits);
  if (Number.isSafeInteger(revision)) return revision;
  throw new ApiError("invalid_header", 'If-Match must be * or one ETag as this API sent it, such as "7".');
}
