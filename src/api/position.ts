/** Where a node stood when it answered: its term, its index, and whom it takes for the leader. */

import { internalHeader } from "../internal.ts";

/** As the headers say it; the public names are those of the internal calls. */
export interface Position {
  /** The id of the node that answered; empty where none did. */
  readonly node: string;
  readonly term: string;
  readonly index: string;
  /** Null when the node knows no leader. */
  readonly leader: string | null;
  /** How many recoveries led to the node's group: a later one has taken the place of those before. */
  readonly generation: number;
}

export function readPosition(headers: Headers): Position {
  return {
    node: headers.get(internalHeader.node) ?? "",
    term: headers.get(internalHeader.term) ?? "0",
    index: headers.get(internalHeader.index) ?? "0",
    leader: headers.get(internalHeader.leader),
    generation: Number(headers.get(internalHeader.generation) ?? 0),
  };
}
