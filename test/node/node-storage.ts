/** What every storage of a node must do, whatever it is made of: a suite to run with each. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import { entryBytes } from "../../src/raft/entry.ts";
import {
  configuration,
  entriesFrom,
  identity,
  type OpenStorage,
  save,
  step,
  StorageModel,
  type TestDisk,
} from "./storage-model.ts";

export function describeNodeStorage(name: string, makeDisk: () => TestDisk): void {
  const openNew = (): { disk: TestDisk } & OpenStorage => {
    const disk = makeDisk();
    disk.create(identity, configuration);
    return { disk, ...disk.open()! };
  };

  describe(`${name}: a new node`, () => {
    test("is not there before it is made", () => {
      expect(makeDisk().open()).toBeNull();
    });

    test("starts with its identity, its configuration, term 0, no vote and an empty log", () => {
      expect(openNew().stored).toEqual({
        identity,
        configuration,
        incarnation: 1,
        hardState: { term: 0, vote: null },
        quiescent: false,
        log: { firstIndex: 1, lastIndex: 0, previousTerm: 0, previousTimeMs: 0, appliedIndex: 0 },
      });
    });
  });

  describe(`${name}: a restart`, () => {
    test("gives back all that was saved, and counts itself", () => {
      const { disk, storage } = openNew();
      const entries = entriesFrom(1, 3, 0, 10, 20);
      storage.transaction(() => {
        storage.saveHardState({ term: 3, vote: "n2" });
        storage.saveEntries(entries);
        storage.saveAppliedIndex(2);
      });
      const { stored, storage: reopened } = disk.open()!;
      expect(stored).toEqual({
        identity,
        configuration,
        incarnation: 2,
        hardState: { term: 3, vote: "n2" },
        quiescent: false,
        log: { firstIndex: 1, lastIndex: 3, previousTerm: 0, previousTimeMs: 0, appliedIndex: 2 },
      });
      expect(reopened.entries(1, 3, 1e6)).toEqual(entries);
      expect(disk.open()!.stored.incarnation).toBe(3);
    });

    test("gives back the configuration that came into force, and not one whose transaction failed", () => {
      const { disk, storage } = openNew();
      const joint = {
        voters: ["n1", "n2", "n5"],
        outgoing: ["n1", "n2", "n3"],
        learners: [],
        learnersNext: ["n3"],
        autoLeave: true,
        promoting: ["n4"],
        attributes: { n4: "far away" },
      };
      storage.transaction(() => storage.saveConfiguration(joint));
      const failing = (): void =>
        storage.transaction(() => {
          storage.saveConfiguration(simpleConfiguration(["n9"]));
          throw new Error("in the middle");
        });
      expect(failing).toThrow("in the middle");
      expect(disk.open()!.stored.configuration).toEqual(joint);
    });

    test("gives back that a term has no vote", () => {
      const { disk, storage } = openNew();
      storage.transaction(() => storage.saveHardState({ term: 3, vote: "n2" }));
      storage.transaction(() => storage.saveHardState({ term: 4, vote: null }));
      expect(disk.open()!.stored.hardState).toEqual({ term: 4, vote: null });
    });

    test("can go on where the log ended", () => {
      const { disk, storage } = openNew();
      save(storage, entriesFrom(1, 1, 5, 5));
      const { storage: reopened } = disk.open()!;
      save(reopened, entriesFrom(3, 2, 5));
      expect([1, 2, 3].map((index) => reopened.term(index))).toEqual([1, 1, 2]);
      expect(disk.open()!.stored.log.lastIndex).toBe(3);
    });
  });

  describe(`${name}: a transaction`, () => {
    test("gives back what its work gives", () => {
      expect(openNew().storage.transaction(() => "result")).toBe("result");
    });

    test("that throws leaves nothing behind", () => {
      const { disk, storage } = openNew();
      save(storage, entriesFrom(1, 1, 5, 5, 5));
      storage.transaction(() => storage.saveHardState({ term: 1, vote: "n1" }));
      const failing = (): void =>
        storage.transaction(() => {
          storage.saveHardState({ term: 2, vote: "n3" });
          storage.saveEntries(entriesFrom(2, 2, 7, 7, 7, 7));
          storage.saveAppliedIndex(3);
          throw new Error("in the middle");
        });
      expect(failing).toThrow("in the middle");
      const { stored, storage: reopened } = disk.open()!;
      expect(stored.hardState).toEqual({ term: 1, vote: "n1" });
      expect(stored.log).toEqual({ firstIndex: 1, lastIndex: 3, previousTerm: 0, previousTimeMs: 0, appliedIndex: 0 });
      expect(reopened.entries(1, 3, 1e6)).toEqual(entriesFrom(1, 1, 5, 5, 5));
    });
  });

  describe(`${name}: entries saved at an index that the log has`, () => {
    // Three batches, of entries 1..3, 4..6 and 7..9.
    const batches = [entriesFrom(1, 1, 1, 2, 3), entriesFrom(4, 1, 4, 5, 6), entriesFrom(7, 2, 7, 8, 9)];
    const log = batches.flat();

    test.each([
      ["the first entry", 1],
      ["the middle of the first batch", 2],
      ["the last of a batch", 3],
      ["the beginning of a batch", 4],
      ["the middle of a batch, with batches behind it", 5],
      ["the beginning of the last batch", 7],
      ["the last entry", 9],
      ["the end", 10],
    ])("replace all from there on: %s", (_, index) => {
      const { disk, storage } = openNew();
      for (const batch of batches) save(storage, batch);
      // Terms that were read before must not be remembered after.
      expect(log.map((entry) => storage.term(entry.index))).toEqual(log.map((entry) => entry.term));
      const fresh = entriesFrom(index, 3, 11, 0);
      save(storage, fresh);
      const expected = [...log.slice(0, index - 1), ...fresh];
      expect(storage.entries(1, index + 1, 1e6)).toEqual(expected);
      expect(expected.map((entry) => storage.term(entry.index))).toEqual(expected.map((entry) => entry.term));
      const { stored, storage: reopened } = disk.open()!;
      expect(stored.log.lastIndex).toBe(index + 1);
      expect(reopened.entries(1, index + 1, 1e6)).toEqual(expected);
    });

    test("may be cut again and again", () => {
      const { storage } = openNew();
      save(storage, entriesFrom(1, 1, 1, 1, 1, 1, 1, 1));
      for (const index of [6, 5, 4, 3, 2]) save(storage, entriesFrom(index, 10 - index, 2, 2));
      expect([1, 2, 3].map((index) => storage.term(index))).toEqual([1, 8, 8]);
      expect(storage.entries(1, 3, 1e6)).toHaveLength(3);
    });
  });

  describe(`${name}: reading`, () => {
    const overhead = entryBytes(entriesFrom(1, 1, 0)[0]!);

    test("gives one entry at least, then as many as the bytes allow, from one batch into the next", () => {
      const { storage } = openNew();
      save(storage, entriesFrom(1, 1, 100, 100));
      save(storage, entriesFrom(3, 1, 100, 100));
      const size = 100 + overhead;
      const read = (first: number, last: number, maxBytes: number): number[] =>
        storage.entries(first, last, maxBytes).map((entry) => entry.index);
      expect(read(1, 4, 0)).toEqual([1]);
      expect(read(2, 4, size)).toEqual([2]);
      expect(read(2, 4, 2 * size - 1)).toEqual([2]);
      expect(read(2, 4, 2 * size)).toEqual([2, 3]);
      expect(read(1, 4, 4 * size)).toEqual([1, 2, 3, 4]);
      expect(read(1, 4, 1e9)).toEqual([1, 2, 3, 4]);
      expect(read(2, 3, 1e9)).toEqual([2, 3]);
      expect(read(3, 3, 1e9)).toEqual([3]);
    });

    test("gives a batch of several MiB as it was saved", () => {
      const { disk, storage } = openNew();
      const mebibyte = 1024 * 1024;
      const entries = entriesFrom(1, 1, 700_000, 700_000, mebibyte, 10, 10, mebibyte - 1, 1_800_000, 0, 5);
      save(storage, entries);
      const { storage: reopened } = disk.open()!;
      const read = reopened.entries(1, 9, 1e9);
      // `toEqual` takes seconds over megabytes.
      expect(isDeepStrictEqual(read, entries)).toBe(true);
      expect(entries.map(({ index }) => reopened.term(index))).toEqual(entries.map(({ term }) => term));
      save(reopened, entriesFrom(3, 2, 5));
      expect(reopened.entries(2, 3, 1e9).map(({ index, term }) => [index, term])).toEqual([
        [2, 1],
        [3, 2],
      ]);
    });

    test("finds terms in any order", () => {
      const { storage } = openNew();
      for (let term = 1; term <= 20; term += 1) save(storage, entriesFrom(3 * term - 2, term, 1, 1, 1));
      const order = Array.from({ length: 60 }, (_, position) => ((position * 37) % 60) + 1);
      expect(order.map((index) => storage.term(index))).toEqual(order.map((index) => Math.ceil(index / 3)));
    });
  });

  test(`${name}: any history of writes, failures and restarts reads as a plain list would`, () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const disk = makeDisk();
        disk.create(identity, configuration);
        const model = new StorageModel(disk);
        expect(steps.filter((next) => !model.take(next))).toEqual([]);
      }),
      { numRuns: 300 },
    );
  });
}
