/** What transactions do and refuse: etcd's rules, one by one. */

import { describe, expect, test } from "vitest";
import type { Compare, Operation, OperationResult, TxnOperation } from "../../../src/kv/model.ts";
import { TestStore } from "./harness.ts";
import { bytes, increment, line, put, range, remove, text, txn } from "./requests.ts";

function compare(key: string, more: Partial<Compare> = {}): Compare {
  return { key: bytes(key), rangeEnd: null, target: "version", result: "equal", operand: 0, ...more } as Compare;
}

function valueIs(key: string, value: string, end: string | null = null): Compare {
  return { ...compare(key), rangeEnd: end === null ? null : bytes(end), target: "value", operand: bytes(value) };
}

function reasonOf(store: TestStore, body: TxnOperation): string {
  const result = store.run(body);
  return result.status === "refused" ? result.refusal.reason : "done";
}

function resultsOf(store: TestStore, body: TxnOperation): readonly OperationResult[] {
  const result = store.run(body);
  if (result.status !== "txn") throw new Error(`no transaction: ${JSON.stringify(result)}`);
  return result.txn.results;
}

function lines(store: TestStore): string[] {
  const answer = store.query(range("", "\0"));
  return answer.status === "range" ? answer.range.items.map(line) : [];
}

describe("a transaction", () => {
  test("has one revision for all that it writes, and none for what changes nothing", () => {
    const store = new TestStore();
    store.run(txn([put("a", "1"), put("b", "2")]));
    expect(lines(store)).toEqual(["a=1@2", "b=2@2"]);
    store.run(txn([range("a"), remove("missing")]));
    expect(store.query({ kind: "status" }).revision).toBe(2);
    store.run(txn([put("a", "1")]));
    expect(lines(store)).toEqual(["a=1@3", "b=2@2"]);
  });

  test("shows its ranges what it did before them", () => {
    const store = new TestStore();
    store.run(txn([put("b", "old"), put("c", "old")]));
    const results = resultsOf(
      store,
      txn([put("a", "1"), range("", "\0"), remove("b", "d"), range("", "\0", { revision: 2 }), range("", "\0")]),
    );
    const seen = results.map((result) => (result.kind === "range" ? result.items.map(line) : []));
    expect(seen).toEqual([[], ["a=1@3", "b=old@2", "c=old@2"], [], ["b=old@2", "c=old@2"], ["a=1@3"]]);
  });

  test("looks at all compares, nested ones too, before it does anything", () => {
    const store = new TestStore();
    const inner = txn([put("seen", "yes")], [valueIs("a", "v")], [put("seen", "no")]);
    const [, nested] = resultsOf(store, txn([put("a", "v"), inner]));
    expect(nested).toMatchObject({ kind: "txn", succeeded: false });
    expect(lines(store)).toEqual(["a=v@2", "seen=no@2"]);
  });

  test("deletes what it has put before, where etcd allows it, and is done with the key", () => {
    const store = new TestStore();
    const results = resultsOf(
      store,
      txn([txn([put("a", "1")]), txn([remove("a", null, { previous: "values" })]), range("a")]),
    );
    expect(results[1]).toMatchObject({ results: [{ deleted: 1, previous: [{ version: 1, modRevision: 2 }] }] });
    expect(results[2]).toMatchObject({ count: 0 });
    expect(lines(store)).toEqual([]);
    expect(store.query({ kind: "status" })).toMatchObject({ keys: 0, revision: 2 });
    store.run(txn([put("a", "2")]));
    expect(store.query(range("a"))).toMatchObject({ range: { items: [{ version: 1, createRevision: 3 }] } });
  });

  test("fails as a whole, and leaves no trace", () => {
    const store = new TestStore({ maxAnswerBytes: 900 });
    store.run(txn([put("word", "x"), put("big", "x".repeat(900))]));
    const before = store.content();
    const failing: Operation[] = [
      range("a", null, { revision: 99 }),
      put("b", "2", { lease: "5" }),
      put("b", "", { ignoreValue: true }),
      put("b", "2", { ignoreLease: true }),
      increment("word", "1"),
      range("big"),
      put("a", "2"),
    ];
    const reasons = failing.map((one) => reasonOf(store, txn([put("a", "1"), put("t", "1", { ttlMs: 5000 }), one])));
    expect(reasons).toEqual([
      "future_revision",
      "lease_not_found",
      "key_not_found",
      "key_not_found",
      "not_a_number",
      "answer_too_large",
      "duplicate_key",
    ]);
    expect(store.content()).toEqual(before);
  });

  test("takes 128 operations, which nested ones share", () => {
    const store = new TestStore();
    const many = (count: number): Operation[] => Array.from({ length: count }, (_, at) => put(`k${at}`, ""));
    const some = (count: number): Operation[] => Array.from({ length: count }, () => range("a"));
    expect(reasonOf(store, txn(many(128)))).toBe("done");
    expect(reasonOf(store, txn(many(129)))).toBe("too_many_operations");
    expect(
      reasonOf(
        store,
        txn(
          [],
          Array.from({ length: 129 }, () => compare("a")),
        ),
      ),
    ).toBe("too_many_operations");
    expect(reasonOf(store, txn([...some(28), txn(some(99))]))).toBe("done");
    expect(reasonOf(store, txn([...some(28), txn(some(100))]))).toBe("too_many_operations");
  });
});

