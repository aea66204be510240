/** The log: what merging leaves standing, where two logs may meet, and which entries come from memory or from storage. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Entry, entryBytes } from "../../src/raft/entry.ts";
import type { Ready } from "../../src/raft/ready.ts";
import { RaftLog } from "../../src/raft/log.ts";
import { entry, logOf, termsOf, times } from "./build.ts";
import { Disk, group } from "./disk.ts";

const unlimited = Number.MAX_SAFE_INTEGER;
const oneEntryBytes = entryBytes(entry(1, 1));

const nothing: Ready = {
  early: [],
  hardState: null,
  snapshot: null,
  entries: [],
  committed: [],
  configuration: null,
  quiescent: null,
  messages: [],
  reads: [],
};

/** A log and what is stored of it, written as a turn writes it. */
class Stored {
  readonly disk: Disk;
  readonly log: RaftLog;

  constructor(entries: readonly Entry[] = [], maxCachedBytes = unlimited) {
    this.disk = new Disk(group(1), entries);
    this.log = new RaftLog(this.disk.stored.log, this.disk, maxCachedBytes);
  }

  save(maxApplyBytes = unlimited): { readonly entries: readonly Entry[]; readonly committed: readonly Entry[] } {
    const entries = this.log.takeUnsaved();
    const committed = this.log.takeCommitted(maxApplyBytes);
    this.disk.save({ ...nothing, entries, committed });
    return { entries, committed };
  }

  /** Everything in the log, one read after the other. */
  all(maxBytes = unlimited): Entry[] {
    const found: Entry[] = [];
    while (found.length < this.log.lastIndex) {
      const read = this.log.read(found.length + 1, this.log.lastIndex, maxBytes);
      if (read.length === 0) throw new Error("a read must answer one entry at least");
      found.push(...read);
    }
    return found;
  }
}

// A leader alone counts its entry as committed, and sends a snapshot of it, in the turn that is yet to store it.
test("what was handed out to be stored and applied is still known, however little may be cached, until it is stored", () => {
  const { log } = new Stored([], 0);
  log.append(logOf([1, 1, 2]));
  log.commitTo(3);
  log.takeUnsaved();
  log.takeCommitted(unlimited);
  expect([log.term(3), termsOf([...log.read(1, 3, unlimited)])]).toEqual([2, [1, 1, 2]]);
});

describe("merging", () => {
  test.each([
    { name: "adds what is new", has: [1, 1], first: 3, terms: [1, 2], left: [1, 1, 1, 2] },
    { name: "adds what is new after what is known", has: [1, 1], first: 2, terms: [1, 1], left: [1, 1, 1] },
    { name: "replaces from the first conflict on", has: [1, 1, 1, 1], first: 2, terms: [1, 2], left: [1, 1, 2] },
    {
      name: "hazard-12: keeps what follows known entries",
      has: [1, 1, 1, 1],
      first: 1,
      terms: [1, 1],
      left: [1, 1, 1, 1],
    },
    { name: "hazard-12: keeps everything when nothing comes", has: [1, 1], first: 1, terms: [], left: [1, 1] },
  ])("$name", ({ has, first, terms, left }) => {
    for (const saved of [true, false]) {
      const stored = new Stored(saved ? logOf(has) : []);
      if (!saved) stored.log.append(logOf(has));
      stored.log.merge(terms.map((term, position) => entry(first + position, term)));
      expect(termsOf(stored.all())).toEqual(left);
      stored.save();
      expect(termsOf(stored.disk.log)).toEqual(left);
    }
  });

  test("never replaces what is committed", () => {
    const { log } = new Stored(logOf([1, 1, 1]));
    log.commitTo(2);
    expect(() => log.merge([entry(2, 2)])).toThrow(/committed/);
    expect(() => log.append([entry(5, 2)])).toThrow(/hole/);
    expect(() => log.commitTo(4)).toThrow(/ends at 3/);
  });

  test("gives out for saving what replaces stored entries, and nothing twice", () => {
    const stored = new Stored(logOf([1, 1, 1, 1]));
    stored.log.append([entry(5, 1)]);
    stored.log.merge([entry(3, 2), entry(4, 2)]);
    expect(stored.log.savedIndex).toBe(2);
    expect(stored.save().entries).toEqual([entry(3, 2), entry(4, 2)]);
    expect(stored.save().entries).toEqual([]);
    expect(termsOf(stored.disk.log)).toEqual([1, 1, 2, 2]);
  });
});

