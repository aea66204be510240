/** The snapshots that a node sends and takes, in SQLite: one row for each of the two, and where they are among the tables. */

import type { Sql, SqlRow, SqlValue } from "../machine.ts";
import { assert } from "../raft/assert.ts";
import type { Snapshot } from "../raft/message.ts";
import { encodePage, type RowBlock } from "./page-codec.ts";
import type { Cut, Page, SnapshotStore, Staging } from "./snapshot-store.ts";
import { TableCut } from "./table-cut.ts";
import { readShape } from "./table-shape.ts";
import { TableStaging } from "./table-staging.ts";

interface SnapshotRow extends SqlRow {
  cut_id: string;
  snapshot: string;
  /** The names of the tables, in the order in which they are sent. */
  tables: string;
  sequence: number;
  checksum: number;
}

interface CutRow extends SnapshotRow {
  peer: string;
  /** The table that is being sent, counted from 0. */
  position: number;
}

interface StagingRow extends SnapshotRow {
  complete: number;
}

/** A page that was read and not acknowledged yet: where the cut goes on behind it. */
interface PageEnd {
  readonly position: number;
  /** The last row that was read of the table there; null when none was. */
  readonly row: readonly SqlValue[] | null;
}

export class SqlSnapshots implements SnapshotStore {
  private readonly sql: Sql;
  private readonly stagings: TableStaging;
  private readEnd: PageEnd | null = null;

  constructor(sql: Sql) {
    this.sql = sql;
    this.stagings = new TableStaging(sql);
    const columns = `id INTEGER PRIMARY KEY CHECK (id = 0), cut_id TEXT NOT NULL, snapshot TEXT NOT NULL,
      tables TEXT NOT NULL, sequence INTEGER NOT NULL, checksum INTEGER NOT NULL`;
    sql.exec(`CREATE TABLE IF NOT EXISTS raft_cut (${columns}, peer TEXT NOT NULL, position INTEGER NOT NULL)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS raft_staging (${columns}, complete INTEGER NOT NULL)`);
  }

  cut(): Cut | null {
    const row = this.cutRow();
    return row === null ? null : { id: row.cut_id, peer: row.peer, ...progressOf(row) };
  }

  openCut(id: string, peer: string, snapshot: Snapshot, tables: readonly string[]): void {
    this.closeCut();
    for (const table of tables) this.tableCut(table).open();
    this.sql.exec(
      "INSERT INTO raft_cut VALUES (0, ?, ?, ?, 0, ?, ?, 0)",
      id,
      JSON.stringify(snapshot),
      JSON.stringify(tables),
      0,
      peer,
    );
  }

  readCut(maxBytes: number): Page {
    const { position, tables } = this.openedCut();
    const blocks: RowBlock[] = [];
    let bytes = 0;
    for (let at = position; at < tables.length; at += 1) {
      const table = tables[at] ?? "";
      const read = this.tableCut(table).read(maxBytes - bytes);
      const last = read.rows.at(-1) ?? null;
      if (last !== null && blocks.length > 0 && bytes + read.bytes > maxBytes) {
        // A single row that is too much for what is left of this page begins the next one.
        return this.page(blocks, bytes, { position: at, row: null });
      }
      if (last !== null) blocks.push({ table, columns: readShape(this.sql, table).columns, rows: read.rows });
      bytes += read.bytes;
      if (!read.done) return this.page(blocks, bytes, { position: at, row: last });
    }
    return this.page(blocks, bytes, { position: tables.length, row: null });
  }

  advanceCut(checksum: number): void {
    const { position, tables } = this.openedCut();
    const end = this.readEnd;
    assert(end !== null, "no page was read");
    this.readEnd = null;
    for (const table of tables.slice(position, end.position)) this.tableCut(table).close();
    const table = tables[end.position];
    if (table !== undefined && end.row !== null) this.tableCut(table).advance(end.row);
    this.sql.exec("UPDATE raft_cut SET sequence = sequence + 1, checksum = ?, position = ?", checksum, end.position);
  }

  closeCut(): void {
    this.readEnd = null;
    const row = this.cutRow();
    if (row === null) return;
    for (const table of tablesOf(row).slice(row.position)) this.tableCut(table).close();
    this.sql.exec("DELETE FROM raft_cut");
  }

  staging(): Staging | null {
    const row = this.stagingRow();
    return row === null ? null : { cutId: row.cut_id, complete: row.complete === 1, ...progressOf(row) };
  }

  beginStaging(cutId: string, snapshot: Snapshot, tables: readonly string[]): void {
    this.discardStaging();
    for (const table of tables) this.stagings.create(table);
    this.sql.exec(
      "INSERT INTO raft_staging VALUES (0, ?, ?, ?, 0, 0, 0)",
      cutId,
      JSON.stringify(snapshot),
      JSON.stringify(tables),
    );
  }

  stage({ bytes, done }: Page, checksum: number): void {
    const row = this.stagingRow();
    assert(row?.complete === 0, "nothing is being received");
    this.stagings.insert(bytes, tablesOf(row));
    this.sql.exec(
      "UPDATE raft_staging SET sequence = sequence + 1, checksum = ?, complete = ?",
      checksum,
      Number(done),
    );
  }

  installStaging(): void {
    const row = this.stagingRow();
    assert(row?.complete === 1, "the state that is to be installed is not complete");
    // A cut of the state that goes away would be one of nothing.
    this.closeCut();
    for (const table of tablesOf(row)) this.stagings.install(table);
    this.sql.exec("DELETE FROM raft_staging");
  }

  discardStaging(): void {
    const row = this.stagingRow();
    if (row === null) return;
    for (const table of tablesOf(row)) this.stagings.drop(table);
    this.sql.exec("DELETE FROM raft_staging");
  }

  private page(blocks: readonly RowBlock[], sizeBytes: number, end: PageEnd): Page {
    this.readEnd = end;
    return { bytes: encodePage(blocks, sizeBytes), done: end.position === this.openedCut().tables.length };
  }

  private tableCut(table: string): TableCut {
    return new TableCut(this.sql, readShape(this.sql, table));
  }

  private openedCut(): { readonly position: number; readonly tables: readonly string[] } {
    const row = this.cutRow();
    assert(row !== null, "no cut is open");
    return { position: row.position, tables: tablesOf(row) };
  }

  private cutRow(): CutRow | null {
    return this.sql.exec<CutRow>("SELECT * FROM raft_cut").toArray()[0] ?? null;
  }

  private stagingRow(): StagingRow | null {
    return this.sql.exec<StagingRow>("SELECT * FROM raft_staging").toArray()[0] ?? null;
  }
}

// The texts in these rows were written by this class alone.

function progressOf(row: SnapshotRow): Pick<Cut, "snapshot" | "sequence" | "checksum"> {
  const { snapshot, sequence, checksum } = row;
  return { snapshot: JSON.parse(snapshot) as Snapshot, sequence, checksum };
}

function tablesOf(row: SnapshotRow): readonly string[] {
  return JSON.parse(row.tables) as readonly string[];
}