describe("a key that is touched twice", () => {
  const both = [put("a", "1"), put("b", "1")];
  test.each<[string, TxnOperation, string]>([
    ["two puts", txn([put("a", "1"), put("a", "1")]), "duplicate_key"],
    ["a put and an increment", txn([put("a", "1"), increment("a", "1")]), "duplicate_key"],
    ["a put and a delete that covers it", txn([put("b", "1"), remove("a", "c")]), "duplicate_key"],
    ["a delete of all keys from there on", txn([remove("a", "\0"), put("b", "1")]), "duplicate_key"],
    ["a delete that ends before it", txn([put("b", "1"), remove("a", "b")]), "done"],
    ["two deletes", txn([remove("a", "c"), remove("b")]), "done"],
    ["both branches", txn([put("a", "1")], [], [put("a", "2")]), "done"],
    ["the branch that is not taken", txn(both, [], [put("a", "1"), put("a", "1")]), "duplicate_key"],
    ["both branches of a nested one", txn([txn([put("a", "1")], [], [put("a", "2")])]), "done"],
    ["a nested one and the outer one", txn([txn([put("a", "1")]), put("a", "1")]), "duplicate_key"],
    ["a delete, and a put nested anywhere", txn([txn([put("a", "1")]), remove("a")]), "duplicate_key"],
    ["a nested delete, and a nested put behind it", txn([txn([remove("a")]), txn([put("a", "1")])]), "duplicate_key"],
    ["a nested put, and a nested delete behind it", txn([txn([put("a", "1")]), txn([remove("a")])]), "done"],
  ])("%s", (_, body, outcome) => {
    expect(reasonOf(new TestStore(), body)).toBe(outcome);
  });
});

describe("a compare", () => {
  function succeeds(compares: readonly Compare[]): boolean {
    const store = new TestStore();
    store.run({ kind: "leaseGrant", id: "-7", ttlMs: 5000 });
    store.run(txn([put("a", "m", { lease: "-7" }), put("b", "m")]));
    store.run(txn([put("b", "n")]));
    const result = store.run(txn([], compares));
    return result.status === "txn" && result.txn.succeeded;
  }

  test.each<[string, Compare, boolean]>([
    ["of what is stored with what is given", compare("b", { target: "mod", result: "greater", operand: 2 }), true],
    ["of the creation", compare("b", { target: "create", operand: 2 }), true],
    ["of the version", compare("b", { target: "version", result: "less", operand: 2 }), false],
    ["of a negative lease", compare("a", { target: "lease", result: "less", operand: "0" }), true],
    ["of all keys of a span", { ...valueIs("a", "m", "c"), result: "notEqual" }, false],
    ["of all keys of a span that satisfy it", { ...valueIs("a", "l", "c"), result: "greater" }, true],
    ["of a missing key's version", compare("x"), true],
    ["of a missing key's value", valueIs("x", ""), false],
    ["of a missing key's value that is to differ", { ...valueIs("x", "m"), result: "notEqual" }, false],
    ["of an empty span's value", { ...valueIs("x", "m", "z"), result: "notEqual" }, false],
    ["of an empty span's revision", { ...compare("x"), rangeEnd: bytes("\0") }, true],
  ])("%s", (_, one, outcome) => {
    expect(succeeds([one])).toBe(outcome);
  });
});

