/** Builds responses that tell where the answering node stood. */

import { bookmarkHeader, encodeBookmark } from "./bookmark.ts";
import type { Position } from "./position.ts";

/** Not to be kept, nor compressed on the way: a proxy that compresses weakens an ETag, which then no `If-Match` may use. */
export const uncached = "no-store, no-transform";

/** These headers and those of the position. */
export function headersWith(
  position: Position | undefined,
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  if (position === undefined) return { ...headers };
  const { node, term, index, leader, generation } = position;
  return {
    ...headers,
    "x-raft-term": term,
    "x-raft-index": index,
    ...(leader !== null && { "x-raft-leader": leader }),
    ...(node !== "" && { "x-raft-served-by": node }),
    [bookmarkHeader]: encodeBookmark({ generation, index: Number(index) }),
  };
}

export function jsonResponse(
  status: number,
  body: unknown,
  position: Position | undefined,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const all = headersWith(position, { "content-type": "application/json", "cache-control": uncached, ...headers });
  return new Response(JSON.stringify(body), { status, headers: all });
}
