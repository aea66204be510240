/** The store against the reference, over generated logs. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Command, CommandResult, Query } from "../../../src/kv/model.ts";
import { log, query } from "./arbitraries.ts";
import type { LogStep } from "./arbitraries.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import type { Timed } from "./harness.ts";
import { ReferenceStore } from "./reference.ts";
import { range } from "./requests.ts";

/** So few that the generated logs overflow them. */
const limits = { idempotencyKeys: 3, sessions: 2 };

interface Applied extends Timed {
  readonly expected: CommandResult;
  /** Why it could also have been refused, when it was for one reason of several. */
  readonly reasons: ReadonlySet<string>;
}

/** Has the reference apply a log, step by step: the commands with their expected results. */
class Expectations {
  readonly reference = new ReferenceStore(limits);
  private timeMs = 1_700_000_000_000;
  private index = 0;

  next({ body, idempotency, passedMs }: LogStep): Applied {
    this.timeMs += passedMs;
    this.index += 1;
    const session = idempotency && sessionOf(idempotency.session, this.reference);
    const command: Command = { body, idempotency: idempotency && { ...idempotency, session: session ?? "" } };
    const expected = this.reference.apply(command, this.index, this.timeMs);
    return { command, timeMs: this.timeMs, expected, reasons: this.reference.possibleReasons };
  }
}

/** One of the open sessions; without any, none, or one that nobody knows. */
function sessionOf(place: number, { sessionIds }: ReferenceStore): string {
  if (place < 0) return "";
  return sessionIds[place] ?? (place === 0 ? "" : "unknown");
}

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

function expectAnswer(store: TestStore, reference: ReferenceStore, asked: Query): void {
  expect(store.query(asked)).toEqual(reference.answer(asked));
}

const everything = range("", "\0");

describe("the store and the reference", () => {
  test("give every command the same result, and every query the same answer, at present and in the past", () => {
    fc.assert(
      fc.property(log, fc.array(query, { minLength: 1, maxLength: 8 }), (steps, queries) => {
        const [store, expectations] = [new TestStore({ ...limits, index: tinyIndex }), new Expectations()];
        const { reference } = expectations;
        const applied = steps.map((step) => expectations.next(step));
        for (const batch of batchesOf(steps, applied, false)) {
          check(batch, store.apply(batch));
          if (steps[applied.indexOf(batch[0]!)]!.restart) store.restart();
        }
        for (const asked of queries) expectAnswer(store, reference, asked);
        for (let revision = reference.compactRevision - 1; revision <= reference.revision + 1; revision += 1) {
          expectAnswer(store, reference, { ...everything, revision });
        }
        expect(store.query({ kind: "status" })).toMatchObject({
          ...reference.status,
          revision: reference.revision,
          compactRevision: reference.compactRevision,
        });
      }),
      { numRuns: 400 },
    );
  });

  test("answer queries equally between any two commands", () => {
    fc.assert(
      fc.property(log, query, (steps, asked) => {
        const [store, expectations] = [new TestStore({ ...limits, index: tinyIndex }), new Expectations()];
        for (const step of steps) {
          store.apply([expectations.next(step)]);
          expectAnswer(store, expectations.reference, asked);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe("two nodes", () => {
  test("hold the same rows after the same log, however it is cut into batches and whenever they restart", () => {
    fc.assert(
      fc.property(log, (steps) => {
        const options = { ...limits, index: tinyIndex };
        const [one, other] = [new TestStore(options), new TestStore(options)];
        const expectations = new Expectations();
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
      { numRuns: 200 },
    );
  });
});
