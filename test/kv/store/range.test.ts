/** Ranges and lists: what they count, leave out, sort and refuse. */

import { describe, expect, test } from "vitest";
import type { Query, QueryAnswer, RangeOperation } from "../../../src/kv/model.ts";
import type { Sql, SqlCursor, SqlRow, SqlValue } from "../../../src/machine.ts";
import { History } from "../../../src/kv/store/history.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import { bytes, line, list, put, range, remove, text, txn } from "./requests.ts";

/** `c` is created first, `a` changed last, `b` changed most often. */
function filled(options?: ConstructorParameters<typeof TestStore>[0]): TestStore {
  const store = new TestStore(options);
  for (const [key, value] of ["c=5", "b=3", "a=9", "b=4", "b=1", "a=7"].map((pair) => pair.split("="))) {
    store.run(txn([put(key!, value!)]));
  }
  return store;
}

function keysOf(answer: QueryAnswer): string {
  if (answer.status !== "range") return answer.status;
  const { items, count, more } = answer.range;
  return `${items.map((item) => text(item.key)).join("")} of ${count}${more ? ", more" : ""}`;
}

describe("a range", () => {
  test.each<[Partial<RangeOperation>, string]>([
    [{}, "abc of 3"],
    [{ limit: 2 }, "ab of 3, more"],
    [{ limit: 3 }, "abc of 3"],
    [{ sortOrder: "descend" }, "cba of 3"],
    [{ sortOrder: "descend", limit: 1 }, "c of 3, more"],
    [{ sortTarget: "mod" }, "cba of 3"],
    [{ sortTarget: "create", sortOrder: "ascend", limit: 1 }, "c of 3, more"],
    [{ sortTarget: "create", sortOrder: "descend" }, "abc of 3"],
    [{ sortTarget: "version", sortOrder: "descend", limit: 2 }, "ba of 3, more"],
    [{ sortTarget: "value" }, "bca of 3"],
    [{ sortTarget: "value", sortOrder: "descend", limit: 1, keysOnly: true }, "a of 3, more"],
    [{ countOnly: true, limit: 1 }, " of 3"],
    [{ minModRevision: 6 }, "ab of 3"],
    [{ maxModRevision: 5 }, "c of 3"],
    [{ minCreateRevision: 3, maxCreateRevision: 3 }, "b of 3"],
    [{ minCreateRevision: 3, limit: 1 }, "a of 3, more"],
    [{ minCreateRevision: 3, limit: 1, sortTarget: "mod" }, "b of 3, more"],
    [{ revision: 3 }, "bc of 2"],
    [{ revision: 1 }, " of 0"],
    [{ revision: 8 }, "refused"],
  ])("with %o finds %s", (more, found) => {
    for (const index of [tinyIndex, undefined]) {
      const store = filled(index && { index });
      expect(keysOf(store.query(range("", "\0", more)))).toBe(found);
    }
  });

  test("ends before its end, and has no keys when that is not behind its key", () => {
    const store = filled();
    expect(keysOf(store.query(range("a", "c")))).toBe("ab of 2");
    expect(keysOf(store.query(range("b", "\0")))).toBe("bc of 2");
    expect(keysOf(store.query(range("b", "b")))).toBe(" of 0");
    expect(keysOf(store.query(range("b", "a")))).toBe(" of 0");
    expect(keysOf(store.query(range("b")))).toBe("b of 1");
    expect(keysOf(store.query(range("x")))).toBe(" of 0");
  });

  test("refuses an answer that is too large, before it reads it", () => {
    const store = new TestStore({ maxAnswerBytes: 3000 });
    for (const key of "abcdef") store.run(txn([put(key, "x".repeat(700))]));
    const outcome = (more: Partial<RangeOperation>): string => keysOf(store.query(range("", "\0", more)));
    expect(outcome({})).toBe("refused");
    expect(outcome({ limit: 3 })).toBe("abc of 6, more");
    expect(outcome({ limit: 4 })).toBe("refused");
    expect(outcome({ keysOnly: true })).toBe("abcdef of 6");
    expect(outcome({ sortTarget: "mod", sortOrder: "descend", limit: 3 })).toBe("fed of 6, more");
    expect(outcome({ sortTarget: "value", limit: 1 })).toBe("refused");
    expect(store.query(range("", "\0"))).toMatchObject({ refusal: { reason: "answer_too_large" } });
  });

  test("keeps no more than it needs of many keys that it sorts", () => {
    const store = new TestStore({ maxAnswerBytes: 3000 });
    for (let key = 0; key < 200; key += 1) store.run(txn([put(`k${key}`, "")]));
    const answer = store.query(
      range("", "\0", { sortTarget: "create", sortOrder: "descend", limit: 2, keysOnly: true }),
    );
    expect(keysOf(answer)).toBe("k199k198 of 200, more");
  });
});

