/** What an idempotency key promises: one effect, one answer, for a day or a hundred thousand keys. */

import { describe, expect, test } from "vitest";
import type { Command, Idempotency } from "../../src/kv/command.ts";
import { idempotencyWindowMs } from "../../src/kv/limits.ts";
import { put, remove, TestStore } from "./store.ts";

const now = 1_700_000_000_000;

function idempotency(key: string, request = 1): Idempotency {
  return { key, fingerprint: new Uint8Array(32).fill(request) };
}

function increment(key: string, request = 1): Command {
  return put("counter", `by ${key}`, { idempotency: idempotency(key, request) });
}

/** How often the counter was put, whoever asks. */
function version(store: TestStore): number {
  const [result] = store.apply([put("counter", "")], now);
  return result!.status === "put" ? result!.version - 1 : -1;
}

describe("a repeated command", () => {
  test("takes effect once and is answered as at first, whatever happened since", () => {
    const store = new TestStore();
    const [first] = store.apply([increment("one")], now);
    store.apply([put("counter", "by another"), remove("counter")], now + 1);
    const before = store.content();
    expect(store.apply([increment("one")], now + 2)).toEqual([first]);
    expect(store.content()).toEqual(before);
  });

  test("takes effect once within one batch, too", () => {
    const store = new TestStore();
    const [first, second] = store.apply([increment("one"), increment("one")], now);
    expect(second).toEqual(first);
    expect(version(store)).toBe(1);
  });

  test("is not taken for another request under the same key", () => {
    const store = new TestStore();
    store.apply([increment("one", 1)], now);
    expect(store.apply([increment("one", 2)], now)).toEqual([{ status: "idempotency_key_reused" }]);
    expect(version(store)).toBe(1);
  });

  test("repeats a delete's answer instead of finding nothing to delete", () => {
    const store = new TestStore();
    store.apply([put("a", "1")], now);
    const command = remove("a", { idempotency: idempotency("one") });
    const [first, second] = store.apply([command, command], now);
    expect(first).toMatchObject({ status: "deleted" });
    expect(second).toEqual(first);
  });

  test("is tried anew when it was refused at first: nothing had happened", () => {
    const store = new TestStore();
    const command = put("a", "1", { precondition: { kind: "present" }, idempotency: idempotency("one") });
    expect(store.apply([command], now)).toMatchObject([{ status: "precondition_failed" }]);
    store.apply([put("a", "0")], now);
    expect(store.apply([command, command], now)).toMatchObject([
      { status: "put", version: 2 },
      { status: "put", version: 2 },
    ]);
  });
});

describe("forgetting", () => {
  test("comes when the window of log time has passed, not before", () => {
    const store = new TestStore();
    store.apply([increment("one")], now);
    store.apply([increment("one")], now + idempotencyWindowMs - 1);
    expect(version(store)).toBe(1);
    store.apply([increment("one", 2)], now + idempotencyWindowMs);
    expect(version(store)).toBe(3);
  });

  test("comes for the oldest first when there are too many", () => {
    const store = new TestStore(2);
    store.apply([increment("one"), increment("two"), increment("three")], now);
    store.apply([increment("two"), increment("three")], now);
    expect(version(store)).toBe(3);
    store.apply([increment("one")], now);
    expect(version(store)).toBe(5);
  });

  test("leaves room for a key that comes back after its window", () => {
    const store = new TestStore(3);
    store.apply([increment("one"), increment("two")], now);
    const later = now + idempotencyWindowMs;
    store.apply([increment("one"), increment("three")], later);
    expect(store.apply([increment("one"), increment("three")], later)).toMatchObject([{ version: 3 }, { version: 4 }]);
  });

  test("keeps the table within its slots", () => {
    const store = new TestStore(4);
    for (let count = 0; count < 20; count++) store.apply([increment(`key ${count % 7}`)], now + count);
    const [{ rows }] = store.sql.exec<{ rows: number }>("SELECT count(*) AS rows FROM kv_remembered").toArray() as [
      { rows: number },
    ];
    expect(rows).toBe(4);
  });
});
