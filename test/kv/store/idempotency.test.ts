/** Commands that are sent again: what is remembered of them, for how long, and in which sessions. */

import { describe, expect, test } from "vitest";
import { fingerprintBytes } from "../../../src/kv/model.ts";
import type { CommandResult, Idempotency } from "../../../src/kv/model.ts";
import { TestStore } from "./harness.ts";
import { increment, put, range, text, txn } from "./requests.ts";

const day = 24 * 60 * 60 * 1000;

function idempotency(key: string, more: { fingerprint?: number; session?: string } = {}): Idempotency {
  const { fingerprint = 1, session = "" } = more;
  return { key, fingerprint: new Uint8Array(fingerprintBytes).fill(fingerprint), session };
}

function reasonOf(result: CommandResult): string {
  return result.status === "refused" ? result.refusal.reason : result.status;
}

function valueOf(store: TestStore, key: string): string {
  const answer = store.query(range(key));
  return answer.status === "range" ? text(answer.range.items[0]?.value ?? null) : answer.status;
}

const increase = txn([increment("n", "1")]);

describe("an idempotency key", () => {
  test("gives the first result again, also after a restart", () => {
    const store = new TestStore();
    const first = store.run(increase, 0, idempotency("k"));
    store.run(txn([put("other", "")]));
    store.restart();
    expect(store.run(increase, 1000, idempotency("k"))).toEqual(first);
    expect(valueOf(store, "n")).toBe("1");
  });

  test("is of one request", () => {
    const store = new TestStore();
    store.run(increase, 0, idempotency("k"));
    expect(reasonOf(store.run(increase, 0, idempotency("k", { fingerprint: 2 })))).toBe("idempotency_key_reused");
    expect(valueOf(store, "n")).toBe("1");
  });

  test("is remembered of commands that had an effect", () => {
    const store = new TestStore();
    const unless = txn(
      [put("n", "x")],
      [{ key: put("n", "").key, rangeEnd: null, target: "version", result: "equal", operand: 1 }],
    );
    expect(store.run(unless, 0, idempotency("k"))).toMatchObject({ txn: { succeeded: false } });
    store.run(increase);
    expect(store.run(unless, 0, idempotency("k"))).toMatchObject({ txn: { succeeded: true } });
    expect(reasonOf(store.run({ kind: "leaseRevoke", id: "7" }, 0, idempotency("l")))).toBe("lease_not_found");
    const granted = store.run({ kind: "leaseGrant", id: "0", ttlMs: 5000 }, 0, idempotency("l"));
    expect(store.run({ kind: "leaseGrant", id: "0", ttlMs: 5000 }, 0, idempotency("l"))).toEqual(granted);
    expect(store.rows("kv_leases")).toBe(1);
  });

  test("is forgotten when its window in the log's time has passed, to the millisecond", () => {
    const store = new TestStore();
    store.run(increase, 0, idempotency("k"));
    store.run(increase, day - 1, idempotency("k"));
    expect(valueOf(store, "n")).toBe("1");
    store.run(increase, 1, idempotency("k"));
    expect(valueOf(store, "n")).toBe("2");
    store.run(increase, 1, idempotency("k"));
    expect(valueOf(store, "n")).toBe("2");
  });

  test("gives way to newer ones, the oldest first", () => {
    const store = new TestStore({ idempotencyKeys: 3 });
    for (const key of "abcd") store.run(increase, 0, idempotency(key));
    for (const key of "bcd") store.run(increase, 0, idempotency(key));
    expect(valueOf(store, "n")).toBe("4");
    store.run(increase, 0, idempotency("a"));
    expect([valueOf(store, "n"), store.rows("kv_remembered")]).toEqual(["5", 3]);
  });

  test("gives way when the results are too large together", () => {
    const store = new TestStore({ rememberedBytes: 5000 });
    const large = (key: string): ReturnType<typeof txn> => txn([put(key, "x".repeat(1500), { previous: "values" })]);
    for (const key of ["a", "b", "c", "d", "e"]) store.run(large(key));
    for (const key of ["a", "b", "c", "d", "e"]) store.run(large(key), 0, idempotency(key));
    expect(store.rows("kv_remembered")).toBe(3);
    const versions = ["a", "e"].map((key) => store.run(large(key), 0, idempotency(key)));
    expect(versions).toMatchObject([{ txn: { results: [{ version: 3 }] } }, { txn: { results: [{ version: 2 }] } }]);
  });

  test("comes with a result that fits in a row, or the command is refused", () => {
    const store = new TestStore();
    const value = new Uint8Array(1024 * 1024);
    store.run(txn([put("a", "", { value })]));
    store.run(txn([put("b", "", { value })]));
    const one = txn([put("a", "1", { previous: "values" })]);
    const both = txn([put("a", "2"), put("b", "2"), range("a", "c", { revision: 3 })]);
    expect(reasonOf(store.run(both, 0, idempotency("k")))).toBe("answer_too_large");
    expect(store.query({ kind: "status" })).toMatchObject({ revision: 3 });
    expect(reasonOf(store.run(one, 0, idempotency("k")))).toBe("txn");
    expect(reasonOf(store.run(both))).toBe("txn");
  });
});

