/** Cuts of tables that go on changing, and the tables that are made of them elsewhere. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError } from "../../src/bytes/reader.ts";
import type { SqlValue } from "../../src/machine.ts";
import { encodePage } from "../../src/node/page-codec.ts";
import { ForeignPageError } from "../../src/node/snapshot-store.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Snapshot } from "../../src/raft/message.ts";
import { NodeSql } from "../support/node-sql.ts";

const snapshot: Snapshot = { index: 7, term: 2, timeMs: 1000, configuration: simpleConfiguration(["n1", "n2"]) };

/** Keys of every kind, so that the triggers meet all of them. */
const schema = [
  "CREATE TABLE one (key BLOB PRIMARY KEY, value BLOB NOT NULL, more TEXT) WITHOUT ROWID",
  `CREATE TABLE IF NOT EXISTS "two words" (slot INTEGER PRIMARY KEY, "key" TEXT NOT NULL UNIQUE, "order" REAL)`,
  "CREATE TABLE pairs (a TEXT, b INTEGER, c, d INTEGER UNIQUE, PRIMARY KEY (b, a), UNIQUE (c, d))",
];
const tables = ["one", "two words", "pairs"];

interface Node {
  readonly sql: NodeSql;
  readonly store: SqlSnapshots;
}

function newNode(): Node {
  const sql = new NodeSql();
  for (const statement of schema) sql.exec(statement);
  sql.exec(`CREATE INDEX pairs_by_c ON pairs (c)`);
  return { sql, store: new SqlSnapshots(sql) };
}

function content(sql: NodeSql, names: readonly string[] = tables): string {
  const rows = names.map((name) => sql.exec(`SELECT * FROM "${name}" ORDER BY 1, 2, 3`).toArray());
  return JSON.stringify(rows, (_, value: unknown) =>
    value instanceof ArrayBuffer ? new Uint8Array(value).join() : value,
  );
}

/** All tables, indexes and triggers but those of the node itself. */
function catalogue(sql: NodeSql): string[] {
  const names = sql
    .exec<{ name: string }>("SELECT type || ' ' || name AS name FROM sqlite_schema ORDER BY 1")
    .toArray();
  return names.map(({ name }) => name).filter((name) => !/raft_(?:cut|staging)$/.test(name));
}

const small = fc.nat({ max: 12 });
const text = small.map((number) => `k${number}`);
const blob = small.map((number) => new Uint8Array([7, number]));
const bindings: Readonly<Record<string, fc.Arbitrary<(SqlValue | Uint8Array)[]>>> = {
  "INSERT INTO one VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value, more = more || '+'":
    fc.tuple(blob, blob, text),
  "INSERT INTO one VALUES (?, ?, NULL) ON CONFLICT DO NOTHING": fc.tuple(blob, blob),
  "INSERT OR REPLACE INTO one VALUES (?, ?, ?)": fc.tuple(blob, blob, text),
  "UPDATE OR REPLACE one SET key = ? WHERE key = ?": fc.tuple(blob, blob),
  "DELETE FROM one WHERE key = ?": fc.tuple(blob),
  "DELETE FROM one WHERE key > ?": fc.tuple(blob),
  "DELETE FROM one": fc.constant([]),
  'INSERT OR REPLACE INTO "two words" VALUES (?, ?, ?)': fc.tuple(
    small,
    text,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
  ),
  'INSERT OR IGNORE INTO "two words" ("key") VALUES (?)': fc.tuple(text),
  'UPDATE OR IGNORE "two words" SET slot = slot + 1 WHERE slot > ?': fc.tuple(small),
  'UPDATE OR REPLACE "two words" SET key = ? WHERE slot = ?': fc.tuple(text, small),
  'DELETE FROM "two words" WHERE key = ?': fc.tuple(text),
  "INSERT OR REPLACE INTO pairs VALUES (?, ?, ?, ?)": fc.tuple(text, small, fc.option(text), fc.option(small)),
  "INSERT OR IGNORE INTO pairs VALUES (?, ?, ?, ?)": fc.tuple(text, small, fc.option(text), small),
  "UPDATE OR REPLACE pairs SET d = ? WHERE b = ?": fc.tuple(small, small),
  "UPDATE OR REPLACE pairs SET b = b + 1, a = ? WHERE c = ?": fc.tuple(text, text),
  "DELETE FROM pairs WHERE b < ?": fc.tuple(small),
};

type Event = { readonly statement: string; readonly values: (SqlValue | Uint8Array)[] } | "page" | "again" | "restart";

