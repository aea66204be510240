/** The statements on the append-only table of revisions: one row for each put and each delete of a key. */

import type { Sql, SqlRow } from "../../machine.ts";
import type { LeaseId } from "../model.ts";
import { keyStateOf } from "./key-state.ts";
import type { Content, KeyState, KeyStateRow } from "./key-state.ts";
import { bytesOf } from "./key-text.ts";
import type { KeyRange } from "./key-text.ts";

/** A row to append. A delete has version 0 and nothing else. */
export interface HistoryRow extends Content {
  readonly position: number;
  readonly revision: number;
  readonly timeMs: number;
  readonly previous: number;
  readonly jump: number;
  readonly createRevision: number;
  readonly version: number;
  readonly lease: LeaseId;
  readonly key: Uint8Array;
}

export interface ContentRow extends SqlRow {
  position: number;
  content_type: string;
  metadata: string;
  value?: ArrayBuffer;
}

/** Where in the history a row is. */
export interface PlaceRow extends SqlRow {
  position: number;
  revision: number;
  time_ms: number;
}

/** A row without its texts and its value, and the row of the key before it: 0 for none. */
export interface Change {
  readonly state: KeyState;
  readonly previous: number;
}

interface ChangeRow extends KeyStateRow {
  previous: number;
}

const appendStatement = `INSERT INTO kv_revisions (position, revision, time_ms, previous, jump, create_revision, version,
  lease, key, content_type, metadata, value) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;

/** The columns of a `KeyStateRow`, of a table named `r`. */
export const stateColumns = `r.key AS key, r.position AS position, r.jump AS jump, r.create_revision AS create_revision,
  r.revision AS mod_revision, r.version AS version, r.lease AS lease, length(r.value) AS value_bytes`;

/** From each position back along the key's rows to the first that is no newer than the revision. */
const stateAtStatement = `WITH RECURSIVE walk (origin, position) AS (
    SELECT value, value FROM json_each(?1)
    UNION ALL
    SELECT w.origin, CASE
        WHEN (SELECT j.revision FROM kv_revisions AS j WHERE j.position = r.jump) > ?2 THEN r.jump
        ELSE r.previous
      END
      FROM walk AS w JOIN kv_revisions AS r ON r.position = w.position
      WHERE r.revision > ?2 AND r.previous > 0
  )
  SELECT w.origin AS origin, ${stateColumns}
    FROM walk AS w JOIN kv_revisions AS r ON r.position = w.position WHERE r.revision <= ?2`;

const changesStatement = (condition: string): string => `SELECT r.previous AS previous, ${stateColumns}
  FROM kv_revisions AS r WHERE r.position > ? AND r.position <= ? ${condition} ORDER BY r.position LIMIT ?`;

const sizeColumns = "octet_length(key) + octet_length(content_type) + octet_length(metadata) + length(value)";
/** What a row takes beside its texts, its key and its value, more or less. */
export const rowFrameBytes = 48;

export class History {
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
  }

  append(row: HistoryRow): void {
    this.sql.exec(
      appendStatement,
      row.position,
      row.revision,
      row.timeMs,
      row.previous,
      row.jump,
      row.createRevision,
      row.version,
      row.lease,
      row.key,
      row.contentType,
      row.metadata,
      row.value,
    );
  }

  /** What rows hold beside what the index knows, in no order. Rows that are forgotten are left out. */
  contents(positions: readonly number[], withValues: boolean): ContentRow[] {
    const columns = withValues ? "position, content_type, metadata, value" : "position, content_type, metadata";
    const [only] = positions;
    if (positions.length === 1 && only !== undefined) {
      return this.sql.exec<ContentRow>(`SELECT ${columns} FROM kv_revisions WHERE position = ?`, only).toArray();
    }
    const statement = `SELECT ${columns} FROM kv_revisions WHERE position IN (SELECT value FROM json_each(?))`;
    return this.sql.exec<ContentRow>(statement, JSON.stringify(positions)).toArray();
  }

  /** All of one row that the index does not know. */
  content(position: number): Content {
    const [row] = this.contents([position], true);
    if (row?.value === undefined) throw new Error("the row of a key is missing in the history");
    return { value: new Uint8Array(row.value), contentType: row.content_type, metadata: row.metadata };
  }

  /** The states of keys at a revision, given by the positions of their newest rows; none for keys that had no row then. */
  statesAt(positions: readonly number[], revision: number): ReadonlyMap<number, KeyState> {
    const rows = this.sql.exec<KeyStateRow & { origin: number }>(stateAtStatement, JSON.stringify(positions), revision);
    return new Map(rows.toArray().map((row) => [row.origin, keyStateOf(row)]));
  }

  /** Rows behind `after`, up to `last`, in order. */
  changes(after: number, last: number, limit: number): Change[] {
    return this.sql.exec<ChangeRow>(changesStatement(""), after, last, limit).toArray().map(changeOf);
  }

  /** The same of the keys in a range. */
  changesWithin({ from, to }: KeyRange, after: number, last: number, limit: number): Change[] {
    const statement = changesStatement("AND r.key >= ? AND r.key < ?");
    return this.sql.exec<ChangeRow>(statement, after, last, bytesOf(from), bytesOf(to), limit).toArray().map(changeOf);
  }

  /** What the index knew at these rows, by position. Rows that are forgotten are left out. */
  states(positions: readonly number[]): ReadonlyMap<number, KeyState> {
    const statement = `SELECT ${stateColumns} FROM kv_revisions AS r WHERE r.position IN (SELECT value FROM json_each(?))`;
    const rows = this.sql.exec<KeyStateRow>(statement, JSON.stringify(positions)).toArray();
    return new Map(rows.map((row) => [row.position, keyStateOf(row)]));
  }

  /** The position of the first row of this or a later revision; the one behind all rows when there is none. */
  firstPosition(revision: number, newest: { readonly revision: number; readonly lastPosition: number }): number {
    if (revision > newest.revision) return newest.lastPosition + 1;
    // Each revision has a row at least, which leaves few positions where most revisions have one.
    const from = Math.max(1, revision - 1);
    const to = newest.lastPosition - (newest.revision - revision);
    return (
      this.search(from, Math.max(from, to), (row) => row.revision >= revision)?.position ?? newest.lastPosition + 1
    );
  }

  /** The newest revision that was there at a time; 0 for none. */
  revisionAt(timeMs: number, newest: { readonly revision: number; readonly lastPosition: number }): number {
    const later = this.search(1, newest.lastPosition, (row) => row.time_ms > timeMs);
    return later === null ? newest.revision : later.revision - 1;
  }

  /** The first row behind a position; null when there is none. */
  after(position: number): PlaceRow | null {
    const statement =
      "SELECT position, revision, time_ms FROM kv_revisions WHERE position > ? ORDER BY position LIMIT 1";
    return this.sql.exec<PlaceRow>(statement, position).toArray()[0] ?? null;
  }

  forget(positions: readonly number[]): number {
    const doomed = JSON.stringify(positions);
    const selection = "FROM kv_revisions WHERE position IN (SELECT value FROM json_each(?))";
    const [size] = this.sql
      .exec<{ bytes: number }>(`SELECT ifnull(sum(${sizeColumns} + ${rowFrameBytes}), 0) AS bytes ${selection}`, doomed)
      .toArray();
    this.sql.exec(`DELETE ${selection}`, doomed);
    return size?.bytes ?? 0;
  }

  /** The first row, from one of these positions on, for which `isFound` holds, as it does for all rows behind it. */
  private search(from: number, to: number, isFound: (row: PlaceRow) => boolean): PlaceRow | null {
    let [low, high] = [from, to];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const row = this.after(middle - 1);
      if (row === null || isFound(row)) high = middle;
      else low = row.position + 1;
    }
    const found = this.after(low - 1);
    return found !== null && isFound(found) ? found : null;
  }
}

function changeOf(row: ChangeRow): Change {
  return { state: keyStateOf(row), previous: row.previous };
}
