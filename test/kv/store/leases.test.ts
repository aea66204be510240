/** Leases: how they are granted, kept alive, and end with their keys. */

import { describe, expect, test } from "vitest";
import { decodeAnswer } from "../../../src/kv/answer-codec.ts";
import type { CommandBody, CommandResult, LeaseId } from "../../../src/kv/model.ts";
import { encodeQuery } from "../../../src/kv/query-codec.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import { line, put, range, remove, text, txn } from "./requests.ts";

const timer: CommandBody = { kind: "timer" };
/** The first id that the store picks. */
const firstPicked = "4503599627370496";

function grant(id: LeaseId, ttlMs: number): CommandBody {
  return { kind: "leaseGrant", id, ttlMs };
}

function reasonOf(result: CommandResult): string {
  return result.status === "refused" ? result.refusal.reason : result.status;
}

function lines(store: TestStore): string[] {
  const answer = store.query(range("", "\0"));
  return answer.status === "range" ? answer.range.items.map(line) : [];
}

function statusOf(store: TestStore, id: LeaseId): unknown {
  const answer = store.query({ kind: "lease", id, withKeys: true });
  if (answer.status !== "lease" || answer.lease === null) return null;
  return [answer.lease.grantedTtlMs, answer.lease.remainingMs, ...answer.keys.map(text)];
}

/** What the leader's timer would do at its time, again and again until nothing is due. */
function runTimer(store: TestStore): void {
  for (let due = store.machine.nextTimerMs(); due !== null && due <= store.nowMs; due = store.machine.nextTimerMs()) {
    store.run(timer);
  }
}

describe("a lease", () => {
  test("has the id of its client's choice, or one that no other has", () => {
    const store = new TestStore();
    expect(store.run(grant("-9223372036854775808", 5000))).toMatchObject({ id: "-9223372036854775808", ttlMs: 5000 });
    expect(store.run(grant(firstPicked, 5000))).toMatchObject({ id: firstPicked });
    expect(store.run(grant("0", 1))).toMatchObject({ id: "4503599627370497", ttlMs: 1000 });
    expect(reasonOf(store.run(grant(firstPicked, 5000)))).toBe("lease_exists");
    expect(store.query({ kind: "leases" })).toMatchObject({ ids: { length: 3 } });
    expect(store.query({ kind: "status" })).toMatchObject({ leases: 3, revision: 1 });
    expect(Number.isSafeInteger(Number(firstPicked))).toBe(true);
  });

  test("ends with its keys at one revision when its time is over, and not before", () => {
    const store = new TestStore({ index: tinyIndex });
    store.run(grant("7", 5000));
    store.run(txn([put("b", "1", { lease: "7" }), put("a", "1", { lease: "7" }), put("c", "1")]));
    expect(store.machine.nextTimerMs()).toBe(store.nowMs + 5000);
    store.run(timer, 4999);
    expect(lines(store)).toEqual(["a=1@2", "b=1@2", "c=1@2"]);
    expect(statusOf(store, "7")).toEqual([5000, 1, "a", "b"]);
    expect(store.run(timer, 1)).toEqual({ status: "timer", revision: 3 });
    expect(lines(store)).toEqual(["c=1@2"]);
    expect(statusOf(store, "7")).toBe(null);
    expect([store.rows("kv_leases"), store.rows("kv_lease_keys"), store.machine.nextTimerMs()]).toEqual([0, 0, null]);
  });

  test("begins anew when it is kept alive, and lives on while no timer command comes", () => {
    const store = new TestStore();
    store.run(grant("7", 5000));
    store.run(txn([put("a", "1", { lease: "7" })]));
    const kept = store.run({ kind: "leaseKeepAlive", ids: ["7", "8"] }, 3000);
    expect(kept).toMatchObject({ ttlsMs: [5000, null] });
    store.run(timer, 4999);
    expect(lines(store)).toEqual(["a=1@2"]);
    // There was no leader for a day: the lease is neither lost nor renewed by that.
    expect(store.run({ kind: "leaseKeepAlive", ids: ["7"] }, 86_400_000)).toMatchObject({ ttlsMs: [5000] });
    store.run(timer, 5000);
    expect(lines(store)).toEqual([]);
  });

  test("has as much left as its node's cluster time says, also when nothing has been written since", () => {
    const store = new TestStore();
    store.run(grant("7", 10_000));
    const leftAt = (timeMs: number): number | undefined => {
      const query = encodeQuery({ kind: "lease", id: "7", withKeys: false });
      const answer = decodeAnswer(store.machine.query(query, timeMs));
      return answer?.status === "lease" ? answer.lease?.remainingMs : undefined;
    };
    expect(leftAt(store.nowMs + 4000)).toBe(6000);
    expect(leftAt(store.nowMs + 11_000)).toBe(0);
    // A node that has been told of no newer time knows the newest command's.
    expect(leftAt(0)).toBe(10_000);
  });

  test("is revoked with its keys at one revision, or none when it has none", () => {
    const store = new TestStore();
    store.run(grant("7", 5000));
    store.run(grant("8", 5000));
    store.run(txn([put("a", "1", { lease: "7" }), put("b", "1", { lease: "7" })]));
    expect(store.run({ kind: "leaseRevoke", id: "7" })).toEqual({ status: "revoked", revision: 3 });
    expect(store.run({ kind: "leaseRevoke", id: "8" })).toEqual({ status: "revoked", revision: 3 });
    expect(reasonOf(store.run({ kind: "leaseRevoke", id: "7" }))).toBe("lease_not_found");
    expect(lines(store)).toEqual([]);
  });

  test("loses a key that is put without it, put with another one, or deleted", () => {
    const store = new TestStore();
    for (const id of ["7", "8"]) store.run(grant(id, 5000));
    store.run(txn(["a", "b", "c", "d"].map((key) => put(key, "1", { lease: "7" }))));
    store.run(txn([put("a", "2"), put("b", "2", { lease: "8" }), remove("c")]));
    expect([statusOf(store, "7"), statusOf(store, "8")]).toEqual([
      [5000, 5000, "d"],
      [5000, 5000, "b"],
    ]);
    store.run({ kind: "leaseRevoke", id: "7" });
    expect(lines(store)).toEqual(["a=2@3", "b=2@3"]);
  });

  test("with thousands of others ends a part at a time, each at a revision of its own", () => {
    const store = new TestStore();
    for (let id = 1; id <= 600; id += 1) {
      store.run(grant(`${id}`, 1000));
      store.run(txn([put(`k${id}`, "", { lease: `${id}` })]));
    }
    const { revision } = store.run(timer, 1000);
    expect(revision).toBeGreaterThan(601);
    expect(revision).toBeLessThan(601 + 600);
    runTimer(store);
    expect(store.query({ kind: "status" })).toMatchObject({ keys: 0, leases: 0, revision: 601 + 600 });
  });
});