describe("many keys at once", () => {
  test("come in the order asked for, with nothing for those that do not exist", () => {
    const store = filled();
    const keys = ["b", "x", "a", "b"].map(bytes);
    const answer = store.query({ kind: "getMany", keys, withValues: true });
    expect(answer.status === "many" && answer.items.map((item) => item && line(item))).toEqual([
      "b=1@6",
      null,
      "a=7@7",
      "b=1@6",
    ]);
  });
});

describe("a list", () => {
  function page(store: TestStore, more: Parameters<typeof list>[0]): string {
    const answer = store.query(list(more));
    if (answer.status !== "list") return answer.status;
    const names = [
      ...answer.items.map(({ key }) => text(key)),
      ...answer.commonPrefixes.map((prefix) => `[${text(prefix)}]`),
    ];
    return `${names.join(" ")}${answer.next === null ? "" : ` > ${text(answer.next)}`}`;
  }

  function folders(): TestStore {
    const store = new TestStore({ index: tinyIndex });
    const keys = ["a", "b/1", "b/2", "b/c/3", "b0", "c/1", "d", "\xff", "\xff\xff/1"];
    for (const key of keys) store.run(txn([put(key, key)]));
    return store;
  }

  test.each<[Parameters<typeof list>[0], string]>([
    [{ delimiter: bytes("/") }, "a b0 d \xff [b/] [c/] [\xff\xff/]"],
    [{ delimiter: bytes("/"), limit: 3 }, "a b0 [b/] > b0"],
    [{ delimiter: bytes("/"), limit: 2, after: bytes("b/") }, "b0 [c/] > c/"],
    [{ delimiter: bytes("/"), limit: 2, after: bytes("b/1") }, "b0 [c/] > c/"],
    [{ delimiter: bytes("/"), limit: 4, reverse: true }, "\xff d [\xff\xff/] [c/] > c/"],
    [{ delimiter: bytes("/"), reverse: true, after: bytes("c/") }, "b0 a [b/]"],
    [{ delimiter: bytes("/"), reverse: true, after: bytes("b/1") }, "a [b/]"],
    [{ delimiter: bytes("/"), prefix: bytes("b/") }, "b/1 b/2 [b/c/]"],
    [{ delimiter: bytes("/"), start: bytes("b/2"), end: bytes("c") }, "b0 [b/]"],
    [{ prefix: bytes("b"), reverse: true, limit: 2 }, "b0 b/c/3 > b/c/3"],
    [{ prefix: bytes("\xff") }, "\xff \xff\xff/1"],
    [{ start: bytes("b0"), end: bytes("d"), keysOnly: true }, "b0 c/1"],
  ])("with %o has %s", (more, found) => {
    expect(page(folders(), more)).toBe(found);
  });

  test("shows the keys as they were, also those that are gone, page by page", () => {
    const store = folders();
    store.run(txn([remove("b/1"), put("b/2", "late"), put("b/4", "new")]));
    const was = { delimiter: bytes("/"), prefix: bytes("b"), revision: 9 };
    expect(page(store, { ...was, limit: 1 })).toBe("[b/] > b/");
    expect(page(store, { prefix: bytes("b/"), revision: 10 })).toBe("b/1 b/2 b/c/3");
    expect(page(store, { prefix: bytes("b/"), revision: 3, reverse: true })).toBe("b/1");
    expect(page(store, { prefix: bytes("b/"), revision: 11 })).toBe("b/2 b/4 b/c/3");
    expect(page(store, { revision: 12 })).toBe("refused");
  });

  test("ends a page before its values are too large, but has one at least", () => {
    const store = new TestStore();
    const value = new Uint8Array(1024 * 1024);
    for (const key of "abcdefg") store.run(txn([put(key, "", key === "a" ? {} : { value })]));
    expect(page(store, {})).toBe("a b c d e > e");
    expect(page(store, { after: bytes("e") })).toBe("f g");
    expect(page(store, { keysOnly: true })).toBe("a b c d e f g");
  });

  test("skips the keys below a common prefix instead of reading them", () => {
    const store = new TestStore({ index: { ...tinyIndex, maxRecentKeys: 50 } });
    for (let key = 0; key < 3000; key += 1) store.run(txn([put(`p${key % 3}/${key}`, "")]));
    const read = rowsReadBy(store, list({ delimiter: bytes("/"), reverse: false }));
    expect(read).toBeLessThan(500);
    expect(page(store, { delimiter: bytes("/") })).toBe(" [p0/] [p1/] [p2/]".trim());
  });
});

