/** Tables that are filled beside those of the state machine, to take their place all at once. */

import type { Sql } from "../machine.ts";
import { decodePage, type RowBlock } from "./page-codec.ts";
import { ForeignPageError, UnfitRowError } from "./snapshot-store.ts";
import { listed, quoted, readShape } from "./table-shape.ts";

export class TableStaging {
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
  }

  /** Makes an empty table of the same shape. */
  create(table: string): void {
    this.sql.exec(`CREATE TABLE ${stagedName(table)} ${readShape(this.sql, table).definition}`);
  }

  /**
   * Adds a page's rows. They must be of the given tables; else nothing is added. Throws an `UnfitRowError` for a row that its
   * table can't hold, when those before it are there already.
   */
  insert(page: Uint8Array, tables: readonly string[]): void {
    const blocks = decodePage(page);
    for (const block of blocks) this.check(block, tables);
    for (const block of blocks) this.insertRows(block);
  }

  /** Takes the place of the table and of all its rows. Its indexes are built anew, which takes time in proportion. */
  install(table: string): void {
    const { sql } = this;
    const { indexes } = readShape(sql, table);
    sql.exec(`DROP TABLE ${quoted(table)}`);
    sql.exec(`ALTER TABLE ${stagedName(table)} RENAME TO ${quoted(table)}`);
    for (const statement of indexes) sql.exec(statement);
  }

  drop(table: string): void {
    this.sql.exec(`DROP TABLE IF EXISTS ${stagedName(table)}`);
  }

  private check({ table, columns }: RowBlock, tables: readonly string[]): void {
    if (!tables.includes(table)) throw new ForeignPageError(`there is no table ${table} here`);
    const known = readShape(this.sql, table).columns;
    if (columns.length !== known.length || columns.some((column, position) => column !== known[position])) {
      throw new ForeignPageError(
        `the table ${table} has the columns ${known.join(", ")} here, not ${columns.join(", ")}`,
      );
    }
  }

  private insertRows({ table, columns, rows }: RowBlock): void {
    const places = columns.map(() => "?").join(", ");
    const statement = `INSERT INTO ${stagedName(table)} (${listed(columns)}) VALUES (${places})`;
    try {
      for (const row of rows) this.sql.exec(statement, ...row);
    } catch (error) {
      if (error instanceof Error && refusedBySqlite.test(error.message)) {
        throw new UnfitRowError(`a row that the table ${table} can't hold`);
      }
      throw error;
    }
  }
}

/** What SQLite says of rows that are there twice, lack something, or are of another type; all else is a failure of the disk. */
const refusedBySqlite = /\bconstraint failed\b|\bdatatype mismatch\b/i;

function stagedName(table: string): string {
  return quoted(`raft_staged_${table}`);
}
