/** The storage in SQLite: it is one, and it writes no more rows than it must. */

import { describe, expect, test } from "vitest";
import { SqlStorage } from "../../src/node/sql-storage.ts";
import { NodeSql } from "../support/node-sql.ts";
import { describeNodeStorage } from "./node-storage.ts";
import { configuration, entriesFrom, identity, save } from "./storage-model.ts";

const storageOver = (sql: NodeSql): SqlStorage => new SqlStorage(sql, (work) => sql.transaction(work));

describeNodeStorage("SQLite", () => {
  const sql = new NodeSql();
  return {
    create: (who, members) => storageOver(sql).create(who, members),
    open: () => {
      const storage = storageOver(sql);
      const stored = storage.open();
      return stored === null ? null : { storage, stored };
    },
  };
});

function openNew(): { sql: NodeSql; storage: SqlStorage } {
  const sql = new NodeSql();
  const storage = storageOver(sql);
  storage.create(identity, configuration);
  storage.open();
  return { sql, storage };
}

describe("rows written, which are billed", () => {
  /** How many rows the work writes. */
  function rowsOf(storage: SqlStorage, work: () => void): number {
    const before = storage.rowsWritten;
    work();
    return storage.rowsWritten - before;
  }

  function rowSizes(sql: NodeSql): number[] {
    const rows = sql.exec<{ size: number }>("SELECT length(entries) AS size FROM raft_log ORDER BY first_index");
    return rows.toArray().map(({ size }) => size);
  }

  test("are one for a batch, however many entries it has", () => {
    const { storage } = openNew();
    const sizes = Array.from({ length: 500 }, () => 100);
    expect(rowsOf(storage, () => save(storage, entriesFrom(1, 1, ...sizes)))).toBe(1);
    expect(rowsOf(storage, () => save(storage, entriesFrom(501, 1, 100)))).toBe(1);
  });

  test("are none for nothing", () => {
    const { storage } = openNew();
    expect(rowsOf(storage, () => save(storage, []))).toBe(0);
  });

  test("are one each for the hard state and the applied index", () => {
    const { storage } = openNew();
    expect(rowsOf(storage, () => storage.saveHardState({ term: 1, vote: "n1" }))).toBe(1);
    expect(rowsOf(storage, () => storage.saveAppliedIndex(0))).toBe(1);
  });

  test("are as few as a cut allows: the rows removed, the rest of the one that is cut, and the new", () => {
    const { storage } = openNew();
    save(storage, entriesFrom(1, 1, 5, 5, 5));
    save(storage, entriesFrom(4, 1, 5, 5));
    expect(rowsOf(storage, () => save(storage, entriesFrom(4, 2, 5)))).toBe(2);
    expect(rowsOf(storage, () => save(storage, entriesFrom(2, 3, 5)))).toBe(4);
  });

  test("are those of a batch over 1 MiB in parts that fit, a larger entry alone", () => {
    const { sql, storage } = openNew();
    const sizes = [600_000, 400_000, 600_000, 1_800_000, 10, 10];
    expect(rowsOf(storage, () => save(storage, entriesFrom(1, 1, ...sizes)))).toBe(4);
    expect(rowSizes(sql).map((size) => Math.floor(size / 100_000))).toEqual([10, 6, 18, 0]);
  });

  test("are counted for the state machine's own statements too", () => {
    const { sql, storage } = openNew();
    const counted = storage.counted(sql);
    counted.exec("CREATE TABLE pairs (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID");
    const written = rowsOf(storage, () => {
      counted.exec("INSERT INTO pairs VALUES (?, ?), (?, ?)", "a", "1", "b", "2");
    });
    expect(written).toBe(2);
    expect(counted.exec("SELECT key FROM pairs").toArray()).toEqual([{ key: "a" }, { key: "b" }]);
  });
});

test("a node's storage of another schema is not opened", () => {
  const { sql } = openNew();
  sql.exec("UPDATE raft_state SET schema_version = 1");
  expect(() => storageOver(sql).open()).toThrow("schema 1");
});

test("a node's storage is made once", () => {
  const { storage } = openNew();
  expect(() => storage.create({ ...identity, node: "n2" }, configuration)).toThrow("UNIQUE");
});

test("entries that would leave a hole are not saved", () => {
  const { storage } = openNew();
  save(storage, entriesFrom(1, 1, 5));
  expect(() => save(storage, entriesFrom(3, 1, 5))).toThrow("follow one another");
});