/** How many rows the database gives back for a query. */
function rowsReadBy(store: TestStore, query: Query): number {
  let rows = 0;
  const { exec } = store.sql;
  const counting: Sql["exec"] = <Row extends SqlRow>(
    statement: string,
    ...values: (SqlValue | Uint8Array)[]
  ): SqlCursor<Row> => {
    const cursor = exec.call(store.sql, statement, ...values) as SqlCursor<Row>;
    rows += cursor.toArray().length;
    return cursor;
  };
  store.sql.exec = counting;
  store.query(query);
  store.sql.exec = exec;
  return rows;
}

describe("a past revision", () => {
  test("of a key that was written very often is a few steps away", () => {
    const eraRows = 50;
    const store = new TestStore({ index: { ...tinyIndex, eraRows } });
    const writes = 2500;
    const keyOf = (write: number): string => (write % 10 === 0 ? "other" : "hot");
    for (let write = 0; write < writes; write += 1) store.run(txn([put(keyOf(write), `${write}`)]));
    const history = new History(store.sql);
    const states = history.states(Array.from({ length: writes + 1 }, (_, position) => position));
    for (const revision of [3, 60, 61, 1300, 2400, writes]) {
      expect(store.query(range("hot", null, { revision }))).toMatchObject({
        range: { items: [{ modRevision: newestOf(revision) }] },
      });
    }
    let eras = 0;
    for (let at = states.get(writes); at !== undefined && at.jump > 0; at = states.get(at.jump)) eras += 1;
    expect(eras).toBeGreaterThan(writes / eraRows / 2);
    expect(eras).toBeLessThanOrEqual(writes / eraRows + 1);
  });

  test("knows a key that was deleted since, and none that was made since", () => {
    const store = filled({ index: tinyIndex });
    store.run(txn([remove("a", "c")]));
    store.run(txn([put("d", "1")]));
    expect(keysOf(store.query(range("", "\0", { revision: 7 })))).toBe("abc of 3");
    expect(keysOf(store.query(range("", "\0", { revision: 8 })))).toBe("c of 1");
    expect(keysOf(store.query(range("", "\0")))).toBe("cd of 2");
  });
});

/** Write number n has revision n + 2, and every tenth is of the other key. */
function newestOf(revision: number): number {
  return (revision - 2) % 10 === 0 ? revision - 1 : revision;
}
