/** One table as it was at a moment, read in the order of its primary key while others go on writing to it. */

import type { Sql, SqlRow, SqlValue } from "../machine.ts";
import { listed, quoted, type TableShape } from "./table-shape.ts";

export interface CutRows {
  readonly rows: readonly (readonly SqlValue[])[];
  /** About how many bytes they take. */
  readonly bytes: number;
  /** No rows follow. */
  readonly done: boolean;
}

/** How many rows are weighed at a time. */
const maxRows = 1024;

/**
 * Triggers save every row, before it is first changed, into a side table: whatever writes to the table, by whatever
 * statement, the cut stays whole, and without a cut nothing is written or looked up. A row that is new since the cut is
 * marked there as absent. Of rows that were read nothing is saved any more: the cursor says how far that is.
 *
 * SQLite applies the conflict clause of the statement that fires a trigger to what the trigger does (its documentation of
 * `CREATE TRIGGER`), so the triggers look before they write instead of relying on one of their own.
 */
export class TableCut {
  private readonly sql: Sql;
  private readonly shape: TableShape;
  private readonly side: string;
  private readonly cursor: string;

  constructor(sql: Sql, shape: TableShape) {
    this.sql = sql;
    this.shape = shape;
    this.side = quoted(`raft_cut_${shape.name}`);
    this.cursor = quoted(`raft_cursor_${shape.name}`);
  }

  open(): void {
    const { sql, side, cursor } = this;
    const { key, columns } = this.shape;
    sql.exec(
      `CREATE TABLE ${side} (${listed(columns)}, raft_absent NOT NULL, PRIMARY KEY (${listed(key)})) WITHOUT ROWID`,
    );
    sql.exec(`CREATE TABLE ${cursor} (${listed(key)})`);
    for (const { name, when, body } of this.triggers()) {
      sql.exec(`CREATE TRIGGER ${name} ${when} ON ${quoted(this.shape.name)} BEGIN ${body} END`);
    }
  }

  /** The rows after the cursor: one at least if there are any, then as many as `maxBytes` allows. */
  read(maxBytes: number): CutRows {
    const weighed = this.select<{ raft_bytes: number } & SqlRow>(`${this.weight} AS raft_bytes`, maxRows);
    let bytes = 0;
    const beyond = weighed.findIndex((row, position) => {
      const fits = position === 0 || bytes + row.raft_bytes <= maxBytes;
      if (fits) bytes += row.raft_bytes;
      return !fits;
    });
    const count = beyond < 0 ? weighed.length : beyond;
    if (count === 0) return { rows: [], bytes: 0, done: true };
    const rows = this.select(listed(this.shape.columns, "t."), count).map((row) =>
      this.shape.columns.map((column) => row[column] ?? null),
    );
    return { rows, bytes, done: beyond < 0 && count < maxRows };
  }

  /** Moves the cursor behind a row that was read. */
  advance(row: readonly SqlValue[]): void {
    const { sql, side, cursor } = this;
    const { key } = this.shape;
    const values = row.slice(0, key.length);
    const places = key.map(() => "?").join(", ");
    sql.exec(`DELETE FROM ${cursor}`);
    sql.exec(`INSERT INTO ${cursor} VALUES (${places})`, ...values);
    sql.exec(`DELETE FROM ${side} WHERE (${listed(key)}) <= (${places})`, ...values);
  }

  close(): void {
    for (const { name } of this.triggers()) this.sql.exec(`DROP TRIGGER IF EXISTS ${name}`);
    this.sql.exec(`DROP TABLE IF EXISTS ${this.side}`);
    this.sql.exec(`DROP TABLE IF EXISTS ${this.cursor}`);
  }

  /** Rows that were not changed come from the table, the others from where they were saved: two sorted lists in one. */
  private select<Row extends SqlRow>(wanted: string, limit: number): Row[] {
    const { side, cursor } = this;
    const { name, key } = this.shape;
    const [after] = this.sql.exec(`SELECT ${listed(key)} FROM ${cursor}`).toArray();
    const values = after === undefined ? [] : key.map((column) => after[column] ?? null);
    const unread = after === undefined ? "1" : `(${listed(key, "t.")}) > (${key.map(() => "?").join(", ")})`;
    const order = key.map((_, position) => position + 1).join(", ");
    // The key comes first, for the order alone: under names of no use to anybody, so that none is given twice.
    const columns = `${key.map((column, position) => `t.${quoted(column)} AS raft_${position}`).join(", ")}, ${wanted}`;
    return this.sql
      .exec<Row>(
        `SELECT ${columns} FROM ${quoted(name)} AS t WHERE ${unread} AND NOT ${this.isSaved("t.")}
         UNION ALL SELECT ${columns} FROM ${side} AS t WHERE raft_absent = 0
         ORDER BY ${order} LIMIT ?`,
        ...values,
        limit,
      )
      .toArray();
  }

  private get weight(): string {
    return this.shape.columns.map((column) => `ifnull(octet_length(t.${quoted(column)}), 0) + 5`).join(" + ");
  }

  private triggers(): { readonly name: string; readonly when: string; readonly body: string }[] {
    const { shape } = this;
    const name = (event: string): string => quoted(`raft_cut_${shape.name}_${event}`);
    // A row may give way to another one, by any of the keys that the two share (`OR REPLACE`).
    const inTheWay = shape.uniqueKeys.map((unique) => this.saveInTheWay(unique)).join(" ");
    const save = `${this.saveRow("OLD.")} `;
    return [
      { name: name("before_insert"), when: "BEFORE INSERT", body: inTheWay },
      { name: name("after_insert"), when: "AFTER INSERT", body: this.markNew() },
      { name: name("before_update"), when: "BEFORE UPDATE", body: save + inTheWay },
      { name: name("after_update"), when: "AFTER UPDATE", body: this.markNew() },
      { name: name("before_delete"), when: "BEFORE DELETE", body: save },
    ];
  }

  private saveRow(row: string, from = ""): string {
    const condition = `${this.isUnread(row)} AND NOT ${this.isSaved(row)}`;
    return `INSERT INTO ${this.side} SELECT ${listed(this.shape.columns, row)}, 0 ${from === "" ? "WHERE" : `${from} AND`} ${condition};`;
  }

  private saveInTheWay(unique: readonly string[]): string {
    const same = unique.map((column) => `t.${quoted(column)} = NEW.${quoted(column)}`).join(" AND ");
    return this.saveRow("t.", `FROM ${quoted(this.shape.name)} AS t WHERE ${same}`);
  }

  private markNew(): string {
    const { key } = this.shape;
    const condition = `${this.isUnread("NEW.")} AND NOT ${this.isSaved("NEW.")}`;
    return `INSERT INTO ${this.side} (${listed(key)}, raft_absent) SELECT ${listed(key, "NEW.")}, 1 WHERE ${condition};`;
  }

  private isUnread(row: string): string {
    const { key } = this.shape;
    return `NOT EXISTS (SELECT 1 FROM ${this.cursor} AS c WHERE (${listed(key, "c.")}) >= (${listed(key, row)}))`;
  }

  private isSaved(row: string): string {
    const same = this.shape.key.map((column) => `s.${quoted(column)} = ${row}${quoted(column)}`).join(" AND ");
    return `EXISTS (SELECT 1 FROM ${this.side} AS s WHERE ${same})`;
  }
}
