/** A node's storage in SQLite: one row for its state, and one row of the log for each batch of entries. */

import { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import type { Sql, SqlRow, SqlValue } from "../machine.ts";
import { assert } from "../raft/assert.ts";
import type { Rest } from "../raft/cluster-time.ts";
import type { Configuration } from "../raft/configuration.ts";
import { type Entry, entryBytes, type HardState } from "../raft/entry.ts";
import { readEntries, writeEntries } from "./entry-codec.ts";
import type { SnapshotPoint } from "../raft/log.ts";
import type { Snapshot } from "../raft/message.ts";
import type { Batch, Identity, NodeStorage, StoredNode } from "./storage.ts";

const schemaVersion = 4;
/** A row may hold 2 MB at most on Cloudflare; a larger batch becomes several rows. */
const maxRowBytes = 1024 * 1024;

type StateRow = {
  schema_version: number;
  group_name: string;
  node_id: string;
  group_id: string;
  storage_id: string;
  incarnation: number;
  configuration: string;
  term: number;
  vote: string | null;
  promise_ms: number;
  applied_index: number;
  quiescent: string | null;
  first_index: number;
  previous_term: number;
  previous_time_ms: number;
};

type LogRow = { first_index: number; last_index: number; end_bytes: number; entries: ArrayBuffer };
type BatchRow = Pick<LogRow, "last_index" | "end_bytes">;

/** Billing counts rows written, so a batch of entries is one row, and a write to it is counted here. */
export class SqlStorage implements NodeStorage {
  rowsWritten = 0;
  private readonly sql: Sql;
  private readonly runTransaction: <T>(work: () => T) => T;
  private lastIndex = 0;
  /** The `end_bytes` of the last row: where the next one begins. */
  private endBytes = 0;
  /** The row read last: entries are mostly looked at one after the other. */
  private recent: readonly Entry[] = [];

  /** @param transaction runs the work in a transaction and undoes its writes if it throws */
  constructor(sql: Sql, transaction: <T>(work: () => T) => T) {
    this.sql = sql;
    this.runTransaction = transaction;
    sql.exec(`CREATE TABLE IF NOT EXISTS raft_state (
      id INTEGER PRIMARY KEY CHECK (id = 0), schema_version INTEGER NOT NULL, group_name TEXT NOT NULL,
      node_id TEXT NOT NULL, group_id TEXT NOT NULL, storage_id TEXT NOT NULL, incarnation INTEGER NOT NULL,
      configuration TEXT NOT NULL, term INTEGER NOT NULL, vote TEXT, promise_ms INTEGER NOT NULL,
      applied_index INTEGER NOT NULL, quiescent TEXT, first_index INTEGER NOT NULL, previous_term INTEGER NOT NULL,
      previous_time_ms INTEGER NOT NULL)`);
    sql.exec(`CREATE TABLE IF NOT EXISTS raft_log (
      first_index INTEGER PRIMARY KEY, last_index INTEGER NOT NULL, end_bytes INTEGER NOT NULL,
      entries BLOB NOT NULL)`);
  }

  /** Makes the storage of a new node; it has started no time yet. */
  create(identity: Identity, configuration: Configuration): void {
    this.sql.exec(
      "INSERT INTO raft_state VALUES (0, ?, ?, ?, ?, ?, 0, ?, 0, NULL, 0, 0, NULL, 1, 0, 0)",
      schemaVersion,
      identity.group,
      identity.node,
      identity.groupId,
      identity.storageId,
      JSON.stringify(configuration),
    );
  }

  /** Begins a new incarnation of the node that is stored here; null when none is. */
  open(): StoredNode | null {
    this.sql.exec("UPDATE raft_state SET incarnation = incarnation + 1");
    const state = this.sql.exec<StateRow>("SELECT * FROM raft_state").toArray()[0];
    if (state === undefined) return null;
    assert(state.schema_version === schemaVersion, `storage of schema ${state.schema_version}, not ${schemaVersion}`);
    const last = this.lastBatch();
    this.lastIndex = last?.last_index ?? state.first_index - 1;
    this.endBytes = last?.end_bytes ?? 0;
    return {
      identity: {
        group: state.group_name,
        node: state.node_id,
        groupId: state.group_id,
        storageId: state.storage_id,
      },
      incarnation: state.incarnation,
      // Written by `create` alone.
      configuration: JSON.parse(state.configuration) as Configuration,
      hardState: {
        term: state.term,
        vote: state.vote,
        ...(state.promise_ms > 0 ? { promiseMs: state.promise_ms } : {}),
      },
      // Written by `saveQuiescent` alone.
      quiescent: state.quiescent !== null && (JSON.parse(state.quiescent) as Rest),
      log: {
        firstIndex: state.first_index,
        lastIndex: this.lastIndex,
        previousTerm: state.previous_term,
        previousTimeMs: state.previous_time_ms,
        appliedIndex: state.applied_index,
      },
    };
  }

  /** The same SQL for the state machine; the rows that it writes are counted too. */
  counted(sql: Sql): Sql {
    return {
      exec: <Row extends SqlRow>(statement: string, ...bindings: (SqlValue | Uint8Array)[]) => {
        const cursor = sql.exec<Row>(statement, ...bindings);
        this.rowsWritten += cursor.rowsWritten;
        return cursor;
      },
    };
  }

  transaction<T>(work: () => T): T {
    return this.runTransaction(work);
  }

  saveHardState({ term, vote, promiseMs = 0 }: HardState): void {
    this.write("UPDATE raft_state SET term = ?, vote = ?, promise_ms = ?", term, vote, promiseMs);
  }

  saveAppliedIndex(index: number): void {
    this.write("UPDATE raft_state SET applied_index = ?", index);
  }

  saveQuiescent(quiescent: Rest | false): void {
    this.write("UPDATE raft_state SET quiescent = ?", quiescent === false ? null : JSON.stringify(quiescent));
  }

  saveConfiguration(configuration: Configuration): void {
    this.write("UPDATE raft_state SET configuration = ?", JSON.stringify(configuration));
  }

  /** The node goes on as a member of another group. */
  saveGroupId(groupId: string): void {
    this.write("UPDATE raft_state SET group_id = ?", groupId);
  }

  saveEntries(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    assert(first.index <= this.lastIndex + 1, "stored entries must follow one another");
    if (first.index <= this.lastIndex) this.truncateFrom(first.index);
    for (const row of splitRows(entries)) this.insertRow(row);
    this.lastIndex = first.index + entries.length - 1;
  }

  compactTo(point: SnapshotPoint): void {
    // Both conditions: the first is a range of the primary key, and a row that goes beyond the point stays.
    this.write("DELETE FROM raft_log WHERE first_index <= ?1 AND last_index <= ?1", point.index);
    this.saveBeginning(point);
    this.recent = [];
  }

  restore(snapshot: Snapshot): void {
    this.write("DELETE FROM raft_log");
    this.saveBeginning(snapshot);
    this.saveAppliedIndex(snapshot.index);
    this.saveConfiguration(snapshot.configuration);
    this.recent = [];
    this.lastIndex = snapshot.index;
    this.endBytes = 0;
  }

  oldestBatches(count: number): readonly Batch[] {
    return this.sql
      .exec<BatchRow>("SELECT last_index, end_bytes FROM raft_log ORDER BY first_index LIMIT ?", count)
      .toArray()
      .map(({ last_index: lastIndex, end_bytes: endBytes }) => ({ lastIndex, endBytes }));
  }

  bytesUpTo(index: number): number {
    return this.lastBatch(index)?.end_bytes ?? 0;
  }

  term(index: number): number {
    return this.find(index).term;
  }

  entries(first: number, last: number, maxBytes: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    const rows = this.sql.exec<LogRow>(
      `SELECT * FROM raft_log WHERE last_index >= ?1 AND first_index <= ?2
       AND first_index >= (SELECT max(first_index) FROM raft_log WHERE first_index <= ?1) ORDER BY first_index`,
      first,
      last,
    );
    for (const row of rows) {
      for (const entry of decodeRow(row)) {
        if (entry.index < first) continue;
        bytes += entryBytes(entry);
        if (entry.index > last || (bytes > maxBytes && found.length > 0)) return found;
        found.push(entry);
      }
    }
    assert(found.length > 0, `no stored entries ${first}..${last}`);
    return found;
  }

  private find(index: number): Entry {
    const first = this.recent[0]?.index ?? 0;
    const cached = first > 0 && index >= first ? this.recent[index - first] : undefined;
    if (cached !== undefined) return cached;
    this.recent = this.rowOf(index);
    const entry = this.recent[index - (this.recent[0]?.index ?? 0)];
    assert(entry !== undefined, `no stored entry ${index}`);
    return entry;
  }

  private rowOf(index: number): readonly Entry[] {
    const row = this.sql
      .exec<LogRow>("SELECT * FROM raft_log WHERE first_index <= ? ORDER BY first_index DESC LIMIT 1", index)
      .toArray()[0];
    return row === undefined ? [] : decodeRow(row);
  }

  /** Removes entries from the end, rewriting the row that the cut goes through. */
  private truncateFrom(index: number): void {
    const cut = this.rowOf(index).filter((entry) => entry.index < index);
    const firstOfRow = cut[0]?.index ?? index;
    this.write("DELETE FROM raft_log WHERE first_index >= ?", firstOfRow);
    this.recent = [];
    this.endBytes = this.bytesUpTo(firstOfRow - 1);
    if (cut.length > 0) this.insertRow(cut);
    this.lastIndex = index - 1;
  }

  private insertRow(entries: readonly Entry[]): void {
    const writer = new ByteWriter(entries.reduce((sum, entry) => sum + entryBytes(entry), 16));
    writeEntries(writer, entries);
    const first = entries[0]?.index ?? 0;
    const bytes = writer.finish();
    this.endBytes += bytes.length;
    const last = first + entries.length - 1;
    this.write("INSERT INTO raft_log VALUES (?, ?, ?, ?)", first, last, this.endBytes, bytes);
  }

  private saveBeginning({ index, term, timeMs }: SnapshotPoint): void {
    this.write(
      "UPDATE raft_state SET first_index = ?, previous_term = ?, previous_time_ms = ?",
      index + 1,
      term,
      timeMs,
    );
  }

  /** The last batch that begins at `index` or before. */
  private lastBatch(index = Number.MAX_SAFE_INTEGER): BatchRow | undefined {
    return this.sql
      .exec<BatchRow>(
        "SELECT last_index, end_bytes FROM raft_log WHERE first_index <= ? ORDER BY first_index DESC LIMIT 1",
        index,
      )
      .toArray()[0];
  }

  private write(statement: string, ...bindings: (string | number | null | Uint8Array)[]): void {
    this.rowsWritten += this.sql.exec(statement, ...bindings).rowsWritten;
  }
}

function decodeRow(row: LogRow): Entry[] {
  return readEntries(new ByteReader(new Uint8Array(row.entries)));
}

/** Divides entries so that each part fits into a row; a single entry is never divided. */
function splitRows(entries: readonly Entry[]): readonly (readonly Entry[])[] {
  const rows: Entry[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    bytes += entryBytes(entry);
    const row = rows.at(-1);
    if (row === undefined || bytes > maxRowBytes) {
      rows.push([entry]);
      bytes = entryBytes(entry);
    } else {
      row.push(entry);
    }
  }
  return rows;
}
