/** Compaction: what it refuses, what it forgets, and how it comes by itself. */

import { describe, expect, test } from "vitest";
import { decodeCommand } from "../../../src/kv/command-codec.ts";
import type { CommandResult } from "../../../src/kv/model.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import { put, range, remove, txn } from "./requests.ts";

function reasonOf(result: CommandResult | ReturnType<TestStore["query"]>): string {
  return result.status === "refused" ? result.refusal.reason : result.status;
}

/** Does what the store's timer asks for, until it asks for nothing; answers how often that was. */
function settle(store: TestStore): number {
  let times = 0;
  for (let due = store.machine.nextTimerMs(); due !== null; due = store.machine.nextTimerMs()) {
    store.run(decodeCommand(store.machine.timerCommand())!.body, Math.max(0, due - store.nowMs));
    times += 1;
  }
  return times;
}

describe("a compaction", () => {
  test("has etcd's errors", () => {
    const store = new TestStore({ index: tinyIndex });
    for (const value of "1234") store.run(txn([put("a", value)]));
    const compact = (revision: number): boolean => store.run({ kind: "compact", revision }).status === "compacted";
    const read = (revision: number): string => reasonOf(store.query(range("a", null, { revision })));
    expect([0, 6, 3, 3, 2, 4].map(compact)).toEqual([true, false, true, false, false, true]);
    expect(reasonOf(store.run({ kind: "compact", revision: 6 }))).toBe("future_revision");
    expect([read(3), read(4), read(5), read(6), read(0)]).toEqual([
      "compacted",
      "range",
      "range",
      "future_revision",
      "range",
    ]);
    expect(store.run({ kind: "compact", revision: 4 })).toEqual({
      status: "refused",
      revision: 5,
      refusal: { reason: "compacted", compactRevision: 4 },
    });
    expect(reasonOf(store.run(txn([put("b", ""), range("a", null, { revision: 3 })])))).toBe("compacted");
    expect(store.query({ kind: "status" })).toMatchObject({ compactRevision: 4, keys: 1, revision: 5 });
  });

  test("forgets what was replaced or deleted before it, and keeps all that can be read", () => {
    const store = new TestStore({ index: tinyIndex });
    for (const key of ["a", "b", "c", "a", "a"]) store.run(txn([put(key, `${key}!`)]));
    store.run(txn([remove("b")]));
    store.run(txn([remove("c"), put("a", "last")]));
    const before = store.query(range("", "\0", { revision: 8 }));
    const { sizeBytes } = store.query({ kind: "status" }) as { sizeBytes: number };
    store.run({ kind: "compact", revision: 8 });
    settle(store);
    // `a` twice, and `b` with its deletion; that of `c`, and what was replaced with it, belong to the revision itself.
    expect(store.rows("kv_revisions")).toBe(8 - 4);
    expect(store.query(range("", "\0", { revision: 8 }))).toEqual(before);
    store.run(txn([put("d", "")]));
    store.run({ kind: "compact", revision: 9 });
    settle(store);
    expect([store.rows("kv_revisions"), store.rows("kv_keys")]).toEqual([2, 2]);
    const left = store.query({ kind: "status" }) as { sizeBytes: number };
    expect(left.sizeBytes).toBeLessThan(sizeBytes);
    expect(left.sizeBytes).toBeGreaterThan(0);
  });

  test("takes a step at a time, and the timer does the rest", () => {
    const store = new TestStore();
    for (let write = 0; write < 5000; write += 1) store.run(txn([put(`k${write % 7}`, `${write}`)]));
    store.run({ kind: "compact", revision: 5000 });
    expect(store.rows("kv_revisions")).toBeGreaterThan(3000);
    expect(store.machine.nextTimerMs()).toBe(store.nowMs);
    store.restart();
    expect(settle(store)).toBeGreaterThan(3);
    expect(store.rows("kv_revisions")).toBeLessThan(20);
    expect(store.query(range("k1"))).toMatchObject({ range: { items: [{ version: 715 }] } });
  });

  test("brings no deleted key back, even after a restart", () => {
    const store = new TestStore({ index: { ...tinyIndex, maxRecentKeys: 2, mergedKeys: 1 } });
    for (const key of ["a", "b", "c", "d"]) store.run(txn([put(key, "")]));
    for (const key of ["a", "b", "c", "d"]) store.run(txn([remove(key)]));
    store.run(txn([put("e", "")]));
    store.run({ kind: "compact", revision: 10 });
    settle(store);
    store.restart();
    expect(store.query(range("", "\0"))).toMatchObject({ range: { count: 1 } });
    expect(store.query(range("", "\0", { countOnly: true }))).toMatchObject({ range: { count: 1 } });
    store.run(txn([put("a", "again")]));
    expect(store.query(range("a"))).toMatchObject({ range: { items: [{ version: 1, createRevision: 11 }] } });
  });
});

describe("by itself", () => {
  test("history is kept for ever unless said otherwise", () => {
    const store = new TestStore();
    for (let write = 0; write < 50; write += 1) store.run(txn([put("a", "")]), 3_600_000);
    expect(store.machine.nextTimerMs()).toBe(null);
  });

  test("so many revisions are kept, and a tenth more at times", () => {
    const store = new TestStore({ retention: { kind: "revisions", revisions: 20 } });
    const kept: number[] = [];
    for (let write = 0; write < 200; write += 1) {
      store.run(txn([put("a", "")]));
      settle(store);
      const { revision, compactRevision } = store.query({ kind: "status" }) as {
        revision: number;
        compactRevision: number;
      };
      kept.push(revision - compactRevision);
    }
    expect(Math.max(...kept)).toBe(22);
    expect(Math.min(...kept.slice(30))).toBe(20);
    expect(store.rows("kv_revisions")).toBeLessThan(25);
  });

  test("what was replaced is kept so long, and a tenth longer at times", () => {
    const retention = { kind: "age", ageMs: 1000 } as const;
    const store = new TestStore({ retention });
    for (let write = 0; write < 100; write += 1) {
      const due = store.machine.nextTimerMs();
      if (due !== null && due <= store.nowMs) store.run(decodeCommand(store.machine.timerCommand())!.body);
      store.run(txn([put("a", "")]), 50);
      expect(reasonOf(store.query(range("a", null, { revision: Math.max(2, write + 2 - 19) })))).toBe("range");
    }
    const { compactRevision } = store.query({ kind: "status" }) as { compactRevision: number };
    expect(compactRevision).toBeGreaterThan(101 - 25);
    // Nothing more is written: the last compaction comes, and then nothing is left to do.
    expect(settle(store)).toBeLessThan(15);
    expect(store.query({ kind: "status" })).toMatchObject({ compactRevision: 101 });
  });
});
