/** Reads that need not be the newest: which of them keep what they promised. */

import { expect, test } from "vitest";
import { checkStaleReads } from "../../../scripts/chaos/promises.ts";
import type { StaleSeen } from "../../../scripts/chaos/record.ts";

const put = { client: "A", call: { kind: "put", key: "a", value: "x" }, invokedAtMs: 5, completion: null } as const;
const steps = [{ kind: "put", key: "a", value: "y" }] as const;
const transaction = {
  client: "A",
  call: { kind: "transaction", compare: [], success: steps, failure: [] },
  invokedAtMs: 10,
  completion: null,
} as const;

const read = (changes: Partial<StaleSeen>): StaleSeen => ({
  client: "B",
  key: "a",
  promise: "what its client has seen",
  invokedAtMs: 20,
  atMs: 21,
  value: "x",
  revision: 2,
  floor: 2,
  ...changes,
});

test("an old state is none that is too old", () => {
  const reads = [read({}), read({ value: "y", revision: 3 }), read({ value: null, revision: 0, floor: 0 })];
  expect(checkStaleReads(reads, [put, transaction])).toEqual([]);
});

test("a state before what was promised is found", () => {
  expect(checkStaleReads([read({ floor: 3 }), read({ value: null, revision: 0 })], [put])).toEqual([
    "B read a = x at revision 2, which was promised to hold what its client has seen: revision 3",
    "B read a = missing at revision 0, which was promised to hold what its client has seen: revision 2",
  ]);
});

test("so is a value that nobody has written, or not yet", () => {
  const reads = [read({ value: "z" }), read({ atMs: 4 })];
  expect(checkStaleReads(reads, [put])).toEqual([
    "B read a = z at revision 2, which nobody had written",
    "B read a = x at revision 2, which nobody had written",
  ]);
});
