/** Where in the history a watch is. */

import type { History } from "../store/history.ts";

/** Before the row at `position`. Positions and revisions are the same on all nodes. */
export interface Place {
  readonly position: number;
  /** The revision of that row: what comes next. */
  readonly revision: number;
  /** How many rows of that revision are before it. */
  readonly rows: number;
}

/** The newest revision and its last row, up to which a history is looked at. */
export interface Extent {
  readonly revision: number;
  readonly lastPosition: number;
}

export function placeBehind({ revision, lastPosition }: Extent): Place {
  return { position: lastPosition + 1, revision: revision + 1, rows: 0 };
}

export function placeAt(history: History, position: number, extent: Extent): Place {
  const row = position > extent.lastPosition ? null : history.after(position - 1);
  if (row === null || row.position > extent.lastPosition) return placeBehind(extent);
  const first = history.firstPosition(row.revision, extent);
  return { position: row.position, revision: row.revision, rows: row.position - first };
}

/** Behind so many rows of a revision that the extent has. */
export function placeOf(history: History, revision: number, rows: number, extent: Extent): Place {
  return placeAt(history, history.firstPosition(revision, extent) + rows, extent);
}