const write: fc.Arbitrary<Event> = fc.oneof(
  ...Object.entries(bindings).map(([statement, values]) =>
    values.map((drawn): Event => ({ statement, values: drawn })),
  ),
);
const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 6, arbitrary: write },
  { weight: 2, arbitrary: fc.constant<Event>("page") },
  { weight: 1, arbitrary: fc.constantFrom<Event>("again", "restart") },
);

function perform(sql: NodeSql, { statement, values }: Exclude<Event, string>): void {
  sql.transaction(() => sql.exec(statement, ...values));
}

/** Sends one page of the cut from one node to another; true when it was the last. */
function sendPage(from: Node, to: Node, maxBytes: number): boolean {
  const page = from.store.readCut(maxBytes);
  to.sql.transaction(() => to.store.stage(page, 1));
  from.sql.transaction(() => from.store.advanceCut(1));
  return page.done;
}

function differsWhenReadAgain({ store }: Node, maxBytes: number): boolean {
  const [one, other] = [store.readCut(maxBytes), store.readCut(maxBytes)];
  return one.done !== other.done || one.bytes.join() !== other.bytes.join();
}

function begin(from: Node, to: Node): void {
  from.sql.transaction(() => from.store.openCut("cut", "n2", snapshot, tables));
  to.sql.transaction(() => to.store.beginStaging("cut", snapshot, tables));
}

describe("a cut", () => {
  test("is the state at its moment, whatever is written meanwhile, and leaves nothing behind", () => {
    fc.assert(
      fc.property(
        fc.array(write, { maxLength: 40 }),
        fc.array(event, { maxLength: 80 }),
        fc.constantFrom(1, 40, 200, 5000),
        (before, events, maxBytes) => {
          let [from, to] = [newNode(), newNode()];
          for (const each of before) if (typeof each !== "string") perform(from.sql, each);
          for (const each of before.slice(3)) if (typeof each !== "string") perform(to.sql, each);
          const clean = catalogue(from.sql);
          const expected = content(from.sql);
          begin(from, to);
          let [done, differ] = [false, false];
          for (const each of events) {
            if (each === "page") done ||= sendPage(from, to, maxBytes);
            else if (each === "again") differ ||= !done && differsWhenReadAgain(from, maxBytes);
            else if (each === "restart") {
              from = { sql: from.sql, store: new SqlSnapshots(from.sql) };
              to = { sql: to.sql, store: new SqlSnapshots(to.sql) };
            } else if (typeof each !== "string") perform(from.sql, each);
          }
          const now = content(from.sql);
          while (!done) done = sendPage(from, to, maxBytes);
          from.sql.transaction(() => from.store.closeCut());
          to.sql.transaction(() => to.store.installStaging());
          expect(differ).toBe(false);
          expect(content(to.sql)).toBe(expected);
          expect(content(from.sql)).toBe(now);
          expect(catalogue(from.sql)).toEqual(clean);
          expect(catalogue(to.sql)).toEqual(clean);
          expect([from.store.cut(), to.store.staging()]).toEqual([null, null]);
        },
      ),
      { numRuns: 400 },
    );
  });

  test("does not change what the same writes lead to", () => {
    fc.assert(
      fc.property(fc.array(write, { maxLength: 60 }), fc.nat({ max: 60 }), (writes, opened) => {
        const [cut, plain] = [newNode(), newNode()];
        for (const [position, each] of writes.entries()) {
          if (position === opened) cut.sql.transaction(() => cut.store.openCut("cut", "n2", snapshot, tables));
          if (typeof each === "string") continue;
          perform(cut.sql, each);
          perform(plain.sql, each);
        }
        expect(content(cut.sql)).toBe(content(plain.sql));
      }),
      { numRuns: 200 },
    );
  });

  test("saves rows that are still to be read, and none that were", () => {
    const { sql, store } = newNode();
    const put = (key: number): void => {
      sql.exec("INSERT OR REPLACE INTO one VALUES (?, x'00', NULL)", new Uint8Array([key]));
    };
    for (let key = 0; key < 100; key += 1) put(key);
    store.openCut("cut", "n2", snapshot, ["one"]);
    const saved = (): number => sql.exec<{ n: number }>("SELECT count(*) AS n FROM raft_cut_one").toArray()[0]!.n;
    for (let key = 0; key < 120; key += 1) put(key);
    for (let key = 0; key < 120; key += 1) put(key);
    expect(saved()).toBe(120);
    store.readCut(500);
    store.advanceCut(1);
    const left = saved();
    expect(left).toBeGreaterThan(20);
    expect(left).toBeLessThan(120);
    for (let key = 0; key < 40; key += 1) put(key);
    expect(saved()).toBe(left);
  });

  test("reads one row at least, and else no more than it may", () => {
    const { sql, store } = newNode();
    for (let key = 0; key < 20; key += 1) {
      sql.exec("INSERT INTO one VALUES (?, ?, NULL)", new Uint8Array([key]), new Uint8Array(key === 3 ? 9000 : 90));
    }
    store.openCut("cut", "n2", snapshot, ["one"]);
    const sizes: number[] = [];
    for (let done = false; !done;) {
      const page = store.readCut(1000);
      sizes.push(page.bytes.length);
      store.advanceCut(1);
      done = page.done;
    }
    expect(sizes.filter((size) => size > 1200)).toEqual([expect.closeTo(9000, -3)]);
    expect(sizes.length).toBeLessThan(8);
  });

  test("takes the place of another, and what is read of it begins anew", () => {
    const from = newNode();
    from.sql.exec("INSERT INTO one VALUES (x'01', x'00', NULL)");
    from.store.openCut("first", "n2", snapshot, tables);
    from.store.readCut(1000);
    from.store.advanceCut(5);
    from.sql.exec("DELETE FROM one");
    from.store.openCut("second", "n3", { ...snapshot, index: 9 }, tables);
    expect(from.store.cut()).toEqual({
      id: "second",
      peer: "n3",
      snapshot: { ...snapshot, index: 9 },
      sequence: 0,
      checksum: 0,
    });
  });
});

