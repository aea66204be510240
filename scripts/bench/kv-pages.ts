/** How many pages of the database file a write path writes, counted in SQLite's write-ahead log. */

import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { Sql, SqlCursor, SqlRow, SqlValue } from "../../src/machine.ts";
import { batchWrites, Contestant } from "./kv-contestants.ts";
import type { ContestantName, Segment } from "./kv-contestants.ts";

const pageBytes = 4096;
/** Before each page in the log; the log itself has a header of 32. */
const frameHeaderBytes = 24;
/** So that the log does not grow without end. */
const checkpointWrites = 10_000;

export class PageCounter {
  private readonly folder = mkdtempSync(join(tmpdir(), "durable-raft-pages-"));
  private readonly path = join(this.folder, "database");
  private readonly database = new DatabaseSync(this.path);
  private readonly contestant: Contestant;

  constructor(name: ContestantName) {
    this.database.exec(`PRAGMA page_size = ${pageBytes}`);
    this.database.exec("PRAGMA journal_mode = WAL");
    this.database.exec("PRAGMA synchronous = OFF");
    this.database.exec("PRAGMA wal_autocheckpoint = 0");
    this.contestant = new Contestant(name, new DatabaseSql(this.database));
  }

  /** Writes a segment, and answers how many pages that took. */
  write(segment: Segment): number {
    let pages = 0;
    for (let at = 0; at < segment.count; at += batchWrites) {
      this.database.exec("BEGIN");
      this.contestant.writeBatch(segment, at);
      this.database.exec("COMMIT");
      if (at % checkpointWrites === 0) pages += this.takePages();
    }
    return pages + this.takePages();
  }

  close(): void {
    this.database.close();
    rmSync(this.folder, { recursive: true });
  }

  private takePages(): number {
    const { size } = statSync(`${this.path}-wal`);
    this.database.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return Math.floor(size / (pageBytes + frameHeaderBytes));
  }
}

class DatabaseSql implements Sql {
  private readonly database: DatabaseSync;
  private readonly statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.database = database;
  }

  exec<Row extends SqlRow>(text: string, ...bindings: (SqlValue | Uint8Array)[]): SqlCursor<Row> {
    const statement = this.statements.get(text) ?? this.database.prepare(text);
    this.statements.set(text, statement);
    const values = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    const rows = statement.all(...values).map((row) => this.rowOf(row) as Row);
    return { rowsWritten: 0, toArray: () => rows, [Symbol.iterator]: () => rows[Symbol.iterator]() };
  }

  private rowOf(row: Record<string, unknown>): SqlRow {
    for (const [name, value] of Object.entries(row)) {
      if (value instanceof Uint8Array) row[name] = new Uint8Array(value).buffer;
    }
    return row as SqlRow;
  }
}
