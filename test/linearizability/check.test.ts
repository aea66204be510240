/** What the checker says of long histories: which part is wrong and why, how much work it was, and when it is too much. */

import { describe, expect, test } from "vitest";
import { checkLinearizability } from "./check.ts";
import type { Operation } from "./history.ts";
import type { KeyValueAnswer, KeyValueCall } from "./key-value-call.ts";
import { keyValueModel, modelOfRevisions } from "./key-value-model.ts";
import { makeHistory } from "./long-history.ts";
import { partitionOf } from "./partition.ts";

type KeyValueOperation = Operation<KeyValueCall, KeyValueAnswer>;

const shape = { seed: 1, operations: 20_000, clients: 10, keys: 20, lossRate: 0.01, revisions: true };

function step(client: string, fromMs: number, call: KeyValueCall, answer: KeyValueAnswer | null): KeyValueOperation {
  return { client, call, invokedAtMs: fromMs, completion: answer && { atMs: fromMs + 1, answer } };
}

/** Has one read in the middle see what somebody wrote long before. */
function withStaleRead(history: readonly KeyValueOperation[]): KeyValueOperation[] {
  const firstValues = new Map<string, string>();
  for (const { call, completion } of history) {
    if (call.kind !== "put" || completion?.answer.kind !== "written") continue;
    if (!firstValues.has(call.key)) firstValues.set(call.key, call.value);
  }
  const at = history.findIndex(
    ({ call, completion }, position) =>
      position > history.length / 2 && call.kind === "get" && completion !== null && firstValues.has(call.key),
  );
  const read = history[at]!;
  const value = read.call.kind === "get" ? firstValues.get(read.call.key)! : "";
  const { atMs } = read.completion!;
  return history.with(at, { ...read, completion: { atMs, answer: { kind: "read", seen: { value } } } });
}

describe("a long history", () => {
  test("is checked with about one configuration an operation, with revisions and without", () => {
    for (const revisions of [true, false]) {
      const history = makeHistory({ ...shape, revisions });
      const report = checkLinearizability(keyValueModel, history);
      expect(report).toMatchObject({ verdict: "linearizable", operations: 20_000, parts: 20, findings: [] });
      expect(report.unknown).toBeGreaterThan(50);
      expect(report.configurations).toBeLessThan(30_000);
    }
  });

  test("of which one read is stale is found out, and which read it is", () => {
    const report = checkLinearizability(keyValueModel, withStaleRead(makeHistory(shape)));
    expect(report.verdict).toBe("violated");
    expect(report.findings).toHaveLength(1);
    expect(report.findings[0]).toMatch(/✗ +\d+\.\d – \d+\.\d +c\d +get k\d+ → c\d/);
  });

  test("that takes too much is given up, and said to be", () => {
    const report = checkLinearizability(keyValueModel, makeHistory(shape), { maxConfigurations: 100 });
    expect(report.verdict).toBe("unknown");
    expect(report.findings[0]).toMatch(/^gave up on k\d+ \(\d+ operations\) after 101 configurations$/);
  });

  test("that is given up in one part and violated in another is violated", () => {
    const few = [
      step("A", 0, { kind: "put", key: "z", value: "x" }, { kind: "written" }),
      step("B", 2, { kind: "get", key: "z" }, { kind: "read", seen: null }),
    ];
    const history = [...makeHistory(shape), ...few];
    expect(checkLinearizability(keyValueModel, history, { maxConfigurations: 100 }).verdict).toBe("violated");
  });
});

test("a counterexample is as short as it can be, and tells why it is one", () => {
  const history = [
    step("A", 0, { kind: "put", key: "a", value: "x" }, { kind: "written", revision: 2 }),
    step("B", 2, { kind: "get", key: "a" }, { kind: "read", seen: { value: "x", revision: 2 } }),
    step("A", 4, { kind: "put", key: "a", value: "y" }, { kind: "written", revision: 3 }),
    step("C", 4, { kind: "put", key: "a", value: "lost" }, null),
    step("B", 6, { kind: "get", key: "a" }, { kind: "read", seen: { value: "y", revision: 3 } }),
    step("B", 8, { kind: "get", key: "a" }, { kind: "read", seen: { value: "x", revision: 2 } }),
    step("A", 9, { kind: "put", key: "b", value: "z" }, { kind: "written", revision: 4 }),
    step("A", 11, { kind: "put", key: "a", value: "z" }, { kind: "written", revision: 5 }),
  ];
  const { findings } = checkLinearizability(keyValueModel, history);
  expect(findings).toEqual([
    `not linearizable: a (7 operations), of which 4 show it
  at first nothing is stored
  ✓        0.0 – 1.0        A      put a = x → revision 2
  ✓        4.0 – 5.0        A      put a = y → revision 3
  then a = y (revision 3), and none of these fits:
  ✗        8.0 – 9.0        B      get a → x (revision 2)
  nor do these help, whose outcome is not known:
  ?        4.0 – …          C      put a = lost → ?
`,
  ]);
});