describe("committing", () => {
  test("never goes back, and gives out each entry once, in order and in bounded portions", () => {
    const stored = new Stored(logOf(times(5, 1)));
    stored.log.commitTo(4);
    stored.log.commitTo(2);
    expect(stored.log.commitIndex).toBe(4);
    expect(stored.save(3 * oneEntryBytes).committed).toEqual(logOf([1, 1, 1]));
    expect(stored.log.appliedIndex).toBe(3);
    expect(stored.save(0).committed).toEqual([entry(4, 1)]);
    expect(stored.save().committed).toEqual([]);
  });

  test("begins at what the state machine has after a start, and applies the rest again", () => {
    const disk = new Disk(group(1), logOf([1, 1, 1]));
    disk.applied.push(entry(1, 1));
    const log = new RaftLog(disk.stored.log, disk, unlimited);
    expect(log.commitIndex).toBe(1);
    log.commitTo(3);
    expect(log.takeCommitted(unlimited)).toEqual([entry(2, 1), entry(3, 1)]);
  });

  test("refuses to start where entries are missing before what is stored or after what is applied", () => {
    const { disk } = new Stored();
    const from = (firstIndex: number, lastIndex: number, appliedIndex: number): (() => RaftLog) => {
      return () =>
        new RaftLog({ firstIndex, lastIndex, previousTerm: 1, previousTimeMs: 1, appliedIndex }, disk, unlimited);
    };
    expect(from(5, 9, 3)).toThrow(/missing/);
    expect(from(5, 9, 10)).toThrow(/ahead/);
    expect(from(5, 9, 4)).not.toThrow();
    expect(from(5, 4, 4)).not.toThrow();
  });
});

describe("reading", () => {
  test("answers at least one entry, then as many as the bytes allow", () => {
    for (const saved of [true, false]) {
      const stored = new Stored(saved ? logOf(times(5, 1)) : []);
      if (!saved) stored.log.append(logOf(times(5, 1)));
      const counts = [0, 1, 2, 3].map((count) => stored.log.read(2, 5, count * oneEntryBytes).length);
      expect(counts).toEqual([1, 1, 2, 3]);
      expect(stored.log.read(2, 5, 3 * oneEntryBytes - 1)).toHaveLength(2);
      expect(stored.log.read(4, 4, unlimited)).toEqual([entry(4, 1)]);
    }
  });

  test("refuses what the log does not have", () => {
    const { log } = new Stored(logOf([1, 1]));
    for (const [first, last] of [
      [0, 1],
      [2, 1],
      [2, 3],
      [3, 3],
    ] as const) {
      expect(() => log.read(first, last, unlimited)).toThrow(/no entries/);
    }
    expect([0, 1, 2, 3].map((index) => log.term(index))).toEqual([0, 1, 1, undefined]);
  });

  test("goes on from storage to memory where entries were forgotten", () => {
    const stored = new Stored([], 4 * oneEntryBytes);
    stored.log.append(logOf(times(9, 1)));
    stored.log.commitTo(9);
    stored.save();
    // They are stored now, as the next turn knows.
    stored.save();
    let readFromDisk = 0;
    const { disk } = stored;
    const entries = disk.entries.bind(disk);
    disk.entries = (first, last, maxBytes) => {
      readFromDisk += last - first + 1;
      return entries(first, last, maxBytes);
    };
    expect(stored.all()).toEqual(logOf(times(9, 1)));
    // Half of what may be cached is left.
    expect(readFromDisk).toBe(7);
    expect(stored.log.term(1)).toBe(1);
  });

  test("keeps in memory whatever is not stored or not applied yet", () => {
    const stored = new Stored([], 0);
    stored.log.append(logOf(times(6, 1)));
    stored.log.commitTo(4);
    const { disk } = stored;
    disk.entries = () => {
      throw new Error("nothing has been stored");
    };
    expect(stored.log.takeCommitted(2 * oneEntryBytes)).toHaveLength(2);
    expect(stored.all()).toHaveLength(6);
  });
});

describe("forgetting", () => {
  test.each([
    { name: "stored", cached: 0 },
    { name: "cached", cached: unlimited },
  ])("what is applied keeps the term and the clock of the entry before the first, $name", ({ cached }) => {
    const stored = new Stored([], cached);
    stored.log.append(logOf([1, 2, 2, 3, 3]));
    stored.log.commitTo(4);
    stored.save();
    stored.log.compactTo(3);
    stored.disk.compactTo(3);
    expect(stored.log).toMatchObject({ firstIndex: 4, lastIndex: 5, lastTerm: 3 });
    expect([2, 3, 4].map((index) => stored.log.term(index))).toEqual([undefined, 2, 3]);
    expect(stored.log.timeMs(3)).toBe(3);
    expect([4, 5].flatMap((index) => stored.log.read(index, index, 0))).toEqual([entry(4, 3), entry(5, 3)]);
    expect(stored.log.lastAtMost(5, 1)).toEqual({ index: 3, term: 2 });
    expect(() => stored.log.compactTo(5)).toThrow(/not applied/);
    stored.log.compactTo(2);
    expect(stored.log.firstIndex).toBe(4);
  });

  test("everything for a state that lies beyond goes on from there", () => {
    const stored = new Stored(logOf([1, 1]));
    stored.log.append([entry(3, 2)]);
    stored.log.restore({ index: 9, term: 4, timeMs: 90 });
    expect(stored.log).toMatchObject({ firstIndex: 10, lastIndex: 9, lastTerm: 4, commitIndex: 9, appliedIndex: 9 });
    expect(stored.log.timeMs(9)).toBe(90);
    expect(stored.log.takeUnsaved()).toEqual([]);
    stored.log.append([entry(10, 4)]);
    expect(stored.log.takeUnsaved()).toEqual([entry(10, 4)]);
    expect(() => stored.log.restore({ index: 9, term: 4, timeMs: 90 })).toThrow(/undo/);
  });
});

