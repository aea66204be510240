/** What single commands and queries do, as etcd's data model says. */

import { describe, expect, test } from "vitest";
import { encodeCommand } from "../../src/kv/command.ts";
import type { Command } from "../../src/kv/command.ts";
import { maxPageValueBytes, maxValueBytes } from "../../src/kv/limits.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import type { ListQuery } from "../../src/kv/query.ts";
import { decodeResult } from "../../src/kv/result.ts";
import type { Sql, SqlRow, SqlValue } from "../../src/machine.ts";
import { NodeSql } from "../support/node-sql.ts";
import { bytes, committed, put, remove, TestStore } from "./store.ts";

const everything: ListQuery = {
  kind: "list",
  limit: 1000,
  keysOnly: false,
  prefix: new Uint8Array(0),
  start: null,
  end: null,
  after: null,
};

describe("revisions", () => {
  test("begin at 1 on the empty store", () => {
    expect(new TestStore().query(everything)).toEqual({ status: "page", revision: 1, more: false, items: [] });
  });

  test("count every put, that of the same value too", () => {
    const store = new TestStore();
    expect(store.apply([put("a", "1"), put("b", "1"), put("a", "1")])).toEqual([
      { status: "put", created: true, createRevision: 2, modRevision: 2, version: 1 },
      { status: "put", created: true, createRevision: 3, modRevision: 3, version: 1 },
      { status: "put", created: false, createRevision: 2, modRevision: 4, version: 2 },
    ]);
  });

  test("a delete counts once; a key made again starts over", () => {
    const store = new TestStore();
    store.apply([put("a", "1"), put("a", "2")]);
    expect(store.apply([remove("a"), remove("a"), put("a", "3")])).toEqual([
      { status: "deleted", revision: 4, createRevision: 2, modRevision: 3, version: 2 },
      { status: "not_found" },
      { status: "put", created: true, createRevision: 5, modRevision: 5, version: 1 },
    ]);
  });

  test("survive the machine that counted them", () => {
    const store = new TestStore();
    store.apply([put("a", "1")]);
    const restarted = new KeyValueMachine(store.sql);
    const [result] = restarted.apply(committed([encodeCommand(put("a", "2"))]));
    expect(decodeResult(result!)).toMatchObject({ createRevision: 2, modRevision: 3, version: 2 });
  });

  test("follow the tables when a turn is undone and the node restarts", () => {
    const store = new TestStore();
    store.apply([put("a", "1")]);
    const before = store.content();
    const turn = (): never => {
      store.machine.apply(committed([encodeCommand(put("b", "1"))]));
      throw new Error("the turn failed later");
    };
    expect(() => store.sql.transaction(turn)).toThrow("the turn failed later");
    expect(store.content()).toEqual(before);
    const restarted = new KeyValueMachine(store.sql);
    const [result] = restarted.apply(committed([encodeCommand(put("c", "1"))]));
    expect(decodeResult(result!)).toMatchObject({ createRevision: 3 });
  });
});

describe("preconditions", () => {
  test.each([
    ["absent", null, "put"],
    ["absent", 2, "precondition_failed"],
    ["present", null, "precondition_failed"],
    ["present", 2, "put"],
  ] as const)("%s, when the key's revision is %s: %s", (kind, modRevision, status) => {
    const store = new TestStore();
    if (modRevision !== null) store.apply([put("a", "1")]);
    const [result] = store.apply([put("a", "2", { precondition: { kind } })]);
    expect(result).toMatchObject(status === "put" ? { status } : { status, modRevision });
  });

  test("a revision lets through the writer that has seen the last one, and no other", () => {
    const store = new TestStore();
    store.apply([put("a", "1")]);
    const precondition = { kind: "revision", modRevision: 2 } as const;
    expect(store.apply([put("a", "2", { precondition }), put("a", "3", { precondition })])).toMatchObject([
      { status: "put", modRevision: 3 },
      { status: "precondition_failed", modRevision: 3 },
    ]);
    expect(store.apply([remove("a", { precondition }), remove("b", { precondition })])).toEqual([
      { status: "precondition_failed", modRevision: 3 },
      { status: "precondition_failed", modRevision: null },
    ]);
  });
});

describe("lists", () => {
  test("end a page at the size of its values, but never before its first item", () => {
    const store = new TestStore();
    const value = new Uint8Array(maxValueBytes);
    const whole = maxPageValueBytes / maxValueBytes;
    for (let count = 0; count <= whole; count++) store.apply([put(`key${count}`, "", { value })]);
    const page = store.query(everything);
    expect(page.status === "page" && [page.items.length, page.more]).toEqual([whole, true]);
    const keys = store.query({ ...everything, keysOnly: true });
    expect(keys.status === "page" && [keys.items.length, keys.more]).toEqual([whole + 1, false]);
    expect(keys.status === "page" && keys.items[0]).toMatchObject({ value: null, valueBytes: maxValueBytes });
  });

  test("hold no more than is asked for, and say what remains", () => {
    const store = new TestStore();
    store.apply([put("a", "1"), put("b", "2"), put("c", "3")]);
    const page = store.query({ ...everything, limit: 2 });
    expect(page.status === "page" && page.items.map(({ value }) => value)).toEqual([bytes("1"), bytes("2")]);
    expect(page).toMatchObject({ more: true, revision: 4 });
    expect(store.query({ ...everything, limit: 3 })).toMatchObject({ more: false });
  });
});

test("tables of a newer version are refused, not misread", () => {
  const sql = new NodeSql();
  expect(new KeyValueMachine(sql)).toBeInstanceOf(KeyValueMachine);
  sql.exec("UPDATE kv_meta SET schema_version = 2");
  expect(() => new KeyValueMachine(sql)).toThrow("version 2");
});

test("a batch writes one row a command that changes something, and the row of scalars once", () => {
  const sql = new NodeSql();
  const written: string[] = [];
  const counting: Sql = {
    exec<Row extends SqlRow>(statement: string, ...bindings: (SqlValue | Uint8Array)[]) {
      const cursor = sql.exec<Row>(statement, ...bindings);
      written.push(...Array<string>(cursor.rowsWritten).fill(statement.split(" ").slice(0, 3).join(" ")));
      return cursor;
    },
  };
  const machine = new KeyValueMachine(counting);
  const rowsOf = (...commands: Command[]): string[] => {
    written.length = 0;
    machine.apply(committed(commands.map(encodeCommand)));
    return [...written];
  };
  const pair = "INSERT INTO kv_pairs";
  const scalars = "UPDATE kv_meta SET";
  expect(rowsOf(put("a", "1"), put("b", "1"), put("a", "2"))).toEqual([pair, pair, pair, scalars]);
  expect(rowsOf(remove("a"), remove("a"))).toEqual(["DELETE FROM kv_pairs", scalars]);
  expect(rowsOf(remove("a"), put("b", "", { precondition: { kind: "absent" } }))).toEqual([]);
});
