/** A node's storage beside a plain list of what it should hold. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import type { Identity, NodeStorage, StoredNode } from "../../src/node/storage.ts";
import type { Rest } from "../../src/raft/cluster-time.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, entryBytes, type HardState } from "../../src/raft/entry.ts";
import type { SnapshotPoint } from "../../src/raft/log.ts";

/** What outlives the instances of a node's storage. */
export interface TestDisk {
  /** Makes the storage of a new node. */
  create(identity: Identity, configuration: Configuration): void;
  /** Starts a new incarnation from what is on the disk; null when no node is. Earlier instances are not used again. */
  open(): OpenStorage | null;
}

export interface OpenStorage {
  readonly storage: NodeStorage;
  readonly stored: StoredNode;
}

export const identity: Identity = { group: "g", node: "n1", groupId: "f00d", storageId: "beef" };
export const configuration = simpleConfiguration(["n1", "n2", "n3"], ["n4"]);

/** Entries of one term from `first` on, each with the given number of bytes of data. */
export function entriesFrom(first: number, term: number, ...sizes: readonly number[]): Entry[] {
  return sizes.map((size, position) => {
    const index = first + position;
    const data = new Uint8Array(size).fill(index % 251);
    return { index, term, kind: size === 0 ? "noop" : "command", timeMs: 1000 + index, data };
  });
}

/** The storage as the driver uses it. */
export function save(storage: NodeStorage, entries: readonly Entry[]): void {
  storage.transaction(() => storage.saveEntries(entries));
}

export type Step =
  | { readonly kind: "save"; readonly back: number; readonly sizes: readonly number[]; readonly fails: boolean }
  | { readonly kind: "hardState"; readonly vote: string | null; readonly promiseMs: number }
  | { readonly kind: "apply"; readonly count: number }
  | { readonly kind: "quiescent"; readonly quiescent: Rest | false }
  | { readonly kind: "restart" }
  | { readonly kind: "compact"; readonly batches: number }
  | { readonly kind: "restore"; readonly ahead: number }
  | { readonly kind: "read"; readonly first: number; readonly last: number; readonly maxBytes: number };

const quiescence: fc.Arbitrary<Rest | false> = fc.oneof(
  fc.constant(false as const),
  fc
    .tuple(fc.nat(), fc.boolean(), fc.nat(), fc.nat())
    .map(([term, led, half, sinceMs]) => ({ term, led, timeMs: half / 2, sinceMs })),
);

export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("save" as const),
      back: fc.oneof(fc.constant(0), fc.nat({ max: 12 })),
      sizes: fc.array(fc.nat({ max: 300 }), { minLength: 1, maxLength: 6 }),
      fails: fc.nat({ max: 9 }).map((chance) => chance === 0),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("hardState" as const),
      vote: fc.constantFrom(null, "n2"),
      promiseMs: fc.constantFrom(0, 150),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("apply" as const), count: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("quiescent" as const), quiescent: quiescence }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("compact" as const), batches: fc.nat({ max: 3 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restore" as const), ahead: fc.nat({ max: 3 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      first: fc.nat({ max: 60 }),
      last: fc.nat({ max: 60 }),
      maxBytes: fc.nat({ max: 2000 }),
    }),
  },
);

/** A storage beside a plain list of what it should hold. */
export class StorageModel {
  private readonly disk: TestDisk;
  private storage: NodeStorage;
  private incarnation = 1;
  /** Without the entries that were forgotten. */
  private log: Entry[] = [];
  private previous: SnapshotPoint = { index: 0, term: 0, timeMs: 0 };
  private inForce = configuration;
  private hardState: HardState = { term: 0, vote: null };
  private applied = 0;
  private quiescent: Rest | false = false;

  constructor(disk: TestDisk) {
    this.disk = disk;
    this.storage = disk.open()!.storage;
  }

