/** The key-value store on a Durable Object's own SQL: what it answers there, and what Cloudflare would bill for it. */

import { reset, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import type { StoreOptions } from "../../src/kv/machine.ts";
import type { Sql } from "../../src/machine.ts";
import { storeTables } from "../../src/kv/store/schema.ts";
import { log } from "../kv/store/arbitraries.ts";
import { Expectations } from "../kv/store/expectations.ts";
import { increment, put, range, remove, txn } from "../kv/store/requests.ts";
import { StoreOver } from "../kv/store/store-over.ts";
import { TestGroup } from "./test-group.ts";

afterEach(() => reset());

/** Runs inside an object that is no node. */
async function inObject<Result>(body: (storage: DurableObjectStorage) => Result): Promise<Result> {
  return await runInDurableObject(new TestGroup().stub("n1"), (_, { storage }) => body(storage));
}

/** An empty store in an object's storage. */
function storeIn(storage: DurableObjectStorage, options: StoreOptions = {}): StoreOver {
  for (const table of storeTables) storage.sql.exec(`DROP TABLE IF EXISTS ${table}`);
  return new StoreOver({ sql: storage.sql, transaction: (body) => storage.transactionSync(body) }, options);
}

test("does what the reference does, at present and in the past, over restarts", async () => {
  const faults = await inObject((storage) => {
    const found: unknown[] = [];
    const history = fc.property(log, (steps) => {
      const expectations = new Expectations();
      const { reference, limits } = expectations;
      const index = { maxRecentKeys: 3, mergedKeys: 2, maxRecentRows: 6, eraRows: 4 };
      const store = storeIn(storage, { ...limits, index });
      for (const step of steps) {
        const one = expectations.next(step);
        const [result] = store.apply([one]);
        const isOneOfSeveral = result?.status === "refused" && one.reasons.has(result.refusal.reason);
        if (!isOneOfSeveral) found.push(...differences(result, one.expected));
        if (step.restart) store.restart();
      }
      for (let revision = Math.max(1, reference.compactRevision); revision <= reference.revision; revision += 1) {
        const everything = range("", "\0", { revision });
        found.push(...differences(store.query(everything), reference.answer(everything)));
      }
    });
    fc.assert(history, { numRuns: 60 });
    return found;
  });
  expect(faults).toEqual([]);
});

function differences(one: unknown, other: unknown): unknown[] {
  const [text, expected] = [one, other].map((value) => JSON.stringify(value, sorted));
  return text === expected ? [] : [{ text, expected }];
}

/** The same text for equal values, in whatever order their fields were written. */
function sorted(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return [...value];
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

test("a put of a key in memory is one billed row and one for the batch, whatever the index does later", async () => {
  const rows = await inObject((storage) => {
    storeIn(storage).run(txn([put("a", "1")]));
    const sql: Sql = storage.sql;
    let written = 0;
    const counting: Sql = {
      exec: (statement, ...values) => {
        const cursor = sql.exec<never>(statement, ...values);
        const all = cursor.toArray();
        written += cursor.rowsWritten;
        return { toArray: () => all, [Symbol.iterator]: () => all.values(), rowsWritten: cursor.rowsWritten };
      },
    };
    const counted = new StoreOver({ sql: counting, transaction: (body) => body() }, {});
    const rowsOf = (work: () => void): number => {
      written = 0;
      work();
      return written;
    };
    return {
      put: rowsOf(() => counted.run(txn([put("a", "2")]))),
      batch: rowsOf(() => counted.run(txn(Array.from({ length: 100 }, (_, at) => put(`k${at}`, ""))))),
      increment: rowsOf(() => counted.run(txn([increment("n", "1")]))),
      withTtl: rowsOf(() => counted.run(txn([put("t", "1", { ttlMs: 5000 })]))),
      delete: rowsOf(() => counted.run(txn([remove("a")]))),
      nothing: rowsOf(() => counted.run(txn([remove("a")]))),
    };
  });
  expect(rows).toEqual({ put: 2, batch: 101, increment: 2, withTtl: 4, delete: 2, nothing: 0 });
});
