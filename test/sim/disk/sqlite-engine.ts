/** A disk of SQLite with the node's real storage on it; what is not durable is one open transaction. */

import type { Sql, SqlCursor, SqlRow, SqlValue, StateMachine } from "../../../src/machine.ts";
import { content } from "../../../src/kv/content.ts";
import { SqlSnapshots } from "../../../src/node/sql-snapshots.ts";
import { SqlStorage } from "../../../src/node/sql-storage.ts";
import { MembershipStorage } from "../../../src/node/membership-storage.ts";
import { NodeSql } from "../../support/node-sql.ts";
import type { DiskEngine, Founding, OpenedNode } from "./engine.ts";
import type { DurableImage } from "./durable-image.ts";

interface Written {
  readonly statement: string;
  readonly bindings: readonly (SqlValue | Uint8Array)[];
}

/**
 * A crash rolls everything back that is not known to be durable, and writes again what was: the statements of the
 * flushed transactions.
 */
export class SqliteEngine implements DiskEngine, Sql {
  private readonly founding: Founding;
  private readonly makeMachine: (sql: Sql) => StateMachine;
  private readonly database = new NodeSql();
  /** The statements of each transaction since the last moment at which all was durable. */
  private transactions: Written[][] = [];
  private flushedCount = 0;
  private current: Written[] | null = null;

  constructor(founding: Founding, makeMachine: (sql: Sql) => StateMachine) {
    this.founding = founding;
    this.makeMachine = makeMachine;
  }

  exec<Row extends SqlRow>(statement: string, ...bindings: (SqlValue | Uint8Array)[]): SqlCursor<Row> {
    if (!/^\s*(?:SELECT|WITH)\b/i.test(statement)) {
      if (this.current === null) throw new Error(`written outside of a transaction: ${statement}`);
      this.current.push({ statement, bindings });
    }
    return this.database.exec<Row>(statement, ...bindings);
  }

  /** False before the first transaction is durable, as far as the last crash has shown. */
  get exists(): boolean {
    return this.database.exec("SELECT name FROM sqlite_schema WHERE name = 'raft_state'").toArray().length > 0;
  }

  open(): OpenedNode {
    return this.transaction(() => {
      const storage = new SqlStorage(this, (work) => this.transaction(work));
      const membership = new MembershipStorage(this);
      let stored = storage.open();
      if (stored === null) {
        const { identity, configuration, joined, storageIds } = this.founding;
        storage.create(identity, configuration);
        membership.create(joined, configuration);
        for (const [id, storageId] of Object.entries(storageIds)) membership.savePeer(id, storageId);
        stored = storage.open();
      }
      if (stored === null) throw new Error("the storage could not be made");
      const sql = storage.counted(this);
      const renewMachine = (): StateMachine => this.makeMachine(sql);
      const lines = (): string => [...content(sql)].join("\n");
      const snapshots = new SqlSnapshots(sql);
      return { stored, storage, snapshots, membership, machine: renewMachine(), renewMachine, content: lines };
    });
  }

  transaction<Result>(work: () => Result): Result {
    if (this.transactions.length === 0) this.database.exec("BEGIN");
    const written: Written[] = [];
    this.current = written;
    this.transactions.push(written);
    this.database.exec("SAVEPOINT turn");
    try {
      const result = work();
      this.database.exec("RELEASE turn");
      return result;
    } catch (error) {
      this.database.exec("ROLLBACK TO turn");
      this.database.exec("RELEASE turn");
      this.transactions.pop();
      if (this.transactions.length === 0) this.database.exec("ROLLBACK");
      throw error;
    } finally {
      this.current = null;
    }
  }

  flushed(): void {
    this.flushedCount += 1;
    if (this.flushedCount < this.transactions.length) return;
    this.database.exec("COMMIT");
    this.transactions = [];
    this.flushedCount = 0;
  }

  crash(image: DurableImage): void {
    if (this.transactions.length > 0) {
      this.database.exec("ROLLBACK");
      this.writeAgain(this.transactions.slice(0, this.flushedCount));
      this.transactions = [];
      this.flushedCount = 0;
    }
    if (this.exists) this.compare(image);
  }

  close(): void {
    this.database.close();
  }

  private writeAgain(flushed: readonly (readonly Written[])[]): void {
    this.database.transaction(() => {
      for (const { statement, bindings } of flushed.flat()) this.database.exec(statement, ...bindings);
    });
  }

  /** What is stored must be what was saved, whatever the storage makes of it on the way. */
  private compare({ hardState, lastIndex, appliedIndex }: DurableImage): void {
    const [state] = this.database
      .exec<{
        term: number;
        vote: string | null;
        applied_index: number;
        last_index: number | null;
        first_index: number;
      }>(
        "SELECT term, vote, applied_index, first_index, (SELECT max(last_index) FROM raft_log) AS last_index FROM raft_state",
      )
      .toArray();
    if (state === undefined) return;
    const found = [state.term, state.vote, state.applied_index, state.last_index ?? state.first_index - 1].join();
    const saved = [hardState.term, hardState.vote, appliedIndex, lastIndex].join();
    if (found !== saved) throw new Error(`SQLite holds ${found} instead of ${saved}`);
  }
}
