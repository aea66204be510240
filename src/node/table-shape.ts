/** What SQLite's own catalogue says of a table: its columns, its keys and the statements that made it. */

import type { Sql } from "../machine.ts";
import { assert } from "../raft/assert.ts";

export interface TableShape {
  readonly name: string;
  /** The columns of the primary key, in its order. */
  readonly key: readonly string[];
  /** All columns that are stored, those of the key first. */
  readonly columns: readonly string[];
  /** The columns of every key by which a row can stand in another's way, the primary one included. */
  readonly uniqueKeys: readonly (readonly string[])[];
  /** What follows the name in `CREATE TABLE`. */
  readonly definition: string;
  /** The statements that made its further indexes. */
  readonly indexes: readonly string[];
}

/** Reads the shape of a table of a state machine. It must have a primary key, whose parts compare byte by byte. */
export function readShape(sql: Sql, name: string): TableShape {
  const columns = sql
    .exec<{ name: string; pk: number }>("SELECT name, pk FROM pragma_table_xinfo(?) WHERE hidden = 0", name)
    .toArray();
  const key = columns.filter(({ pk }) => pk > 0).sort((one, other) => one.pk - other.pk);
  assert(key.length > 0, `the table ${name} is missing or has no primary key`);
  const others = columns.filter(({ pk }) => pk === 0);
  const statements = sql
    .exec<{ type: string; sql: string }>(
      "SELECT type, sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL AND name NOT LIKE 'raft\\_%' ESCAPE '\\'",
      name,
    )
    .toArray();
  const definition = statements.find(({ type }) => type === "table")?.sql.replace(createTable, "");
  assert(definition !== undefined, `the table ${name} is not in the schema`);
  return {
    name,
    key: key.map((column) => column.name),
    columns: [...key, ...others].map((column) => column.name),
    uniqueKeys: [key.map((column) => column.name), ...readUniqueKeys(sql, name)],
    definition,
    indexes: statements.flatMap(({ type, sql: statement }) => (type === "table" ? [] : [statement])),
  };
}

/** A name as SQLite's grammar takes it whatever it holds. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** The names of columns as a list, each with a prefix. */
export function listed(columns: readonly string[], prefix = ""): string {
  return columns.map((column) => prefix + quoted(column)).join(", ");
}

const createTable = /^CREATE TABLE\s+(?:"(?:[^"]|"")*"|'[^']*'|\[[^\]]*\]|`[^`]*`|\w+)/i;

function readUniqueKeys(sql: Sql, table: string): string[][] {
  const parts = sql
    .exec<{ index_name: string; column: string | null; collation: string; primary_key: number }>(
      `SELECT i.name AS index_name, c.name AS "column", c.coll AS collation, i.origin = 'pk' AS primary_key
       FROM pragma_index_list(?) AS i, pragma_index_xinfo(i.name) AS c
       WHERE i."unique" = 1 AND c.key = 1 ORDER BY i.name, c.seqno`,
      table,
    )
    .toArray();
  const keys = new Map<string, string[]>();
  for (const { index_name: index, column, collation, primary_key: isPrimary } of parts) {
    assert(column !== null && collation === "BINARY", `a unique key of ${table} is not one of plain columns`);
    if (isPrimary === 0) keys.set(index, [...(keys.get(index) ?? []), column]);
  }
  return [...keys.values()];
}
