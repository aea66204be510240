/** The newest state of every key: a table that lags behind, and the memory of what changed since. */

import type { Sql } from "../../machine.ts";
import { stateColumns } from "./history.ts";
import { bytesOf, endOfKeys, firstKey, successor, textOf } from "./key-text.ts";
import type { KeyRange, KeyText } from "./key-text.ts";
import { exists, keyStateOf } from "./key-state.ts";
import type { KeyState, KeyStateRow } from "./key-state.ts";
import type { KeyView, ScanOptions } from "./key-view.ts";
import { Memtable } from "./memtable.ts";
import type { Meta } from "./schema.ts";

/** Every node of a group must have the same: when the table is written follows from the commands alone. */
export interface IndexLimits {
  /** How many keys may be in memory. */
  readonly maxRecentKeys: number;
  /** How many of them are merged into the table at a time. */
  readonly mergedKeys: number;
  /** How many rows of history the memory may stand for: a node that starts reads them all. */
  readonly maxRecentRows: number;
  /** How long the eras of the history are, see `jumpFrom`: about the root of the rows that it may come to. */
  readonly eraRows: number;
}

export const defaultIndexLimits: IndexLimits = {
  maxRecentKeys: 4096,
  mergedKeys: 2048,
  maxRecentRows: 16_384,
  eraRows: 1024,
};

/** Rows are read in slices that grow, as most readers want few. */
const firstSlice = 32;
const lastSlice = 512;

const columns = "key, position, jump, create_revision, mod_revision, version, lease, value_bytes";
const findStatement = `SELECT ${columns} FROM kv_keys WHERE key = ?`;
const scanStatement = (condition: string, order: string): string =>
  `SELECT ${columns} FROM kv_keys WHERE key >= ? AND key < ? ${condition} ORDER BY key ${order} LIMIT ?`;
const scanStatements = {
  existing: { forward: scanStatement("AND version > 0", "ASC"), reverse: scanStatement("AND version > 0", "DESC") },
  all: { forward: scanStatement("", "ASC"), reverse: scanStatement("", "DESC") },
};
const greatestStatement = "SELECT key FROM kv_keys ORDER BY key DESC LIMIT 1";
const countStatement = "SELECT count(*) AS count FROM kv_keys WHERE key >= ? AND key < ? AND version > 0";
/** Sorted, so that neighbours in the table are written together. */
const mergeStatement = `INSERT INTO kv_keys (${columns})
  SELECT ${stateColumns} FROM kv_revisions AS r WHERE r.position IN (SELECT value FROM json_each(?)) ORDER BY r.key
  ON CONFLICT (key) DO UPDATE SET position = excluded.position, jump = excluded.jump,
    create_revision = excluded.create_revision, mod_revision = excluded.mod_revision, version = excluded.version,
    lease = excluded.lease, value_bytes = excluded.value_bytes`;
const recentStatement = `SELECT ${stateColumns}, ifnull(k.version, 0) AS indexed_version
  FROM kv_revisions AS r LEFT JOIN kv_keys AS k ON k.key = r.key WHERE r.position > ? ORDER BY r.position`;

/**
 * A key that changes is written to the history alone. What is in memory follows from the tables: it is the keys whose newest
 * row is behind `mergedPosition`, so a node that starts finds it there. The keys that changed longest ago are merged first,
 * which leaves those that change all the time in memory, and the table is written in bulk and in its order.
 */
export class KeyIndex implements KeyView {
  private readonly sql: Sql;
  private readonly meta: Meta;
  private readonly limits: IndexLimits;
  private readonly recent = new Memtable();
  /** No key in the table is greater: who writes ever greater keys need not look there. */
  private greatest: KeyText;

  constructor(sql: Sql, meta: Meta, limits: IndexLimits) {
    this.sql = sql;
    this.meta = meta;
    this.limits = limits;
    const [last] = sql.exec<{ key: ArrayBuffer }>(greatestStatement).toArray();
    this.greatest = last === undefined ? firstKey : textOf(last.key);
    for (const row of sql.exec<KeyStateRow & { indexed_version: number }>(recentStatement, meta.mergedPosition)) {
      this.recent.set({ state: keyStateOf(row), isIndexed: row.indexed_version > 0 });
    }
  }

  get(key: KeyText): KeyState | undefined {
    const state = this.newest(key);
    return exists(state) ? state : undefined;
  }

