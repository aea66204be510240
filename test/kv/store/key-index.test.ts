/** The index that lags: what is merged when, and what a restart finds. */

import { describe, expect, test } from "vitest";
import { TestStore } from "./harness.ts";
import { put, range, remove, txn } from "./requests.ts";

const limits = { maxRecentKeys: 100, mergedKeys: 60, maxRecentRows: 1000, eraRows: 1024 };

function mergedPosition(store: TestStore): number {
  return store.sql.exec<{ merged_position: number }>("SELECT merged_position FROM kv_meta").toArray()[0]!
    .merged_position;
}

describe("the index table", () => {
  test("learns of keys in bulk, and not of those that change all the time", () => {
    const store = new TestStore({ index: limits });
    for (let write = 0; write < 900; write += 1) {
      store.run(txn([put(`hot${write % 50}`, "")]));
      if (write % 10 === 0) store.run(txn([put(`cold${write}`, "")]));
    }
    const merged = store.sql.exec<{ key: ArrayBuffer }>("SELECT key FROM kv_keys").toArray();
    const names = merged.map(({ key }) => new TextDecoder().decode(key));
    expect(names.length).toBeGreaterThanOrEqual(60);
    expect(names.filter((name) => name.startsWith("hot")).length).toBeLessThan(50);
    expect(names.filter((name) => name.startsWith("cold")).length).toBeGreaterThan(30);
    expect(store.query(range("", "\0", { countOnly: true }))).toMatchObject({ range: { count: 140 } });
  });

  test("is not needed at all for keys that fit in memory, save once in many rows", () => {
    const store = new TestStore({ index: limits });
    store.run(txn([put("cold", "")]));
    for (let write = 0; write < 5000; write += 1) store.run(txn([put(`hot${write % 3}`, "")]));
    expect(store.rows("kv_keys")).toBe(1);
    expect(mergedPosition(store)).toBeGreaterThan(4990);
  });

  test("bounds what a start has to read", () => {
    const store = new TestStore({ index: limits });
    for (let write = 0; write < 3000; write += 1) {
      store.run(txn([put(write % 100 === 0 ? `cold${write}` : `hot${write % 7}`, "")]));
      const unmerged = write + 1 - mergedPosition(store);
      expect(unmerged).toBeLessThanOrEqual(limits.maxRecentRows);
    }
  });

  test("is bounded within a single command, too", () => {
    const store = new TestStore({ index: limits });
    for (let key = 0; key < 2000; key += 1) store.run(txn([put(`k${key}`, "")]));
    store.run(txn([remove("", "\0")]));
    expect(store.rows("kv_revisions") - mergedPosition(store)).toBeLessThanOrEqual(limits.maxRecentRows);
    expect(store.query(range("", "\0"))).toMatchObject({ range: { count: 0, items: [] } });
    store.restart();
    expect(store.query({ kind: "status" })).toMatchObject({ keys: 0, revision: 2002 });
  });
});

test("a row of an earlier version of the tables stops the start", () => {
  const store = new TestStore();
  store.sql.exec("UPDATE kv_meta SET schema_version = 1");
  expect(() => store.restart()).toThrow("the key-value tables have version 1; this code knows version 2");
});

describe("the hash", () => {
  test("follows from what can be read at a revision, not from how the tables came to it", () => {
    const [one, other] = [new TestStore({ index: limits }), new TestStore()];
    for (const store of [one, other]) {
      for (let write = 0; write < 300; write += 1) store.run(txn([put(`k${write % 150}`, `${write}`)]));
      store.run(txn([remove("k1", "k2")]));
    }
    other.run({ kind: "compact", revision: 250 });
    const hash = (store: TestStore, revision: number): unknown => {
      const answer = store.query({ kind: "hash", revision });
      return answer.status === "hash" ? answer.hash : answer;
    };
    expect(hash(other, 0)).toBe(hash(one, 0));
    expect(hash(other, 280)).toBe(hash(one, 280));
    expect(hash(one, 280)).not.toBe(hash(one, 0));
    expect(hash(one, 302)).toBe(hash(one, 0));
    expect(hash(other, 249)).toMatchObject({ status: "refused", refusal: { reason: "compacted" } });
    expect(hash(one, 303)).toMatchObject({ status: "refused", refusal: { reason: "future_revision" } });
  });

  test("differs when anything of a key differs", () => {
    const puts = [
      put("a", "1"),
      put("a", "2"),
      put("b", "1"),
      put("a", "1", { metadata: "{}" }),
      put("a", "1", { contentType: "x" }),
      put("a", "1", { ttlMs: 5000 }),
      put("a1", ""),
    ];
    const hashes = puts.map((one) => {
      const store = new TestStore();
      store.run(txn([one]));
      const answer = store.query({ kind: "hash", revision: 0 });
      return answer.status === "hash" ? answer.hash : 0;
    });
    expect(new Set(hashes).size).toBe(puts.length);
  });
});
