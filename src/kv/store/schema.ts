/** The tables of the key-value store, and the one row of what it holds once. */

import type { Sql, SqlRow } from "../../machine.ts";

/** What the store holds once. Whatever is changed here during a batch is written at its end. */
export interface Meta {
  /** The store's revision: 1 when empty, one more with each command that changes a key. */
  revision: number;
  /** What only earlier revisions than this one have is forgotten; 0 when nothing is. */
  compactRevision: number;
  /** The position of the newest row of `kv_revisions`; 0 when there never was one. */
  lastPosition: number;
  /** `kv_keys` knows of all changes up to here; later ones are in memory. */
  mergedPosition: number;
  /** What the compaction has to forget among the rows up to here is forgotten. */
  forgottenPosition: number;
  /** How many keys there are now. */
  keys: number;
  /** How many leases were granted and still live, but for those that belong to one key. */
  leases: number;
  /** What the rows of `kv_revisions` hold, more or less. */
  sizeBytes: number;
  /** The time of the newest command. */
  timeMs: number;
  /** How many ids the store has picked for leases. */
  leaseSequence: number;
  /** How many commands with an idempotency key, outside sessions, have taken effect. */
  remembered: number;
  /** The results of such commands before this one, counted from 0, are forgotten. */
  rememberedFrom: number;
  /** How many bytes the others take. */
  rememberedBytes: number;
}

const schemaVersion = 2;

const columns: Readonly<Record<keyof Meta, string>> = {
  revision: "revision",
  compactRevision: "compact_revision",
  lastPosition: "last_position",
  mergedPosition: "merged_position",
  forgottenPosition: "forgotten_position",
  keys: "keys",
  leases: "leases",
  sizeBytes: "size_bytes",
  timeMs: "time_ms",
  leaseSequence: "lease_sequence",
  remembered: "remembered",
  rememberedFrom: "remembered_from",
  rememberedBytes: "remembered_bytes",
};
const fields = Object.keys(columns) as readonly (keyof Meta)[];

const statements = [
  `CREATE TABLE IF NOT EXISTS kv_meta (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    schema_version INTEGER NOT NULL,
    ${Object.values(columns)
      .map((column) => `${column} INTEGER NOT NULL`)
      .join(", ")}
  )`,
  // The value comes last: a scan that does not ask for it stops before the overflow pages that hold most of it.
  `CREATE TABLE IF NOT EXISTS kv_revisions (
    position INTEGER PRIMARY KEY,
    revision INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    previous INTEGER NOT NULL,
    jump INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    lease TEXT NOT NULL,
    key BLOB NOT NULL,
    content_type TEXT NOT NULL,
    metadata TEXT NOT NULL,
    value BLOB NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS kv_keys (
    key BLOB PRIMARY KEY,
    position INTEGER NOT NULL,
    jump INTEGER NOT NULL,
    create_revision INTEGER NOT NULL,
    mod_revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    lease TEXT NOT NULL,
    value_bytes INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS kv_leases (
    id TEXT PRIMARY KEY,
    ttl_ms INTEGER NOT NULL,
    expires_at_ms INTEGER NOT NULL,
    own_key BLOB
  ) WITHOUT ROWID`,
  "CREATE INDEX IF NOT EXISTS kv_leases_by_expiry ON kv_leases (expires_at_ms, id)",
  "CREATE TABLE IF NOT EXISTS kv_lease_keys (lease TEXT, key BLOB, PRIMARY KEY (lease, key)) WITHOUT ROWID",
  `CREATE TABLE IF NOT EXISTS kv_remembered (
    slot INTEGER PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    time_ms INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    result BLOB NOT NULL
  )`,
  `CREATE TABLE IF NOT EXISTS kv_sessions (
    id TEXT PRIMARY KEY,
    ttl_ms INTEGER NOT NULL,
    used_ms INTEGER NOT NULL
  ) WITHOUT ROWID`,
  `CREATE TABLE IF NOT EXISTS kv_session_commands (
    session TEXT,
    key TEXT,
    sequence INTEGER NOT NULL,
    fingerprint BLOB NOT NULL,
    result BLOB NOT NULL,
    PRIMARY KEY (session, key)
  ) WITHOUT ROWID`,
];

export const storeTables = [
  "kv_meta",
  "kv_revisions",
  "kv_keys",
  "kv_leases",
  "kv_lease_keys",
  "kv_remembered",
  "kv_sessions",
  "kv_session_commands",
] as const;

const emptyStore: Meta = {
  revision: 1,
  compactRevision: 0,
  lastPosition: 0,
  mergedPosition: 0,
  forgottenPosition: 0,
  keys: 0,
  leases: 0,
  sizeBytes: 0,
  timeMs: 0,
  leaseSequence: 0,
  remembered: 0,
  rememberedFrom: 0,
  rememberedBytes: 0,
};

const selectMeta = `SELECT ${fields.map((field) => `${columns[field]} AS ${field}`).join(", ")} FROM kv_meta`;
const insertMeta = `INSERT INTO kv_meta (id, schema_version, ${Object.values(columns).join(", ")})
  VALUES (1, ${schemaVersion}, ${fields.map(() => "?").join(", ")})`;
const updateMeta = `UPDATE kv_meta SET ${Object.values(columns)
  .map((column) => `${column} = ?`)
  .join(", ")}`;

/** Makes the tables where they are missing, and reads the row. Throws when another version of this code wrote them. */
export function openStore(sql: Sql): Meta {
  refuseOtherVersions(sql);
  for (const statement of statements) sql.exec(statement);
  const [stored] = sql.exec<SqlRow & Meta>(selectMeta).toArray();
  if (stored !== undefined) return { ...stored };
  sql.exec(insertMeta, ...fields.map((field) => emptyStore[field]));
  return { ...emptyStore };
}

export function writeMeta(sql: Sql, meta: Meta): void {
  sql.exec(updateMeta, ...fields.map((field) => meta[field]));
}

export function equalMeta(one: Meta, other: Meta): boolean {
  return fields.every((field) => one[field] === other[field]);
}

function refuseOtherVersions(sql: Sql): void {
  const tables = "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = 'kv_meta'";
  if (sql.exec(tables).toArray().length === 0) return;
  const [row] = sql.exec<{ schema_version: number }>("SELECT schema_version FROM kv_meta").toArray();
  if (row !== undefined && row.schema_version !== schemaVersion) {
    throw new Error(
      `the key-value tables have version ${row.schema_version}; this code knows version ${schemaVersion}`,
    );
  }
}
