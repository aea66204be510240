/** Conditional requests (RFC 9110, section 13), with revisions as entity tags. */

import type { Precondition } from "../kv/command.ts";
import { ApiError } from "./errors.ts";

/** A strong tag as this API makes them: a key's `mod_revision`. */
const revisionTag = /^"(0|[1-9]\d{0,15})"$/;
/** What a client may send to have its copy confirmed: a list, or tags that a proxy has weakened by compressing. */
const listedTags = /(?:^|,)\s*(?:W\/)?("[^"]*")(?=\s*(?:,|$))/g;

export function entityTag(modRevision: number): string {
  return `"${modRevision}"`;
}

/**
 * What a write demands. A condition is never dropped silently: forms that can't be kept are refused, among them weak tags
 * (which RFC 9110 forbids to match in `If-Match`), lists, both headers at once, and conditions on dates.
 */
export function writePrecondition(headers: Headers): Precondition {
  const ifMatch = headers.get("if-match");
  const ifNoneMatch = headers.get("if-none-match");
  if (headers.has("if-unmodified-since") || headers.has("if-modified-since")) {
    throw new ApiError("invalid_header", "Values have no dates: use If-Match with the ETag.");
  }
  if (ifMatch === null) {
    if (ifNoneMatch === null) return { kind: "none" };
    if (ifNoneMatch.trim() === "*") return { kind: "absent" };
    throw new ApiError("invalid_header", "A write's If-None-Match must be *.");
  }
  if (ifNoneMatch !== null) throw new ApiError("invalid_header", "Use either If-Match or If-None-Match.");
  return ifMatch.trim() === "*" ? { kind: "present" } : { kind: "revision", modRevision: matchedRevision(ifMatch) };
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

function matchedRevision(ifMatch: string): number {
  const [, digits] = revisionTag.exec(ifMatch.trim()) ?? [];
  const revision = Number(digits);
  if (Number.isSafeInteger(revision)) return revision;
  throw new ApiError("invalid_header", 'If-Match must be * or one ETag as this API sent it, such as "7".');
}
