/** The statements on the table of keys and values. */

import type { Sql, SqlRow } from "../machine.ts";
import type { Item } from "./answer.ts";
import { maxPageValueBytes } from "./limits.ts";
import type { KeyRange } from "./order.ts";
import type { Revisions } from "./result.ts";

interface RevisionsRow extends SqlRow {
  create_revision: number;
  mod_revision: number;
  version: number;
}

interface ItemRow extends RevisionsRow {
  key: ArrayBuffer;
  content_type: string;
  value_bytes: number;
}

const revisionColumns = "create_revision, mod_revision, version";
const itemColumns = `key, ${revisionColumns}, content_type, length(value) AS value_bytes`;

const putStatement = `INSERT INTO kv_pairs (key, ${revisionColumns}, content_type, value)
  VALUES (?1, ?2, ?2, 1, ?3, ?4)
  ON CONFLICT (key) DO UPDATE SET mod_revision = excluded.mod_revision, version = version + 1,
    content_type = excluded.content_type, value = excluded.value
  RETURNING ${revisionColumns}`;

export class Pairs {
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
  }

  revisions(key: Uint8Array): Revisions | undefined {
    const statement = `SELECT ${revisionColumns} FROM kv_pairs WHERE key = ?`;
    const [row] = this.sql.exec<RevisionsRow>(statement, key).toArray();
    return row && revisionsOf(row);
  }

  /** Puts a value at a revision, whether or not the key exists: one statement, for every node runs it for every put. */
  put(key: Uint8Array, revision: number, contentType: string, value: Uint8Array): Revisions {
    const [row] = this.sql.exec<RevisionsRow>(putStatement, key, revision, contentType, value).toArray();
    if (row === undefined) throw new Error("a put has written no row");
    return revisionsOf(row);
  }

  remove(key: Uint8Array): void {
    this.sql.exec("DELETE FROM kv_pairs WHERE key = ?", key);
  }

  item(key: Uint8Array, withValue: boolean): Item | undefined {
    const columns = withValue ? `${itemColumns}, value` : itemColumns;
    const statement = `SELECT ${columns} FROM kv_pairs WHERE key = ?`;
    const [row] = this.sql.exec<ItemRow & { value?: ArrayBuffer }>(statement, key).toArray();
    return row && itemOf(row, row.value);
  }

  /**
   * The first items of a range, and whether more follow. Two statements: the first weighs the values without reading
   * them, so that the second reads no more of them into memory than the page may hold.
   */
  page(range: KeyRange, limit: number, keysOnly: boolean): { items: readonly Item[]; more: boolean } {
    const statement = `SELECT ${itemColumns} FROM kv_pairs WHERE key >= ? AND key < ? ORDER BY key LIMIT ?`;
    const rows = this.sql.exec<ItemRow>(statement, range.from, range.to, limit + 1).toArray();
    const kept = rows.slice(0, Math.min(limit, keysOnly ? limit : fittingRows(rows)));
    const more = kept.length < rows.length;
    const last = kept.at(-1);
    if (keysOnly || last === undefined) return { items: kept.map((row) => itemOf(row)), more };
    const values = this.sql
      .exec<{ value: ArrayBuffer }>(
        "SELECT value FROM kv_pairs WHERE key >= ? AND key <= ? ORDER BY key",
        range.from,
        last.key,
      )
      .toArray();
    return { items: kept.map((row, position) => itemOf(row, values[position]?.value)), more };
  }
}

/** How many rows a page may hold by the size of their values: one at least, as no value exceeds the limit. */
function fittingRows(rows: readonly ItemRow[]): number {
  let bytes = 0;
  const beyond = rows.findIndex((row) => (bytes += row.value_bytes) > maxPageValueBytes);
  return beyond === -1 ? rows.length : beyond;
}

function revisionsOf(row: RevisionsRow): Revisions {
  return { createRevision: row.create_revision, modRevision: row.mod_revision, version: row.version };
}

function itemOf(row: ItemRow, value?: ArrayBuffer): Item {
  return {
    key: new Uint8Array(row.key),
    ...revisionsOf(row),
    contentType: row.content_type,
    valueBytes: row.value_bytes,
    value: value === undefined ? null : new Uint8Array(value),
  };
}