describe("a session", () => {
  function opened(store: TestStore, ttlMs = 8000): string {
    const result = store.run({ kind: "sessionOpen", ttlMs });
    if (result.status !== "session") throw new Error(`no session: ${JSON.stringify(result)}`);
    return result.id;
  }

  test("remembers its commands as long as it lives, apart from those of others", () => {
    const store = new TestStore();
    const [one, other] = [opened(store, 7 * day), opened(store)];
    expect(one).not.toBe(other);
    const first = store.run(increase, 0, idempotency("k", { session: one }));
    store.run(increase, 0, idempotency("k", { session: other }));
    store.run(increase, 0, idempotency("k"));
    expect(valueOf(store, "n")).toBe("3");
    store.restart();
    expect(store.run(increase, 6 * day, idempotency("k", { session: one }))).toEqual(first);
    const reused = idempotency("k", { session: one, fingerprint: 2 });
    expect(reasonOf(store.run(increase, 0, reused))).toBe("idempotency_key_reused");
  });

  test("that has expired, or never was, does nothing", () => {
    const store = new TestStore();
    const id = opened(store, 8000);
    expect(reasonOf(store.run(increase, 0, idempotency("k", { session: "no such" })))).toBe("session_expired");
    store.run(increase, 8999, idempotency("k", { session: id }));
    expect(valueOf(store, "n")).toBe("1");
    // A use at 8999 ms: it lives until 9000 ms after that, and no longer.
    expect(reasonOf(store.run(increase, 9000, idempotency("l", { session: id })))).toBe("session_expired");
    expect([valueOf(store, "n"), store.rows("kv_sessions")]).toEqual(["1", 1]);
    expect(store.machine.nextTimerMs()).toBe(store.nowMs);
    store.run({ kind: "timer" });
    expect([store.rows("kv_sessions"), store.rows("kv_session_commands"), store.machine.nextTimerMs()]).toEqual([
      0,
      0,
      null,
    ]);
  });

  test("lives for its time after each use at least, for which few rows are written", () => {
    const store = new TestStore();
    const id = opened(store, 8000);
    const uses = Array.from({ length: 300 }, (_, at) =>
      store.run(txn([range("n")]), 500, idempotency(`k${at}`, { session: id })),
    );
    expect(uses.every(({ status }) => status === "txn")).toBe(true);
    store.run(txn([range("n")]), 999, idempotency("last", { session: id }));
    expect(reasonOf(store.run(increase, 7999, idempotency("now", { session: id })))).toBe("txn");
  });

  test("remembers its latest commands", () => {
    const store = new TestStore({ sessionCommands: 10 });
    const id = opened(store);
    for (let at = 0; at < 200; at += 1) store.run(increase, 0, idempotency(`k${at}`, { session: id }));
    for (let at = 190; at < 200; at += 1) store.run(increase, 0, idempotency(`k${at}`, { session: id }));
    expect(valueOf(store, "n")).toBe("200");
    expect(store.rows("kv_session_commands")).toBeLessThan(10 + 65);
    store.run(increase, 0, idempotency("k0", { session: id }));
    expect(valueOf(store, "n")).toBe("201");
  });

  test("remembers less when the results are large", () => {
    const store = new TestStore({ sessionBytes: 20_000 });
    const id = opened(store);
    const large = txn([put("a", "x".repeat(1500), { previous: "values" })]);
    for (let at = 0; at < 50; at += 1) store.run(large, 0, idempotency(`k${at}`, { session: id }));
    expect(store.rows("kv_session_commands")).toBeLessThan(14);
    expect(store.run(large, 0, idempotency("k49", { session: id }))).toMatchObject({ revision: 51 });
  });

  test("is refused when there are too many", () => {
    const store = new TestStore({ sessions: 2 });
    for (let session = 0; session < 2; session += 1) opened(store, 1000);
    expect(reasonOf(store.run({ kind: "sessionOpen", ttlMs: 1000 }))).toBe("too_many_sessions");
    store.run({ kind: "timer" }, 1125);
    expect(reasonOf(store.run({ kind: "sessionOpen", ttlMs: 1000 }))).toBe("session");
  });

  test("is opened once by a command that is sent twice", () => {
    const store = new TestStore();
    const open = { kind: "sessionOpen", ttlMs: 1000 } as const;
    expect(store.run(open, 0, idempotency("k"))).toEqual(store.run(open, 5, idempotency("k")));
    expect(store.rows("kv_sessions")).toBe(1);
  });
});
