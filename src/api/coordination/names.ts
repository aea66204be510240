/** Names of locks and elections: in addresses, and in the keys under which their places are. */

import { ApiError } from "../errors.ts";
import { decodePercent } from "../percent.ts";

const maxNameBytes = 256;
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });
const encoder = new TextEncoder();

/** The name that a segment of a path stands for. */
export function nameOf(segment: string): string {
  const bytes = decodePercent(segment);
  // What is not UTF-8 becomes U+FFFD, and is refused as what no name has.
  return checkedName(bytes === undefined ? "" : decoder.decode(bytes));
}

/** Throws for what is no name. */
export function checkedName(name: unknown): string {
  const isText = typeof name === "string" && name.isWellFormed() && !name.includes("\uFFFD");
  const length = isText ? encoder.encode(name).length : 0;
  if (isText && length >= 1 && length <= maxNameBytes) return name;
  throw new ApiError(
    "invalid_name",
    `A name is 1 to ${maxNameBytes} bytes of UTF-8, percent-encoded in addresses, with a slash as %2F.`,
  );
}

/**
 * What etcd's locks and elections would call it: those of both APIs are the same. A slash in the name stays encoded, or
 * the places of `a/b` would be among those of `a`.
 */
export function storedName(kind: "locks" | "elections", name: string): Uint8Array {
  return encoder.encode(`${kind}/${name.replaceAll("%", "%25").replaceAll("/", "%2F")}`);
}
