/** Watches, one rule at a time. */

import { describe, expect, test } from "vitest";
import type { WatchRequest } from "../../../src/kv/model.ts";
import { defaultWatchLimits } from "../../../src/kv/watch/watch-limits.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import { bytes, put, remove, txn, watchOf } from "./requests.ts";
import { Reader } from "./watching.ts";

function watching(store: TestStore, key: string, end: string | null = null, more: Partial<WatchRequest> = {}): Reader {
  return new Reader().begin(store.machine, watchOf(key, end, more));
}

function write(store: TestStore, ...pairs: string[]): void {
  for (const pair of pairs) {
    const [key = "", value = ""] = pair.split("=");
    store.run(txn([put(key, value)]));
  }
}

describe("a watch", () => {
  test("begins with where the store is, and then tells of what comes", () => {
    const store = new TestStore();
    write(store, "a=1");
    const [key, span, all] = [watching(store, "a"), watching(store, "a", "c"), watching(store, "", "\0")];
    write(store, "a=2", "b=1", "c=1");
    expect(key.told).toEqual(["created 2", "put a=2@3"]);
    expect(span.told).toEqual(["created 2", "put a=2@3", "put b=1@4"]);
    expect(all.told).toEqual(["created 2", "put a=2@3", "put b=1@4", "put c=1@5"]);
  });

  test("from a revision on has the history first, without gap or repetition", () => {
    const store = new TestStore({ index: tinyIndex });
    write(store, "a=1", "b=1", "a=2");
    const reader = watching(store, "", "\0", { startRevision: 3 });
    write(store, "a=3");
    expect(reader.told).toEqual(["created 4", "put b=1@3", "put a=2@4", "put a=3@5"]);
  });

  test("that begins in the future waits for it", () => {
    const store = new TestStore();
    const reader = watching(store, "a", null, { startRevision: 4 });
    write(store, "a=1", "a=2", "a=3", "a=4");
    expect(reader.told).toEqual(["created 1", "put a=3@4", "put a=4@5"]);
  });

  test("has the events of a transaction together, in the order of its operations, and those of a delete in that of the keys", () => {
    const store = new TestStore();
    const reader = watching(store, "", "\0");
    store.run(txn([put("c", "1"), put("a", "1"), put("b", "1")]));
    store.run(txn([remove("", "\0")]));
    expect(reader.messages).toHaveLength(3);
    expect(reader.told.slice(1)).toEqual([
      "put c=1@2",
      "put a=1@2",
      "put b=1@2",
      "delete a@3",
      "delete b@3",
      "delete c@3",
    ]);
    expect(reader.last).toMatchObject({ type: "events", revision: 3, fragment: false });
    const deleted = { createRevision: 0, modRevision: 3, version: 0, lease: "0", valueBytes: 0, value: null };
    expect(reader.events.at(-1)).toMatchObject({ item: { key: bytes("c"), ...deleted } });
  });

  test("leaves out what it does not want, and tells of what was before", () => {
    const store = new TestStore();
    const [puts, deletes] = [
      watching(store, "a", null, { noDelete: true }),
      watching(store, "a", null, { noPut: true, withPrevious: true }),
    ];
    const both = watching(store, "a", null, { withPrevious: true });
    write(store, "a=1", "a=2");
    store.run(txn([remove("a")]));
    write(store, "a=3");
    expect(puts.told.slice(1)).toEqual(["put a=1@2", "put a=2@3", "put a=3@5"]);
    expect(deletes.told.slice(1)).toEqual(["delete a@4 (2)"]);
    expect(both.told.slice(1)).toEqual(["put a=1@2", "put a=2@3 (1)", "delete a@4 (2)", "put a=3@5"]);
  });

  test("tells of keys that go with their leases", () => {
    const store = new TestStore();
    store.run(txn([put("a", "1", { ttlMs: 2000 })]));
    const reader = watching(store, "a", null, { withPrevious: true });
    store.run({ kind: "timer" }, 2000);
    expect(reader.told).toEqual(["created 2", "delete a@3 (1)"]);
  });

  test("ends when its reader leaves", () => {
    const store = new TestStore();
    const [one, other] = [watching(store, "a"), watching(store, "a")];
    one.close();
    write(store, "a=1");
    expect([one.told, other.told]).toEqual([["created 1"], ["created 1", "put a=1@2"]]);
  });

  test("of bytes that ask for nothing is ended at once", () => {
    const store = new TestStore();
    const reader = new Reader().beginWith(store.machine, bytes("nothing"));
    expect(reader.told).toEqual(["canceled 1"]);
    expect(reader).toMatchObject({ ended: true, last: { reason: "ended" } });
  });
});