  /** A deleted key has a state too, until the compaction has passed it. */
  newest(key: KeyText): KeyState | undefined {
    const recent = this.recent.get(key);
    if (recent !== undefined) return recent.state;
    if (key > this.greatest) return undefined;
    const [row] = this.sql.exec<KeyStateRow>(findStatement, bytesOf(key)).toArray();
    return row && keyStateOf(row);
  }

  /** A key has changed: its newest row is in the history. `before` is what `newest` told of it. */
  set(state: KeyState, before: KeyState | undefined): void {
    const isIndexed = this.recent.get(state.key)?.isIndexed ?? exists(before);
    this.recent.set({ state, isIndexed });
    if (this.recent.size > this.limits.maxRecentKeys) this.merge(this.limits.mergedKeys, 0);
    const behind = this.limits.maxRecentRows;
    if (state.position - (this.recent.oldestPosition ?? state.position) >= behind) {
      this.merge(0, state.position - Math.floor(behind / 2));
    }
    this.mark();
  }

  /** The table learns of all changes. */
  mergeAll(): void {
    this.merge(this.recent.size, 0);
    this.mark();
  }

  /** The compaction has passed the row at which a key was deleted, of which the table knows. */
  forget(key: KeyText, position: number): void {
    this.sql.exec("DELETE FROM kv_keys WHERE key = ? AND position = ?", bytesOf(key), position);
  }

  *scan(range: KeyRange, options: ScanOptions = {}): Generator<KeyState, void> {
    let rest = range;
    for (let limit = firstSlice; rest.from < rest.to; limit = Math.min(limit * 2, lastSlice)) {
      const { states, covered } = this.slice(rest, options, limit);
      for (const state of states) if (options.withDeleted === true || exists(state)) yield state;
      rest = options.reverse === true ? { from: rest.from, to: covered.from } : { from: covered.to, to: rest.to };
    }
  }

  count(range: KeyRange): number {
    if (range.from >= range.to) return 0;
    // No key is before one of a zero byte, as none is empty.
    if (range.from <= "\0" && range.to === endOfKeys) return this.meta.keys;
    const [row] = this.sql.exec<{ count: number }>(countStatement, ...bounds(range)).toArray();
    return this.recent
      .range(range)
      .reduce((sum, { state, isIndexed }) => sum + Number(exists(state)) - Number(isIndexed), row?.count ?? 0);
  }

  /** The first states of a range, in the direction of the scan, and the part of the range that they cover. */
  private slice(
    range: KeyRange,
    { reverse = false, withDeleted = false }: ScanOptions,
    limit: number,
  ): { states: KeyState[]; covered: KeyRange } {
    const statement = scanStatements[withDeleted ? "all" : "existing"][reverse ? "reverse" : "forward"];
    const rows = this.sql
      .exec<KeyStateRow>(statement, ...bounds(range), limit)
      .toArray()
      .map(keyStateOf);
    const last = rows.length < limit ? undefined : rows.at(-1);
    const covered = last === undefined ? range : coveredUpTo(last.key, range, reverse);
    const recent = this.recent.range(covered).map(({ state }) => state);
    return { states: merged(rows, reverse ? recent.toReversed() : recent, reverse), covered };
  }

  private merge(count: number, position: number): void {
    const taken = this.recent.takeOldest(count, position);
    if (taken.length === 0) return;
    this.sql.exec(mergeStatement, JSON.stringify(taken.map((state) => state.position)));
    for (const { key } of taken) if (key > this.greatest) this.greatest = key;
  }

  private mark(): void {
    this.meta.mergedPosition = (this.recent.oldestPosition ?? this.meta.lastPosition + 1) - 1;
  }
}

function bounds({ from, to }: KeyRange): [Uint8Array, Uint8Array] {
  return [bytesOf(from), bytesOf(to)];
}

function coveredUpTo(key: KeyText, range: KeyRange, reverse: boolean): KeyRange {
  return reverse ? { from: key, to: range.to } : { from: range.from, to: successor(key) };
}

/** Two lists that are sorted in the same direction, in one; of equal keys that of `above`. */
function merged(below: readonly KeyState[], above: readonly KeyState[], reverse: boolean): KeyState[] {
  if (above.length === 0) return [...below];
  const result: KeyState[] = [];
  let at = 0;
  for (const state of above) {
    for (let next = below[at]; next !== undefined; next = below[at]) {
      const isBefore = reverse ? next.key > state.key : next.key < state.key;
      if (!isBefore && next.key !== state.key) break;
      if (isBefore) result.push(next);
      at += 1;
    }
    result.push(state);
  }
  for (const next of below.slice(at)) result.push(next);
  return result;
}