describe("where a log with a given term can still be equal", () => {
  const { log } = new Stored(logOf([1, 1, 3, 3, 3, 5, 5]));

  test.each([
    { index: 7, term: 5, found: { index: 7, term: 5 } },
    { index: 7, term: 4, found: { index: 5, term: 3 } },
    { index: 4, term: 4, found: { index: 4, term: 3 } },
    { index: 7, term: 2, found: { index: 2, term: 1 } },
    { index: 7, term: 0, found: { index: 0, term: 0 } },
    { index: 0, term: 9, found: { index: 0, term: 0 } },
    { index: 99, term: 9, found: { index: 7, term: 5 } },
  ])("up to $index in term $term", ({ index, term, found }) => {
    expect(log.lastAtMost(index, term)).toEqual(found);
  });
});

test.each([
  { name: "a later last term wins over a longer log", lastIndex: 1, lastTerm: 3, newEnough: true },
  { name: "hazard-39: a longer log of an earlier term loses", lastIndex: 99, lastTerm: 1, newEnough: false },
  { name: "of equal terms the longer log wins", lastIndex: 4, lastTerm: 2, newEnough: true },
  { name: "an equal log will do", lastIndex: 3, lastTerm: 2, newEnough: true },
  { name: "of equal terms the shorter log loses", lastIndex: 2, lastTerm: 2, newEnough: false },
])("voting: $name", ({ lastIndex, lastTerm, newEnough }) => {
  expect(new Stored(logOf([1, 2, 2])).log.isUpToDate(lastIndex, lastTerm)).toBe(newEnough);
});

/** What a log must hold, as a plain list. */
class Model {
  entries: Entry[] = [];
  commit = 0;
  private term = 1;

  /** What a leader sends that begins `back` entries before the end, or after what is committed. */
  appends(back: number, count: number, newTerm: boolean): readonly Entry[] {
    if (newTerm) this.term += 1;
    const first = Math.max(this.commit, this.entries.length - back) + 1;
    const sent = Array.from({ length: count }, (_, position) => entry(first + position, this.term));
    const conflict = sent.find(({ index, term }) => this.entries[index - 1]?.term !== term);
    if (conflict !== undefined) {
      this.entries = [...this.entries.slice(0, conflict.index - 1), ...sent.slice(conflict.index - first)];
    }
    return sent;
  }

  commits(ahead: number): number {
    this.commit = Math.min(this.entries.length, this.commit + ahead);
    return this.commit;
  }
}

test("any sequence of merges, commits and saves leaves what a plain list would hold", () => {
  const step = fc.record({
    merge: fc.record({ back: fc.nat(6), count: fc.nat(5), newTerm: fc.boolean() }),
    commitAhead: fc.nat(4),
    saves: fc.boolean(),
    maxBytes: fc.nat(4 * oneEntryBytes),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 25 }), fc.nat(6 * oneEntryBytes), (steps, maxCachedBytes) => {
      const stored = new Stored([], maxCachedBytes);
      const model = new Model();
      const applied: Entry[] = [];
      for (const { merge, commitAhead, saves, maxBytes } of steps) {
        stored.log.merge(model.appends(merge.back, merge.count, merge.newTerm));
        stored.log.commitTo(model.commits(commitAhead));
        if (saves) applied.push(...stored.save(maxBytes).committed);
        expect(stored.disk.log.slice(0, stored.log.savedIndex)).toEqual(model.entries.slice(0, stored.log.savedIndex));
        expect(stored.all(maxBytes)).toEqual(model.entries);
        expect(stored.log.lastTerm).toBe(model.entries.at(-1)?.term ?? 0);
        expect(applied).toEqual(model.entries.slice(0, applied.length));
      }
    }),
    { numRuns: 150 },
  );
});
