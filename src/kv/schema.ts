/** The tables of the key-value store, and the one row of scalars that every batch of commands may rewrite. */

import type { Sql } from "../machine.ts";

/** What the store holds once, not once a key. */
export interface Scalars {
  /** The store's revision: 1 when empty, one more with each command that changes something. */
  readonly revision: number;
  /** How many commands with an idempotency key have taken effect, ever. */
  readonly remembered: number;
}

const schemaVersion = 1;

const tables = [
  `CREATE TABLE IF NOT EXISTS kv_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema_version INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    remembered INTEGER NOT NULL
  )`,
  // Without a rowid a put is one billed row, not two. The value comes last: a scan that does not ask for it stops before
  // the overflow pages that hold most of it.
  `CREATE TABLE IF NOT EXISTS kv_pairs (
    key BLOB PRIMARY KEY,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    value BLOB NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS kv_remembered (
    slot INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    time_ms INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    result BLOB NOT NULL
  )`,
];

export const tableNames = ["kv_meta", "kv_pairs", "kv_remembered"] as const;

/** Makes the tables where they are missing. Throws when they were written by a newer version of this code. */
export function prepareTables(sql: Sql): void {
  for (const table of tables) sql.exec(table);
  const [meta] = sql.exec<{ schema_version: number }>("SELECT schema_version FROM kv_meta").toArray();
  if (meta === undefined) sql.exec("INSERT INTO kv_meta VALUES (1, ?, 1, 0)", schemaVersion);
  else if (meta.schema_version !== schemaVersion) {
    throw new Error(
      `the key-value tables have version ${meta.schema_version}; this code knows version ${schemaVersion}`,
    );
  }
}

export function readScalars(sql: Sql): Scalars {
  const [row] = sql
    .exec<{ revision: number; remembered: number }>("SELECT revision, remembered FROM kv_meta")
    .toArray();
  if (row === undefined) throw new Error("the row of kv_meta is missing");
  return row;
}

export function writeScalars(sql: Sql, scalars: Scalars): void {
  sql.exec("UPDATE kv_meta SET revision = ?, remembered = ?", scalars.revision, scalars.remembered);
}