describe("progress", () => {
  test("is told when nothing else was told for long enough", () => {
    const store = new TestStore();
    const reader = watching(store, "a", null, { progressMs: 1000 });
    const quiet = watching(store, "a");
    for (const nowMs of [5000, 5900, 6000, 6500]) reader.tick(nowMs);
    expect(reader.told).toEqual(["created 1", "progress 1"]);
    write(store, "a=1", "b=1");
    for (const nowMs of [7100, 8000, 8100]) for (const each of [reader, quiet]) each.tick(nowMs);
    expect(reader.told.slice(2)).toEqual(["put a=1@2", "progress 3"]);
    expect(quiet.told).toEqual(["created 1", "put a=1@2"]);
  });
});

describe("compaction", () => {
  test("refuses what begins before it, and not what begins with it", () => {
    const store = new TestStore({ index: tinyIndex });
    write(store, "a=1", "a=2", "b=1");
    store.run(txn([remove("b")]));
    write(store, "a=3");
    store.run({ kind: "compact", revision: 5 });
    store.run({ kind: "timer" });
    const early = watching(store, "", "\0", { startRevision: 4 });
    expect(early.last).toEqual({
      type: "canceled",
      revision: 6,
      reason: "compacted",
      compactRevision: 5,
      resumeRevision: 5,
    });
    expect([early.messages.length, early.ended]).toEqual([1, true]);
    const reader = watching(store, "", "\0", { startRevision: 5, withPrevious: true });
    expect(reader.told).toEqual(["created 6", "delete b@5 (1)", "put a=3@6 (2)"]);
  });

  test("in the very batch that made the events takes none of them from who is live", () => {
    const store = new TestStore({ index: tinyIndex });
    const reader = watching(store, "", "\0", { withPrevious: true });
    const bodies = [
      txn([put("a", "1")]),
      txn([put("a", "2")]),
      txn([remove("a")]),
      txn([put("b", "1")]),
      { kind: "compact" as const, revision: 5 },
    ];
    store.apply([...bodies, txn([put("c", "1")])].map((body) => ({ command: { body, idempotency: null }, timeMs: 1 })));
    expect(store.rows("kv_revisions")).toBe(2);
    expect(reader.told).toEqual([
      "created 1",
      "put a=1@2",
      "put a=2@3 (1)",
      "delete a@4 (2)",
      "put b=1@5",
      "put c=1@6",
    ]);
  });

  test("cancels whoever it overtakes", () => {
    const store = new TestStore({ watch: { ...defaultWatchLimits, maxPendingBytes: 100 } });
    const slow = new Reader(false).begin(store.machine, watchOf("a", null));
    write(store, "a=1", "a=2", "a=3", "a=4");
    const told = slow.told.length;
    store.run({ kind: "compact", revision: 5 });
    slow.take();
    slow.tick(1);
    expect(slow.told).toHaveLength(told + 1);
    expect(slow.last).toMatchObject({ type: "canceled", reason: "compacted", compactRevision: 5, resumeRevision: 5 });
    expect(slow.ended).toBe(true);
  });
});

