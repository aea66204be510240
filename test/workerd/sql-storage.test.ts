/** The storage on a Durable Object's own SQL: what it reads back, and what Cloudflare would bill for it. */

import { reset, runInDurableObject } from "cloudflare:test";
import * as fc from "fast-check";
import { afterEach, expect, test } from "vitest";
import { SqlStorage } from "../../src/node/sql-storage.ts";
import { configuration, entriesFrom, identity, save, step, StorageModel } from "../node/storage-model.ts";
import { TestGroup } from "./test-group.ts";

afterEach(() => reset());

/** Runs inside an object that is no node. */
async function inObject<Result>(body: (storage: DurableObjectStorage) => Result): Promise<Result> {
  return await runInDurableObject(new TestGroup().stub("n1"), (_, { storage }) => body(storage));
}

function storageOver(storage: DurableObjectStorage): SqlStorage {
  return new SqlStorage(storage.sql, (work) => storage.transactionSync(work));
}

test("hazard-46 any history of writes, failures and restarts reads as a plain list would", async () => {
  const disagreements = await inObject((storage) => {
    const found: unknown[] = [];
    const history = fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
      const empty = storageOver(storage);
      for (const table of ["raft_state", "raft_log"]) storage.sql.exec(`DELETE FROM ${table}`);
      empty.create(identity, configuration);
      const model = new StorageModel({
        create: () => {},
        open: () => {
          const opened = storageOver(storage);
          return { storage: opened, stored: opened.open()! };
        },
      });
      found.push(...steps.filter((next) => !model.take(next)));
    });
    fc.assert(history, { numRuns: 100 });
    return found;
  });
  expect(disagreements).toEqual([]);
});

test("a batch is one billed row, and so are the hard state and the applied index", async () => {
  const rows = await inObject((disk) => {
    const storage = storageOver(disk);
    storage.create(identity, configuration);
    storage.open();
    const rowsOf = (work: () => void): number => {
      const before = storage.rowsWritten;
      work();
      return storage.rowsWritten - before;
    };
    return {
      batch: rowsOf(() => save(storage, entriesFrom(1, 1, ...Array.from({ length: 500 }, () => 100)))),
      next: rowsOf(() => save(storage, entriesFrom(501, 1, 100, 100))),
      parts: rowsOf(() => save(storage, entriesFrom(503, 1, 600_000, 600_000, 1_800_000))),
      // The four rows from 501 on, what is left of the first of them, and the new one.
      cut: rowsOf(() => save(storage, entriesFrom(502, 2, 100))),
      hardState: rowsOf(() => storage.saveHardState({ term: 1, vote: "n1" })),
      applied: rowsOf(() => storage.saveAppliedIndex(500)),
    };
  });
  expect(rows).toEqual({ batch: 1, next: 1, parts: 3, cut: 6, hardState: 1, applied: 1 });
});
