/** A node's storage beside a plain list of what it should hold. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import type { Identity, NodeStorage, StoredNode } from "../../src/node/storage.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import { type Entry, entryBytes, type HardState } from "../../src/raft/entry.ts";

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
  | { readonly kind: "hardState"; readonly vote: string | null }
  | { readonly kind: "apply"; readonly count: number }
  | { readonly kind: "quiescent"; readonly quiescent: boolean }
  | { readonly kind: "restart" }
  | { readonly kind: "read"; readonly first: number; readonly last: number; readonly maxBytes: number };

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
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("hardState" as const), vote: fc.constantFrom(null, "n2") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("apply" as const), count: fc.nat({ max: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("quiescent" as const), quiescent: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("restart" as const) }) },
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
  private log: Entry[] = [];
  private hardState: HardState = { term: 0, vote: null };
  private applied = 0;
  private quiescent = false;

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
        this.hardState = { term: this.hardState.term + 1, vote: next.vote };
        this.storage.transaction(() => this.storage.saveHardState(this.hardState));
        return true;
      case "apply":
        this.applied = Math.min(this.applied + next.count, this.log.length);
        this.storage.transaction(() => this.storage.saveAppliedIndex(this.applied));
        return true;
      case "quiescent":
        this.quiescent = next.quiescent;
        this.storage.transaction(() => this.storage.saveQuiescent(next.quiescent));
        return true;
      case "restart":
        return this.restart();
      case "read":
        return this.read(next.first, next.last, next.maxBytes);
    }
  }

  private save(back: number, sizes: readonly number[], fails: boolean): boolean {
    const first = Math.max(this.applied, this.log.length - back) + 1;
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
    this.log = [...this.log.slice(0, first - 1), ...entries];
    return true;
  }

  private restart(): boolean {
    const { storage, stored } = this.disk.open()!;
    this.storage = storage;
    this.incarnation += 1;
    return isDeepStrictEqual(stored, {
      identity,
      configuration,
      incarnation: this.incarnation,
      hardState: this.hardState,
      quiescent: this.quiescent,
      log: {
        firstIndex: 1,
        lastIndex: this.log.length,
        previousTerm: 0,
        previousTimeMs: 0,
        appliedIndex: this.applied,
      },
    });
  }

  private read(from: number, to: number, maxBytes: number): boolean {
    if (this.log.length === 0) return true;
    const first = (from % this.log.length) + 1;
    const last = first + (to % (this.log.length - first + 1));
    let bytes = 0;
    const expected = this.log.slice(first - 1, last).filter((entry, position) => {
      bytes += entryBytes(entry);
      return position === 0 || bytes <= maxBytes;
    });
    const terms = this.log.map(({ term }) => term);
    return (
      isDeepStrictEqual(this.storage.entries(first, last, maxBytes), expected) &&
      this.storage.term(last) === terms[last - 1] &&
      this.storage.term(first) === terms[first - 1]
    );
  }
}