describe("a slow reader", () => {
  const limits = { ...defaultWatchLimits, maxPendingBytes: 2000, messageBytes: 500, maxFullMs: 5000 };

  test("gets what it can take, and all of it in the end", () => {
    const store = new TestStore({ watch: limits });
    const [slow, fast] = [new Reader(false).begin(store.machine, watchOf("", "\0")), watching(store, "", "\0")];
    for (let value = 0; value < 500; value += 1) write(store, `k${value % 9}=${value}`);
    expect(slow.pendingBytes).toBeLessThan(3000);
    for (let look = 0; look < 200; look += 1) {
      slow.take(1000);
      slow.tick(look);
    }
    expect(slow.events).toEqual(fast.events);
    expect(slow.mostPendingBytes).toBeLessThan(3500);
    slow.take();
    write(store, "last=1");
    expect(slow.told.at(-1)).toBe("put last=1@502");
  });

  test("that takes nothing for too long is told from where to go on", () => {
    const store = new TestStore({ watch: limits });
    const slow = new Reader(false).begin(store.machine, watchOf("", "\0"));
    for (let value = 0; value < 100; value += 1) write(store, `a=${value}`);
    slow.tick(10_000);
    slow.tick(14_999);
    expect(slow.ended).toBe(false);
    slow.tick(15_000);
    expect(slow).toMatchObject({ ended: true, last: { type: "canceled", reason: "slow" } });
    const { resumeRevision } = slow.last as { resumeRevision: number };
    const again = watching(store, "", "\0", { startRevision: resumeRevision });
    expect([...slow.events, ...again.events]).toHaveLength(100);
  });

  test("that takes a little now and then is waited for", () => {
    const store = new TestStore({ watch: limits });
    const slow = new Reader(false).begin(store.machine, watchOf("", "\0"));
    for (let value = 0; value < 400; value += 1) write(store, `a=${value}`);
    for (let nowMs = 0; nowMs < 60_000; nowMs += 1000) {
      slow.take(nowMs % 4000 === 0 ? 900 : 0);
      slow.tick(nowMs);
    }
    expect(slow.ended).toBe(false);
    expect(slow.events.length).toBeGreaterThan(100);
  });

  test("among thousands costs no more than the bound of all, and none of them loses anything", () => {
    const store = new TestStore({ watch: { ...defaultWatchLimits, maxTotalPendingBytes: 100_000 } });
    const readers = Array.from({ length: 3000 }, (_, at) =>
      new Reader(false).begin(store.machine, watchOf(at % 3 === 0 ? "hot" : `k${at}`, at % 5 === 0 ? "\0" : null)),
    );
    for (let value = 0; value < 20; value += 1) write(store, `hot=${"x".repeat(1000)}`, `k${value}=1`);
    const pending = (): number => readers.reduce((sum, { pendingBytes }) => sum + pendingBytes, 0);
    expect(pending()).toBeLessThan(1_500_000);
    for (let look = 0; look < 60; look += 1) {
      for (const reader of readers) reader.take();
      for (const reader of readers) reader.tick(look);
    }
    const counts = new Set(readers.filter((_, at) => at % 15 === 3).map(({ events }) => events.length));
    expect([...counts]).toEqual([20]);
  });
});