describe("a staging", () => {
  test("changes nothing before it is installed, and nothing when it is discarded", () => {
    const [from, to] = [newNode(), newNode()];
    from.sql.exec("INSERT INTO one VALUES (x'01', x'00', NULL)");
    to.sql.exec("INSERT INTO one VALUES (x'02', x'00', NULL)");
    const [before, clean] = [content(to.sql), catalogue(to.sql)];
    begin(from, to);
    expect(sendPage(from, to, 1000)).toBe(true);
    expect(content(to.sql)).toBe(before);
    expect(to.store.staging()).toEqual({ cutId: "cut", snapshot, sequence: 1, checksum: 1, complete: true });
    to.store.discardStaging();
    expect([content(to.sql), catalogue(to.sql)]).toEqual([before, clean]);
  });

  test("closes a cut of the state that it replaces", () => {
    const [from, to] = [newNode(), newNode()];
    begin(from, to);
    to.store.openCut("other", "n3", snapshot, tables);
    sendPage(from, to, 1000);
    to.store.installStaging();
    expect(to.store.cut()).toBeNull();
  });

  test("is not installed before it is complete", () => {
    const node = newNode();
    expect(() => node.store.installStaging()).toThrow("not complete");
    node.store.beginStaging("cut", snapshot, tables);
    expect(() => node.store.installStaging()).toThrow("not complete");
  });

  test.each([
    ["a table that is not here", [{ table: "none", columns: ["a"], rows: [[1]] }], ForeignPageError],
    ["a table that is here and is not sent", [{ table: "raft_cut", columns: ["id"], rows: [[1]] }], ForeignPageError],
    ["other columns", [{ table: "one", columns: ["key", "value"], rows: [] }], ForeignPageError],
    ["another order of columns", [{ table: "one", columns: ["value", "key", "more"], rows: [] }], ForeignPageError],
  ] as const)("takes no page with %s", (_, blocks, failure) => {
    const node = newNode();
    node.store.beginStaging("cut", snapshot, tables);
    expect(() => node.store.stage({ bytes: encodePage(blocks, 100), done: false }, 1)).toThrow(failure);
  });

  test("takes nothing of a page of which a part is foreign", () => {
    const node = newNode();
    node.store.beginStaging("cut", snapshot, tables);
    const good = { table: "two words", columns: ["slot", "key", "order"], rows: [[1, "a", 2]] };
    const bytes = encodePage([good, { table: "none", columns: ["a"], rows: [[1]] }], 100);
    expect(() => node.store.stage({ bytes, done: false }, 1)).toThrow(ForeignPageError);
    expect(node.sql.exec(`SELECT * FROM "raft_staged_two words"`).toArray()).toEqual([]);
    expect(node.store.staging()?.sequence).toBe(0);
  });

  test("takes no bytes that are no page", () => {
    const node = newNode();
    node.store.beginStaging("cut", snapshot, tables);
    const good = encodePage([{ table: "one", columns: ["key", "value", "more"], rows: [[null, 1, "x"]] }], 10);
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), (length) => {
        expect(() => node.store.stage({ bytes: good.slice(0, length), done: false }, 1)).toThrow(MalformedError);
      }),
    );
  });
});
