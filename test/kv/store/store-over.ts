/** A store over any database, with the steps that a node would take, restarts among them. */

import { decodeAnswer } from "../../../src/kv/answer-codec.ts";
import { encodeCommand } from "../../../src/kv/command-codec.ts";
import type { Command, CommandBody, CommandResult, Idempotency, Query, QueryAnswer } from "../../../src/kv/model.ts";
import { encodeQuery } from "../../../src/kv/query-codec.ts";
import { decodeResult } from "../../../src/kv/result-codec.ts";
import type { CommittedCommand, Sql } from "../../../src/machine.ts";
import { KeyValueMachine } from "../../../src/kv/machine.ts";
import type { StoreOptions } from "../../../src/kv/machine.ts";
import { toHex } from "../../node/hex.ts";

export interface Timed {
  readonly command: Command;
  readonly timeMs: number;
}

/** What a store is kept in. */
export interface Database {
  readonly sql: Sql;
  /** All of what is done in it or, if that throws, nothing. */
  transaction<Result>(body: () => Result): Result;
}

export class StoreOver {
  readonly database: Database;
  machine: KeyValueMachine;
  private readonly options: StoreOptions;
  private index = 0;
  private timeMs = 1_000_000;

  constructor(database: Database, options: StoreOptions) {
    this.database = database;
    this.options = options;
    this.machine = new KeyValueMachine(database.sql, options);
  }

  /** The machine is made anew over its tables. */
  restart(): void {
    this.machine = new KeyValueMachine(this.database.sql, this.options);
  }

  /** Applies commands in one transaction, as a turn does, and tells subscribers. */
  apply(commands: readonly Timed[]): CommandResult[] {
    const batch = commands.map(({ command, timeMs }) => {
      this.index += 1;
      this.timeMs = Math.max(this.timeMs, timeMs);
      return { index: this.index, term: 1, timeMs, command: encodeCommand(command) };
    });
    const foreseen = batch.length === 1 ? this.foresee(batch[0]!) : null;
    const results = this.database.transaction(() => this.machine.apply(batch));
    if (foreseen !== null && toHex(foreseen) !== toHex(results[0]!)) throw new Error("not what was foreseen");
    this.machine.publish();
    return results.map((result) => decodeResult(result)!);
  }

  /** What the command will answer, as far as that can be told beforehand, and without a write. */
  private foresee(command: CommittedCommand): Uint8Array | null {
    const changes = (): number =>
      this.database.sql.exec<{ count: number }>("SELECT total_changes() AS count").toArray()[0]!.count;
    const before = changes();
    const foreseen = this.machine.foresee(command);
    if (changes() !== before) throw new Error("whoever looks ahead has written");
    return foreseen;
  }

  /** Applies one command, some time after the one before. */
  run(body: CommandBody, afterMs = 0, idempotency: Idempotency | null = null): CommandResult {
    return this.apply([{ command: { body, idempotency }, timeMs: this.timeMs + afterMs }])[0]!;
  }

  /** The log is as long as this: the entries before came in a snapshot. */
  skipTo(index: number): void {
    this.index = index;
  }

  query(query: Query): QueryAnswer {
    return decodeAnswer(this.machine.query(encodeQuery(query)))!;
  }

  get nowMs(): number {
    return this.timeMs;
  }

  /** All that the tables hold, one line a row. */
  content(): string[] {
    return this.machine.tables.flatMap((table) =>
      this.database.sql
        .exec(`SELECT * FROM ${table} ORDER BY 1, 2`)
        .toArray()
        .map((row) => `${table} ${lineOf(row)}`),
    );
  }

  rows(table: string): number {
    return this.database.sql.exec<{ rows: number }>(`SELECT count(*) AS rows FROM ${table}`).toArray()[0]!.rows;
  }
}

function lineOf(row: unknown): string {
  return JSON.stringify(row, (_, value: unknown) =>
    value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : value,
  );
}