describe("large revisions", () => {
  const limits = { ...defaultWatchLimits, messageBytes: 1000, maxWholeBytes: 20_000, windowRows: 16 };

  function filled(keys: number): TestStore {
    const store = new TestStore({ watch: limits });
    for (let key = 0; key < keys; key += 1) write(store, `k${String(key).padStart(3, "0")}=${key}`);
    return store;
  }

  test("come as one message, or in fragments where they are wanted", () => {
    const store = filled(60);
    const [whole, parts] = [watching(store, "", "\0"), watching(store, "", "\0", { fragment: true })];
    store.run(txn([remove("", "\0")]));
    const sizes = (reader: Reader): unknown[] =>
      reader.messages.map((message) =>
        typeof message !== "string" && message.type === "events" ? [message.events.length, message.fragment] : 0,
      );
    expect(sizes(whole)).toEqual([0, [60, false]]);
    expect(sizes(parts).length).toBeGreaterThan(3);
    expect(sizes(parts).at(-1)).toEqual([expect.any(Number), false]);
    expect(parts.messages.slice(1, -1)).toMatchObject(
      parts.messages.slice(1, -1).map(() => ({ fragment: true, revision: 62 })),
    );
    expect(parts.events).toEqual(whole.events);
  });

  test("beyond all bounds come in fragments anyway", () => {
    const store = filled(400);
    const reader = watching(store, "", "\0");
    store.run(txn([remove("", "\0")]));
    expect(reader.events).toHaveLength(400);
    expect(reader.messages).toHaveLength(3);
    expect(reader.messages[1]).toMatchObject({ fragment: true });
    expect(reader.last).toMatchObject({ fragment: false });
  });
});

describe("a resumption", () => {
  test("goes on behind what was told, on another machine, without its opening", () => {
    const store = new TestStore();
    const reader = watching(store, "", "\0", { withPrevious: true });
    write(store, "a=1");
    store.restart();
    reader.goOn(store.machine);
    write(store, "a=2");
    expect(reader.told).toEqual(["created 1", "put a=1@2", "put a=2@3 (1)"]);
  });

  test("goes on within a revision", () => {
    const limits = { ...defaultWatchLimits, maxPendingBytes: 200, messageBytes: 200 };
    const store = new TestStore({ watch: limits });
    const reader = new Reader(false).begin(store.machine, watchOf("", "\0", { fragment: true, noPut: true }));
    for (let key = 10; key < 60; key += 1) write(store, `k${key}=1`);
    store.run(txn([remove("k1", "k2"), remove("k", "\0")]));
    for (let look = 0; look < 100; look += 1) {
      store.restart();
      reader.take();
      reader.goOn(store.machine);
      reader.tick(look);
    }
    expect(reader.events.map(({ item }) => item.key)).toEqual(
      Array.from({ length: 50 }, (_, at) => bytes(`k${at + 10}`)),
    );
  });

  test("on a node that is behind waits for what is to come", () => {
    const [ahead, behind] = [new TestStore(), new TestStore()];
    const reader = watching(ahead, "a");
    write(ahead, "a=1", "a=2");
    write(behind, "a=1");
    reader.goOn(behind.machine);
    write(behind, "a=2", "a=3");
    expect(reader.told).toEqual(["created 1", "put a=1@2", "put a=2@3", "put a=3@4"]);
  });
});

test("messages in JSON show keys and values as the REST API does", () => {
  const store = new TestStore();
  const reader = watching(store, "", "\0", { format: "json", withPrevious: true });
  store.run(txn([put("a", "\xff", { contentType: "text/plain", metadata: `{"by":"me"}` }), put("\xff", "\xc3\xa9")]));
  store.run(txn([remove("a")]));
  const [created, puts, deletes] = reader.messages.map((message) => JSON.parse(message as string) as unknown);
  expect(created).toEqual({ type: "created", revision: 1 });
  const revisions = { create_revision: 2, mod_revision: 2, version: 1 };
  const text = {
    value: "/w==",
    encoding: "base64",
    value_bytes: 1,
    content_type: "text/plain",
    metadata: { by: "me" },
  };
  const letter = { value: "\u00e9", encoding: "utf8", value_bytes: 2, content_type: "application/octet-stream" };
  expect(puts).toEqual({
    type: "events",
    revision: 2,
    events: [
      { type: "put", key: "a", ...text, ...revisions },
      { type: "put", key: "/w==", key_encoding: "base64", ...letter, ...revisions },
    ],
  });
  expect(deletes).toMatchObject({
    type: "events",
    revision: 3,
    events: [{ type: "delete", key: "a", mod_revision: 3, previous: { key: "a", version: 1 } }],
  });
});
