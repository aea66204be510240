/** The store's write path, and that of one table with the key as its primary key: what `npm run bench:kv` compares. */

import { decodeCommand, encodeCommand } from "../../src/kv/command-codec.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import { encodeResult } from "../../src/kv/result-codec.ts";
import type { Sql, SqlCursor, SqlRow, SqlValue, StateMachine } from "../../src/machine.ts";

export const contestantNames = ["store", "naive"] as const;
export type ContestantName = (typeof contestantNames)[number];
export const orderNames = ["sequential", "random"] as const;
export type OrderName = (typeof orderNames)[number];

/** Which keys are written: those with these numbers. */
export interface Segment {
  readonly order: OrderName;
  readonly from: number;
  readonly count: number;
  /** Above 0: writes to that many keys, drawn at random, instead. */
  readonly among: number;
}

/** How many writes are applied in one transaction. */
export const batchWrites = 100;
const value = new Uint8Array(100).fill(97);
const encoder = new TextEncoder();

/** A contestant over a database. */
export class Contestant {
  private readonly sql: CountingSql;
  private readonly machine: Pick<StateMachine, "apply">;
  private index = 0;

  constructor(name: ContestantName, sql: Sql) {
    this.sql = new CountingSql(sql);
    this.machine = name === "store" ? new KeyValueMachine(this.sql) : new NaiveMachine(this.sql);
  }

  /** Applies the writes from `from` on of a segment, at most a batch. Answers how many rows were written. */
  writeBatch(segment: Segment, from: number): number {
    const count = Math.min(batchWrites, segment.count - from);
    const commands = Array.from({ length: count }, (_, at) => {
      this.index += 1;
      return { index: this.index, term: 1, timeMs: this.index, command: putOf(segment, from + at) };
    });
    this.machine.apply(commands);
    return this.sql.takeRowsWritten();
  }
}

/** The first shape of the store: values in the table of the keys. */
class NaiveMachine {
  private readonly sql: Sql;

  constructor(sql: Sql) {
    this.sql = sql;
    sql.exec(`CREATE TABLE IF NOT EXISTS naive (key BLOB PRIMARY KEY, create_revision INTEGER NOT NULL,
      mod_revision INTEGER NOT NULL, version INTEGER NOT NULL, value BLOB NOT NULL) WITHOUT ROWID`);
    sql.exec("CREATE TABLE IF NOT EXISTS naive_meta (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL)");
    sql.exec("INSERT OR REPLACE INTO naive_meta VALUES (1, 1)");
  }

  apply(commands: Parameters<StateMachine["apply"]>[0]): Uint8Array[] {
    const results = commands.map(({ index, command }) => this.put(index, command));
    this.sql.exec("UPDATE naive_meta SET revision = ?", commands.at(-1)?.index ?? 0);
    return results;
  }

  private put(revision: number, bytes: Uint8Array): Uint8Array {
    const command = decodeCommand(bytes);
    const [operation] = command?.body.kind === "txn" ? command.body.success : [];
    if (operation?.kind !== "put") throw new Error("not a put");
    const [row] = this.sql
      .exec<{ create_revision: number; version: number }>(
        `INSERT INTO naive VALUES (?1, ?2, ?2, 1, ?3) ON CONFLICT (key) DO UPDATE SET
           mod_revision = excluded.mod_revision, version = version + 1, value = excluded.value
         RETURNING create_revision, version`,
        operation.key,
        revision,
        operation.value,
      )
      .toArray();
    const { create_revision: createRevision = 0, version = 0 } = row ?? {};
    const put = { kind: "put", created: version === 1, createRevision, modRevision: revision, version } as const;
    const txn = { kind: "txn", succeeded: true, results: [{ ...put, lease: "0", previous: null }] } as const;
    return encodeResult({ status: "txn", revision, txn });
  }
}

class CountingSql implements Sql {
  private readonly sql: Sql;
  private cursors: { readonly rowsWritten: number }[] = [];

  constructor(sql: Sql) {
    this.sql = sql;
  }

  exec<Row extends SqlRow>(statement: string, ...bindings: (SqlValue | Uint8Array)[]): SqlCursor<Row> {
    const cursor = this.sql.exec<Row>(statement, ...bindings);
    this.cursors.push(cursor);
    return cursor;
  }

  takeRowsWritten(): number {
    const rows = this.cursors.reduce((sum, { rowsWritten }) => sum + rowsWritten, 0);
    this.cursors = [];
    return rows;
  }
}

function putOf({ order, from, among }: Segment, at: number): Uint8Array {
  const number = among > 0 ? Math.floor(scrambled(from + at) * among) : from + at;
  const key = order === "sequential" ? String(number).padStart(16, "0") : scrambledKey(number);
  const [operation] = [{ kind: "put" as const, key: encoder.encode(key), value, contentType: "", metadata: "" }];
  const put = { ...operation, lease: "0", ttlMs: 0, previous: "none" as const, ignoreValue: false, ignoreLease: false };
  return encodeCommand({ body: { kind: "txn", compares: [], success: [put], failure: [] }, idempotency: null });
}

/** Sixteen digits that no order of the numbers shows in. */
function scrambledKey(number: number): string {
  return [1, 2]
    .map((part) =>
      hashOf(number * 2 + part)
        .toString(16)
        .padStart(8, "0"),
    )
    .join("");
}

/** From 0 (included) to 1 (excluded). */
function scrambled(number: number): number {
  return hashOf(number) / 2 ** 32;
}

/** The last step of MurmurHash3, which spreads every bit over all. */
function hashOf(number: number): number {
  let hash = (number ^ 0x9e37_79b9) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