describe("a put", () => {
  test("keeps what it is told to keep, and drops the lease otherwise", () => {
    const store = new TestStore();
    store.run({ kind: "leaseGrant", id: "7", ttlMs: 5000 });
    store.run(txn([put("a", "1", { lease: "7", contentType: "text/plain", metadata: "{}" })]));
    const kept = { lease: "7", contentType: "", metadata: "", valueBytes: 1 };
    store.run(txn([put("a", "2", { ignoreLease: true })]));
    expect(store.query(range("a"))).toMatchObject({ range: { items: [kept] } });
    store.run(txn([put("a", "3", { lease: "7", contentType: "text/plain", metadata: "{}" })]));
    store.run(txn([put("a", "", { ignoreValue: true })]));
    const item = { lease: "0", contentType: "text/plain", metadata: "{}", value: bytes("3") };
    expect(store.query(range("a"))).toMatchObject({ range: { items: [item] } });
    expect(store.rows("kv_lease_keys")).toBe(0);
  });

  test("tells of the key as it was, as much as it is asked for", () => {
    const store = new TestStore();
    store.run(txn([put("a", "1")]));
    const previous = (["none", "keys", "values"] as const).map((level) => {
      const [result] = resultsOf(store, txn([put("a", "1", { previous: level })]));
      return result?.kind === "put" ? result.previous : undefined;
    });
    expect(previous.map((item) => item && text(item.value))).toEqual([null, "", "1"]);
    expect(previous.map((item) => item?.version)).toEqual([undefined, 2, 3]);
  });
});

describe("an increment", () => {
  test("begins at 0, goes below it, and keeps what belongs to the key", () => {
    const store = new TestStore();
    store.run({ kind: "leaseGrant", id: "7", ttlMs: 5000 });
    expect(resultsOf(store, txn([increment("n", "-3")]))).toMatchObject([{ created: true, value: "-3", version: 1 }]);
    store.run(txn([put("n", "0041", { lease: "7", contentType: "text/plain", metadata: "1" })]));
    expect(resultsOf(store, txn([increment("n", "1")]))).toMatchObject([{ created: false, value: "42", version: 3 }]);
    const item = { lease: "7", contentType: "text/plain", metadata: "1", value: bytes("42") };
    expect(store.query(range("n"))).toMatchObject({ range: { items: [item] } });
  });

  test.each([
    ["9223372036854775806", "1", "9223372036854775807"],
    ["9223372036854775807", "1", "number_overflow"],
    ["-9223372036854775808", "-1", "number_overflow"],
    ["9223372036854775808", "0", "not_a_number"],
    ["99999999999999999999", "-1", "not_a_number"],
    ["1.5", "1", "not_a_number"],
    ["", "1", "not_a_number"],
    [" 1", "1", "not_a_number"],
    ["1e3", "1", "not_a_number"],
  ])("of %s by %s makes %s", (value, delta, outcome) => {
    const store = new TestStore();
    store.run(txn([put("n", value)]));
    const reason = reasonOf(store, txn([increment("n", delta)]));
    const answer = store.query(range("n"));
    const [item] = answer.status === "range" ? answer.range.items : [];
    expect(reason === "done" ? text(item?.value ?? null) : reason).toBe(outcome);
  });
});
