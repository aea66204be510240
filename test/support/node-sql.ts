/** `Sql` over Node's own SQLite, for the tests that run a node's storage outside workerd. */

import { DatabaseSync } from "node:sqlite";
import type { StatementSync } from "node:sqlite";
import type { Sql, SqlCursor, SqlRow, SqlValue } from "../../src/machine.ts";

/** A database in memory, with the values of `ctx.storage.sql`: blobs come back as `ArrayBuffer`. */
export class NodeSql implements Sql {
  private readonly database = new DatabaseSync(":memory:");
  private readonly statements = new Map<string, StatementSync>();

  exec<Row extends SqlRow>(text: string, ...bindings: (SqlValue | Uint8Array)[]): SqlCursor<Row> {
    const statement = this.prepare(text);
    const values = bindings.map((value) => (value instanceof ArrayBuffer ? new Uint8Array(value) : value));
    const isRead = text.startsWith("SELECT");
    const before = isRead ? 0 : this.totalChanges();
    const rows = statement.all(...values).map((row) => rowOf(row) as Row);
    return cursor(rows, isRead ? 0 : this.totalChanges() - before);
  }

  /** As `transactionSync`: all of `body` or, if it throws, nothing of it. */
  transaction<Result>(body: () => Result): Result {
    this.database.exec("BEGIN");
    try {
      const result = body();
      this.database.exec("COMMIT");
      return result;
    } catch (error) {
      this.database.exec("ROLLBACK");
      throw error;
    }
  }

  close(): void {
    this.database.close();
  }

  /** The changed rows of tables, not those of their indexes. */
  private totalChanges(): number {
    return Number(this.prepare("SELECT total_changes() AS total").get()?.["total"]);
  }

  private prepare(text: string): StatementSync {
    const known = this.statements.get(text);
    if (known !== undefined) return known;
    // `prepare` would silently drop all statements but the first. Those of a trigger are parts of one.
    const isTrigger = text.startsWith("CREATE TRIGGER");
    if (!isTrigger && /;\s*\S/.test(text)) throw new Error(`one statement at a time: ${text}`);
    const statement = this.database.prepare(text);
    this.statements.set(text, statement);
    return statement;
  }
}

function cursor<Row extends SqlRow>(rows: Row[], rowsWritten: number): SqlCursor<Row> {
  return { rowsWritten, toArray: () => rows, [Symbol.iterator]: () => rows[Symbol.iterator]() };
}

function rowOf(row: Record<string, unknown>): SqlRow {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, valueOf(value)]));
}

function valueOf(value: unknown): SqlValue {
  if (value instanceof Uint8Array) return new Uint8Array(value).buffer;
  if (value === null || typeof value === "string" || typeof value === "number") return value;
  throw new Error(`not a value of SqlStorage: ${typeof value}`);
}