  /** Answers whether the storage agrees. */
  take(next: Step): boolean {
    switch (next.kind) {
      case "save":
        return this.save(next.back, next.sizes, next.fails);
      case "hardState":
        this.hardState = {
          term: this.hardState.term + 1,
          vote: next.vote,
          ...(next.promiseMs > 0 ? { promiseMs: next.promiseMs } : {}),
        };
        this.storage.transaction(() => this.storage.saveHardState(this.hardState));
        return true;
      case "apply":
        this.applied = Math.min(this.applied + next.count, this.lastIndex);
        this.storage.transaction(() => this.storage.saveAppliedIndex(this.applied));
        return true;
      case "quiescent":
        this.quiescent = next.quiescent;
        this.storage.transaction(() => this.storage.saveQuiescent(next.quiescent));
        return true;
      case "restart":
        return this.restart();
      case "compact":
        return this.compact(next.batches);
      case "restore":
        return this.restore(next.ahead);
      case "read":
        return this.read(next.first, next.last, next.maxBytes);
    }
  }

  private get lastIndex(): number {
    return this.previous.index + this.log.length;
  }

  private compact(count: number): boolean {
    const batches = this.storage.oldestBatches(count).filter(({ lastIndex }) => lastIndex <= this.applied);
    const index = batches.at(-1)?.lastIndex;
    if (index === undefined) return true;
    const { term, timeMs } = this.log[index - 1 - this.previous.index]!;
    this.storage.transaction(() => this.storage.compactTo({ index, term, timeMs }));
    this.log = this.log.slice(index - this.previous.index);
    this.previous = { index, term, timeMs };
    const rest = this.storage.oldestBatches(1000);
    return rest.length === 0 ? this.log.length === 0 : rest.at(-1)!.lastIndex === this.lastIndex;
  }

  private restore(ahead: number): boolean {
    const index = Math.max(this.applied + 1, this.lastIndex - 5) + ahead;
    this.inForce = simpleConfiguration(["n1", `n${index}`]);
    this.previous = { index, term: this.hardState.term, timeMs: index };
    this.storage.transaction(() => this.storage.restore({ ...this.previous, configuration: this.inForce }));
    this.log = [];
    this.applied = index;
    return this.storage.oldestBatches(1).length === 0;
  }

  private save(back: number, sizes: readonly number[], fails: boolean): boolean {
    const first = Math.max(this.applied, this.lastIndex - back) + 1;
    const entries = entriesFrom(first, this.hardState.term + 1, ...sizes);
    if (fails) {
      try {
        this.storage.transaction(() => {
          this.storage.saveEntries(entries);
          throw new Error("fails");
        });
      } catch {
        // A node does not go on after this; its object restarts.
        return this.restart();
      }
    }
    save(this.storage, entries);
    this.log = [...this.log.slice(0, first - 1 - this.previous.index), ...entries];
    return this.measures();
  }

  /** Batches say how large the log is between them, about as large as its entries are. */
  private measures(): boolean {
    const [first, ...rest] = this.storage.oldestBatches(1000);
    const last = rest.at(-1);
    if (first === undefined || last === undefined) return true;
    const bytes = this.log.reduce((sum, entry) => sum + (entry.index > first.lastIndex ? entryBytes(entry) : 0), 0);
    const measured = last.endBytes - first.endBytes;
    return last.endBytes === this.storage.bytesUpTo(this.lastIndex) && Math.abs(measured - bytes) < bytes;
  }

  private restart(): boolean {
    const { storage, stored } = this.disk.open()!;
    this.storage = storage;
    this.incarnation += 1;
    return isDeepStrictEqual(stored, {
      identity,
      configuration: this.inForce,
      incarnation: this.incarnation,
      hardState: this.hardState,
      quiescent: this.quiescent,
      log: {
        firstIndex: this.previous.index + 1,
        lastIndex: this.lastIndex,
        previousTerm: this.previous.term,
        previousTimeMs: this.previous.timeMs,
        appliedIndex: this.applied,
      },
    });
  }

  private read(from: number, to: number, maxBytes: number): boolean {
    if (this.log.length === 0) return true;
    const before = this.previous.index;
    const first = before + (from % this.log.length) + 1;
    const last = first + (to % (this.lastIndex - first + 1));
    let bytes = 0;
    const expected = this.log.slice(first - 1 - before, last - before).filter((entry, position) => {
      bytes += entryBytes(entry);
      return position === 0 || bytes <= maxBytes;
    });
    const terms = this.log.map(({ term }) => term);
    return (
      isDeepStrictEqual(this.storage.entries(first, last, maxBytes), expected) &&
      this.storage.term(last) === terms[last - 1 - before] &&
      this.storage.term(first) === terms[first - 1 - before]
    );
  }
}