test("leases with very many keys end one by one", () => {
  const store = new TestStore();
  for (const id of ["7", "8"]) {
    store.run(grant(id, 1000));
    for (let first = 0; first < 4200; first += 100) {
      store.run(txn(Array.from({ length: 100 }, (_, at) => put(`${id}-${first + at}`, "", { lease: id }))));
    }
  }
  store.run(timer, 1000);
  expect(store.query({ kind: "status" })).toMatchObject({ keys: 4200, leases: 1 });
  store.run(timer);
  expect(store.query({ kind: "status" })).toMatchObject({ keys: 0, leases: 0 });
});

describe("a key with a time to live", () => {
  test("goes when it is over, and its lease with it", () => {
    const store = new TestStore();
    const result = store.run(txn([put("a", "1", { ttlMs: 3000 }), put("b", "1", { ttlMs: 4000 })]));
    expect(result).toMatchObject({ txn: { results: [{ lease: firstPicked }, { lease: "4503599627370497" }] } });
    expect(statusOf(store, firstPicked)).toEqual([3000, 3000, "a"]);
    // Such a lease is the key's own, and not among those that clients were granted.
    expect(store.query({ kind: "leases" })).toMatchObject({ ids: [] });
    store.run(timer, 3000);
    expect([lines(store), store.rows("kv_leases")]).toEqual([["b=1@2"], 1]);
  });

  test("drops its lease when it is put again or deleted", () => {
    const store = new TestStore();
    store.run(txn([put("a", "1", { ttlMs: 3000 }), put("b", "1", { ttlMs: 3000 }), put("c", "1", { ttlMs: 3000 })]));
    store.run(txn([put("a", "2"), remove("b"), put("c", "2", { ttlMs: 9000 })]));
    expect(store.rows("kv_leases")).toBe(1);
    store.run(timer, 3000);
    expect(lines(store)).toEqual(["a=2@3", "c=2@3"]);
  });

  test("keeps it when it is told to, and shares it with nobody", () => {
    const store = new TestStore();
    store.run(txn([put("a", "1", { ttlMs: 3000 })]));
    store.run(txn([put("a", "2", { ignoreLease: true })]), 1000);
    store.run(txn([put("a", "3", { lease: firstPicked })]), 500);
    expect(statusOf(store, firstPicked)).toEqual([3000, 1500, "a"]);
    expect(reasonOf(store.run(txn([put("b", "1", { lease: firstPicked })])))).toBe("lease_not_found");
    store.run({ kind: "leaseKeepAlive", ids: [firstPicked] });
    expect(statusOf(store, firstPicked)).toEqual([3000, 3000, "a"]);
    expect(reasonOf(store.run({ kind: "leaseRevoke", id: firstPicked }))).toBe("revoked");
    expect([lines(store), store.rows("kv_leases")]).toEqual([[], 0]);
  });
});

test("the keys of a lease are not told when they are too many", () => {
  const store = new TestStore({ maxAnswerBytes: 2000 });
  store.run(grant("7", 5000));
  for (let key = 0; key < 40; key += 1) store.run(txn([put(`k${key}`, "", { lease: "7" })]));
  expect(store.query({ kind: "lease", id: "7", withKeys: true })).toMatchObject({
    refusal: { reason: "answer_too_large" },
  });
  expect(store.query({ kind: "lease", id: "7", withKeys: false })).toMatchObject({ lease: { id: "7" }, keys: [] });
  expect(store.query({ kind: "lease", id: "8", withKeys: true })).toMatchObject({ lease: null });
});
