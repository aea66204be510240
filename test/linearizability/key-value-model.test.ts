/** Histories of which everybody knows whether a store may have them. */

import { describe, expect, test } from "vitest";
import { checkLinearizability } from "./check.ts";
import type { Operation } from "./history.ts";
import type { Condition, KeyValueAnswer, KeyValueCall, Seen, Step } from "./key-value-call.ts";
import { keyValueModel } from "./key-value-model.ts";

type KeyValueOperation = Operation<KeyValueCall, KeyValueAnswer>;
type Times = readonly [fromMs: number, toMs: number];

let clients = 0;

function operation([invokedAtMs, atMs]: Times, call: KeyValueCall, answer: KeyValueAnswer | null): KeyValueOperation {
  clients += 1;
  return { client: `c${clients}`, call, invokedAtMs, completion: answer === null ? null : { atMs, answer } };
}

const written = (revision?: number): KeyValueAnswer => ({
  kind: "written",
  ...(revision === undefined ? {} : { revision }),
});
const read = (seen: Seen | null): KeyValueAnswer => ({ kind: "read", seen });

const put = (times: Times, value: string, revision?: number): KeyValueOperation =>
  operation(times, { kind: "put", key: "a", value }, written(revision));
const lostPut = (fromMs: number, value: string): KeyValueOperation =>
  operation([fromMs, fromMs], { kind: "put", key: "a", value }, null);
const get = (times: Times, value: string | null, revision?: number): KeyValueOperation =>
  operation(
    times,
    { kind: "get", key: "a" },
    read(value === null ? null : { value, ...(revision === undefined ? {} : { revision }) }),
  );
const compareAndSet = (
  times: Times,
  condition: Condition,
  value: string,
  answer: KeyValueAnswer | null,
): KeyValueOperation => operation(times, { kind: "put", key: "a", value, condition }, answer);
const remove = (times: Times, answer: KeyValueAnswer | null): KeyValueOperation =>
  operation(times, { kind: "delete", key: "a" }, answer);

const verdictOf = (...operations: readonly KeyValueOperation[]): string =>
  checkLinearizability(keyValueModel, operations).verdict;

describe("allows", () => {
  test("nothing at all", () => expect(verdictOf()).toBe("linearizable"));

  test("a read of what was never written, as missing", () => expect(verdictOf(get([0, 1], null))).toBe("linearizable"));

  test("a read that overlaps a write, either way", () => {
    expect(verdictOf(put([0, 1], "x"), put([2, 9], "y"), get([3, 4], "x"), get([5, 6], "y"))).toBe("linearizable");
    expect(verdictOf(put([0, 1], "x"), put([2, 9], "y"), get([3, 8], "y"), get([4, 7], "x"))).toBe("linearizable");
  });

  test("a write of unknown outcome that never shows", () =>
    expect(verdictOf(put([0, 1], "x"), lostPut(2, "y"), get([3, 4], "x"), get([90, 91], "x"))).toBe("linearizable"));

  test("a write of unknown outcome that shows late", () =>
    expect(verdictOf(put([0, 1], "x"), lostPut(2, "y"), get([3, 4], "x"), get([90, 91], "y"))).toBe("linearizable"));

  test("a compare-and-set that only a lost write explains", () =>
    expect(
      verdictOf(put([0, 1], "x", 2), lostPut(2, "y"), compareAndSet([3, 4], { revision: 3 }, "z", written(4))),
    ).toBe("linearizable"));

  test("a delete, a second one that finds nothing, and a create", () =>
    expect(
      verdictOf(
        put([0, 1], "x", 2),
        remove([2, 3], written(3)),
        remove([4, 5], { kind: "missing" }),
        compareAndSet([6, 7], { exists: false }, "y", written(4)),
        get([8, 9], "y", 4),
      ),
    ).toBe("linearizable"));

  test("revisions that other keys have used up", () =>
    expect(verdictOf(put([0, 1], "x", 2), put([2, 3], "y", 70), get([4, 5], "y", 70))).toBe("linearizable"));
});

