/** The store against the reference, over generated logs. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { CommandResult, Query } from "../../../src/kv/model.ts";
import { log, query } from "./arbitraries.ts";
import type { LogStep } from "./arbitraries.ts";
import { Expectations } from "./expectations.ts";
import type { Applied } from "./expectations.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import { range } from "./requests.ts";

function check(applied: readonly Applied[], results: readonly CommandResult[]): void {
  for (const [position, { expected, reasons }] of applied.entries()) {
    const result = results[position]!;
    if (expected.status === "refused" && result.status === "refused" && reasons.has(result.refusal.reason)) continue;
    expect(result).toEqual(expected);
  }
}

/** Cuts a log into batches, each of which a turn applies. */
function batchesOf(steps: readonly LogStep[], applied: readonly Applied[], oneByOne: boolean): Applied[][] {
  const batches: Applied[][] = [];
  for (const [position, one] of applied.entries()) {
    if (oneByOne || position === 0 || steps[position]!.newBatch) batches.push([]);
    batches.at(-1)!.push(one);
  }
  return batches;
}

const everything = range("", "\0");

describe("the store and the reference", () => {
  test("give every command the same result, and every query the same answer, at present and in the past", () => {
    fc.assert(
      fc.property(log, fc.array(query, { minLength: 1, maxLength: 8 }), (steps, queries) => {
        const expectations = new Expectations();
        const store = new TestStore({ ...expectations.limits, index: tinyIndex });
        const { reference } = expectations;
        const applied = steps.map((step) => expectations.next(step));
        for (const batch of batchesOf(steps, applied, false)) {
          check(batch, store.apply(batch));
          if (steps[applied.indexOf(batch[0]!)]!.restart) store.restart();
        }
        for (const asked of queries) expect(store.query(asked)).toEqual(reference.answer(asked));
        for (let revision = reference.compactRevision - 1; revision <= reference.revision + 1; revision += 1) {
          const asked = { ...everything, revision };
          expect(store.query(asked)).toEqual(reference.answer(asked));
        }
        expect(store.query({ kind: "status" })).toMatchObject({
          ...reference.status,
          revision: reference.revision,
          compactRevision: reference.compactRevision,
        });
      }),
      { numRuns: 120 },
    );
  }, 60_000);

  test("answer queries equally between any two commands", () => {
    fc.assert(
      fc.property(log, query, (steps, asked) => {
        const expectations = new Expectations();
        const store = new TestStore({ ...expectations.limits, index: tinyIndex });
        for (const step of steps) {
          store.apply([expectations.next(step)]);
          expect(store.query(asked)).toEqual(expectations.reference.answer(asked));
        }
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});

describe("two nodes", () => {
  test("hold the same rows after the same log, however it is cut into batches and whenever they restart", () => {
    fc.assert(
      fc.property(log, (steps) => {
        const expectations = new Expectations();
        const options = { ...expectations.limits, index: tinyIndex };
        const [one, other] = [new TestStore(options), new TestStore(options)];
        const applied = steps.map((step) => expectations.next(step));
        for (const batch of batchesOf(steps, applied, true)) one.apply(batch);
        for (const batch of batchesOf(steps, applied, false)) {
          other.apply(batch);
          if (steps[applied.indexOf(batch[0]!)]!.restart) other.restart();
        }
        expect(other.content()).toEqual(one.content());
        const hash: Query = { kind: "hash", revision: 0 };
        expect(other.query(hash)).toEqual(one.query(hash));
      }),
      { numRuns: 80 },
    );
  }, 60_000);
});
