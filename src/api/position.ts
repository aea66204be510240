/** Where a node stood when it answered: its term, its index, and whom it takes for the leader. */

import { internalHeader } from "../internal.ts";

/** As the headers say it. */
export interface Position {
  readonly term: string;
  readonly index: string;
  /** Null when the node knows no leader. */
  readonly leader: string | null;
}

export function readPosition(headers: Headers): Position {
  return {
    term: headers.get(internalHeader.term) ?? "0",
    index: headers.get(internalHeader.index) ?? "0",
    leader: headers.get(internalHeader.leader),
  };
}

/** These headers and those of the position. The public names are those of the internal calls. */
export function headersWith(
  position: Position | undefined,
  headers: Readonly<Record<string, string>>,
): Record<string, string> {
  if (position === undefined) return { ...headers };
  const all: Record<string, string> = { ...headers, "x-raft-term": position.term, "x-raft-index": position.index };
  if (position.leader !== null) all["x-raft-leader"] = position.leader;
  return all;
}

export function jsonResponse(
  status: number,
  body: unknown,
  position: Position | undefined,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const all = headersWith(position, { "content-type": "application/json", "cache-control": "no-store", ...headers });
  return new Response(JSON.stringify(body), { status, headers: all });
}