describe("finds", () => {
  test("a stale read", () => expect(verdictOf(put([0, 1], "x"), put([2, 3], "y"), get([4, 5], "x"))).toBe("violated"));

  test("a lost update", () => expect(verdictOf(put([0, 1], "x"), get([2, 3], null))).toBe("violated"));

  test("reads that go back in time during one write", () =>
    expect(verdictOf(put([0, 1], "x"), put([2, 9], "y"), get([3, 4], "y"), get([5, 6], "x"))).toBe("violated"));

  test("reads that go back in time after a lost write", () =>
    expect(verdictOf(put([0, 1], "x"), lostPut(2, "y"), get([3, 4], "y"), get([5, 6], "x"))).toBe("violated"));

  test("a read of a value that nobody wrote", () =>
    expect(verdictOf(put([0, 1], "x"), get([2, 3], "y"))).toBe("violated"));

  test("a read of a value that is written later", () =>
    expect(verdictOf(get([0, 1], "x"), put([2, 3], "x"))).toBe("violated"));

  test("two compare-and-sets that both succeed", () => {
    const both = [3, 4].map((revision) => compareAndSet([2, 9], { revision: 2 }, `v${revision}`, written(revision)));
    expect(verdictOf(put([0, 1], "x", 2), ...both)).toBe("violated");
  });

  test("two creates that both succeed", () => {
    const both = [2, 3].map((revision) => compareAndSet([2, 9], { exists: false }, "x", written(revision)));
    expect(verdictOf(...both)).toBe("violated");
  });

  test("a compare-and-set that is refused though its revision is the newest", () =>
    expect(
      verdictOf(put([0, 1], "x", 2), compareAndSet([2, 3], { revision: 2 }, "y", { kind: "refused", found: 2 })),
    ).toBe("violated"));

  test("a write that took effect twice", () => {
    const once = put([0, 1], "x", 2);
    expect(verdictOf(once, put([2, 3], "y", 3), get([4, 5], "x"))).toBe("violated");
    expect(verdictOf(once, get([2, 3], "x", 4))).toBe("violated");
  });

  test("a refused write that took effect", () =>
    expect(
      verdictOf(
        put([0, 1], "x", 2),
        compareAndSet([2, 3], { revision: 1 }, "y", { kind: "refused", found: 2 }),
        get([4, 5], "y"),
      ),
    ).toBe("violated"));

  test("revisions that fall", () => expect(verdictOf(put([0, 1], "x", 5), put([2, 3], "y", 4))).toBe("violated"));

  test("a revision that is not that of the write", () =>
    expect(verdictOf(put([0, 1], "x", 2), put([2, 3], "y", 5), get([4, 5], "y", 4))).toBe("violated"));

  test("a lost write that is seen at two revisions", () =>
    expect(verdictOf(lostPut(0, "x"), get([1, 2], "x", 3), get([3, 4], "x", 4))).toBe("violated"));

  test("a deleted key that comes back", () =>
    expect(verdictOf(put([0, 1], "x", 2), remove([2, 3], written(3)), get([4, 5], "x", 2))).toBe("violated"));

  test("a lost write that comes back after a delete has shown", () =>
    expect(verdictOf(lostPut(0, "x"), get([1, 2], "x", 2), remove([3, 4], written(3)), get([5, 6], "x", 2))).toBe(
      "violated",
    ));
});