test("operations are checked together if keys join them, directly or through others", () => {
  const on = (...keys: readonly string[]): KeyValueOperation => step("A", 0, { kind: "list", keys }, null);
  const parts = partitionOf([on("a", "b"), on("c"), on("d", "e"), on("b", "d"), on("f", "c")], (call) =>
    keyValueModel.keysOf(call),
  );
  expect(parts.map(({ keys, operations }) => [keys.join(""), operations.length])).toEqual([
    ["abde", 3],
    ["cf", 2],
  ]);
});

describe("many writes that nobody was answered, of which each may have done this or that", () => {
  /** Each of `a`, `b` and `c` is put ten times, and every time something unknown has removed it before. */
  const rounds = Array.from({ length: 30 }, (_, round) => round);
  const keyOf = (round: number): string => "abc"[round % 3]!;
  const guess = (round: number): KeyValueOperation => {
    const [key, other] = [keyOf(round), keyOf(round + 1)];
    const value = `u${round}`;
    const put = { kind: "put", key, value } as const;
    const puts = { success: [put, { kind: "delete", key: other }], failure: [{ ...put, key: other }] } as const;
    const call = { kind: "transaction", compare: [{ key, condition: { revision: 0 } }], ...puts } as const;
    return step(`u${round}`, round / 100, call, null);
  };
  const told = (round: number): KeyValueOperation[] => {
    const [key, fromMs, revision] = [keyOf(round), 10 + 4 * round, 4 + 2 * round];
    const put = step("A", fromMs, { kind: "put", key, value: `v${round}` }, { kind: "written", revision });
    const seen = step("B", fromMs + 2, { kind: "get", key }, { kind: "read", seen: null });
    return [put, seen];
  };
  const history = [...rounds.map(guess), ...rounds.flatMap(told)];
  /** A store that tells its revision with each answer: the write that nobody was answered took the one in between. */
  const withRevisions = history.map((operation): KeyValueOperation => {
    const { completion } = operation;
    if (completion === null) return operation;
    const round = Math.floor((operation.invokedAtMs - 10) / 4);
    const storeRevision = 4 + 2 * round + (completion.answer.kind === "read" ? 1 : 0);
    return { ...operation, completion: { ...completion, answer: { ...completion.answer, storeRevision } } };
  });

  test("are hardly any work where answers tell the store's revision", () => {
    const limits = { maxConfigurations: 3000 };
    expect(checkLinearizability(keyValueModel, history, limits).verdict).toBe("unknown");
    expect(checkLinearizability(modelOfRevisions([]), withRevisions, limits).verdict).toBe("linearizable");
  });

  test("can't have done it at revisions that others were given", () => {
    const taken = rounds.map((round) => 5 + 2 * round);
    expect(checkLinearizability(modelOfRevisions(taken), withRevisions).verdict).toBe("violated");
  });
});

test("what was read has been written, at the revision that was read, by whoever alone can have written it", () => {
  const lost = step("A", 0, { kind: "put", key: "a", value: "x" }, null);
  const seen = step("B", 2, { kind: "get", key: "a" }, { kind: "read", seen: { value: "x", revision: 3 } });
  const before = step("B", 4, { kind: "put", key: "a", value: "y" }, { kind: "written", revision: 2 });
  const after = step("B", 4, { kind: "put", key: "a", value: "y" }, { kind: "written", revision: 4 });
  expect(checkLinearizability(keyValueModel, [lost, seen, after]).verdict).toBe("linearizable");
  expect(checkLinearizability(keyValueModel, [lost, seen, before]).verdict).toBe("violated");
});

test("answers that tell the store's revision take effect in its order", () => {
  const put = (key: string, fromMs: number, revision: number): KeyValueOperation =>
    step("A", fromMs, { kind: "put", key, value: "x" }, { kind: "written", revision, storeRevision: revision });
  const list = (fromMs: number, storeRevision: number): KeyValueOperation => {
    const seen = new Map([["a", { value: "x", revision: 2 }]]);
    return step("B", fromMs, { kind: "list", keys: ["a", "b"] }, { kind: "listed", seen, storeRevision });
  };
  const verdict = (last: KeyValueOperation): string =>
    checkLinearizability(modelOfRevisions([]), [put("a", 0, 2), put("b", 4, 3), last]).verdict;
  expect(verdict(list(2, 2))).toBe("linearizable");
  // It has not seen `b`, and says that it has seen everything up to revision 3.
  expect(verdict(list(2, 3))).toBe("violated");
});