describe("several keys at one moment", () => {
  const keys = ["a", "b"];
  const list = (times: Times, seen: Readonly<Record<string, string>>): KeyValueOperation => {
    const told = new Map(Object.entries(seen).map(([key, value]) => [key, { value }]));
    return operation(times, { kind: "list", keys }, { kind: "listed", seen: told });
  };
  const putKey = (times: Times, key: string, value: string, revision?: number): KeyValueOperation =>
    operation(times, { kind: "put", key, value }, written(revision));
  const both = (value: string): Step[] => keys.map((key) => ({ kind: "put", key, value }));
  const transaction = (
    times: Times,
    compare: string | null,
    success: readonly Step[],
    answer: Partial<Extract<KeyValueAnswer, { kind: "transacted" }>> | null,
  ): KeyValueOperation => {
    const call: KeyValueCall = {
      kind: "transaction",
      compare: compare === null ? [] : [{ key: "a", condition: { value: compare } }],
      success,
      failure: keys.map((key) => ({ kind: "get", key })),
    };
    const full = answer && ({ kind: "transacted", succeeded: true, seen: [null, null], ...answer } as const);
    return operation(times, call, full);
  };

  test("a list may see two writes that overlap it in either order", () => {
    const writes = [putKey([0, 9], "a", "x"), putKey([0, 9], "b", "y")];
    expect(verdictOf(...writes, list([1, 2], { a: "x" }))).toBe("linearizable");
    expect(verdictOf(...writes, list([1, 2], { b: "y" }))).toBe("linearizable");
  });

  test("two lists must not see two writes in different orders", () => {
    const writes = [putKey([0, 9], "a", "x"), putKey([0, 9], "b", "y")];
    expect(verdictOf(...writes, list([1, 2], { a: "x" }), list([3, 4], { b: "y" }))).toBe("violated");
  });

  test("reads of single keys that are fine one by one, and not together", () => {
    const getKey = (times: Times, key: string, value: string | null): KeyValueOperation =>
      operation(times, { kind: "get", key }, read(value === null ? null : { value }));
    const crossed = [
      putKey([0, 9], "a", "x"),
      putKey([0, 9], "b", "y"),
      getKey([1, 2], "a", "x"),
      getKey([3, 4], "b", null),
      getKey([1, 2], "b", "y"),
      getKey([3, 4], "a", null),
    ];
    expect(verdictOf(...crossed)).toBe("violated");
    expect(verdictOf(...crossed.slice(0, 4))).toBe("linearizable");
  });

  test("nobody sees half of a transaction", () => {
    const all = transaction([0, 9], null, both("x"), { revision: 2 });
    expect(verdictOf(all, list([1, 2], { a: "x", b: "x" }))).toBe("linearizable");
    expect(verdictOf(all, list([1, 2], {}))).toBe("linearizable");
    expect(verdictOf(all, list([1, 2], { a: "x" }))).toBe("violated");
  });

  test("nor half of one whose outcome is not known, at one revision for all it wrote", () => {
    const lost = transaction([0, 1], null, both("x"), null);
    const seen = (a: number, b: number): KeyValueOperation =>
      operation(
        [2, 3],
        { kind: "list", keys },
        {
          kind: "listed",
          seen: new Map([
            ["a", { value: "x", revision: a }],
            ["b", { value: "x", revision: b }],
          ]),
        },
      );
    expect(verdictOf(lost, seen(4, 4))).toBe("linearizable");
    expect(verdictOf(lost, seen(4, 5))).toBe("violated");
    expect(verdictOf(lost, list([2, 3], { b: "x" }))).toBe("violated");
  });

  test("a transaction takes the branch that its comparison asks for", () => {
    const before = putKey([0, 1], "a", "x", 2);
    expect(verdictOf(before, transaction([2, 3], "x", both("y"), { revision: 3 }))).toBe("linearizable");
    expect(verdictOf(before, transaction([2, 3], "y", both("y"), { revision: 3 }))).toBe("violated");
    const otherwise = { succeeded: false, seen: [{ value: "x", revision: 2 }, null] };
    expect(verdictOf(before, transaction([2, 3], "y", both("y"), otherwise))).toBe("linearizable");
    expect(verdictOf(before, transaction([2, 3], "x", both("y"), otherwise))).toBe("violated");
  });

  test("two transactions that compare the same value, and both succeed", () => {
    const first = transaction([2, 9], "x", both("y"), { revision: 3 });
    const second = transaction([2, 9], "x", both("z"), { revision: 4 });
    expect(verdictOf(putKey([0, 1], "a", "x", 2), first, second)).toBe("violated");
  });

  test("a get in a transaction sees what its own transaction wrote", () => {
    const steps = [
      { kind: "put", key: "a", value: "y" },
      { kind: "get", key: "a" },
      { kind: "delete", key: "a" },
      { kind: "get", key: "a" },
    ] as const;
    const answer = (value: string) => ({ revision: 3, seen: [null, { value }, null, null] });
    const before = putKey([0, 1], "a", "x", 2);
    expect(verdictOf(before, transaction([2, 3], "x", steps, answer("y")), list([4, 5], {}))).toBe("linearizable");
    expect(verdictOf(before, transaction([2, 3], "x", steps, answer("x")), list([4, 5], {}))).toBe("violated");
  });
});
