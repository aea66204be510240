/** A node's stable storage in memory: what it holds is all that a restarted node knows. */

import type { Rest } from "../../src/raft/cluster-time.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import { entryBytes, type Entry, type HardState, type NodeId } from "../../src/raft/entry.ts";
import type { LogReader } from "../../src/raft/log.ts";
import type { Snapshot } from "../../src/raft/message.ts";
import type { Ready, StoredState } from "../../src/raft/ready.ts";

/** The state machine's part of each snapshot, which travels beside the protocol's: all that was applied. */
export const snapshotStates = new WeakMap<Snapshot, readonly Entry[]>();

export class Disk implements LogReader {
  configuration: Configuration;
  quiescent: Rest | false = false;
  hardState: HardState;
  /** What the state machine was given from the beginning on; an index is a place plus one. */
  applied: Entry[] = [];
  /** The stored entries; those before were forgotten. */
  log: Entry[];
  private previous = { index: 0, term: 0, timeMs: 0 };

  constructor(
    configuration: Configuration,
    log: readonly Entry[] = [],
    hardState: HardState = { term: 0, vote: null },
  ) {
    this.configuration = configuration;
    this.log = [...log];
    this.hardState = hardState;
  }

  get stored(): StoredState {
    const { hardState, configuration, previous } = this;
    const log = {
      firstIndex: previous.index + 1,
      lastIndex: previous.index + this.log.length,
      previousTerm: previous.term,
      previousTimeMs: previous.timeMs,
      appliedIndex: this.applied.length,
    };
    return { quiescent: this.quiescent, hardState, configuration, log };
  }

  /** The log from its beginning on: what was forgotten is known from what was applied. */
  get wholeLog(): readonly Entry[] {
    return [...this.applied.slice(0, this.previous.index), ...this.log];
  }

  /** All that a turn has to write, in one go. */
  save({ hardState, snapshot, entries, committed, configuration, quiescent }: Ready): void {
    if (hardState !== null) this.hardState = hardState;
    if (snapshot !== null) this.restore(snapshot);
    const first = entries[0]?.index;
    if (first !== undefined) {
      const kept = first - 1 - this.previous.index;
      if (kept > this.log.length) throw new Error(`entry ${first} leaves a hole on the disk`);
      this.log.splice(kept, this.log.length, ...entries);
    }
    for (const entry of committed) {
      if (entry.index !== this.applied.length + 1) throw new Error(`entry ${entry.index} is applied out of order`);
      this.applied.push(entry);
    }
    if (configuration !== null) this.configuration = configuration;
    if (quiescent !== null) this.quiescent = quiescent;
  }

  /** Forgets entries up to `index`. */
  compactTo(index: number): void {
    const { term, timeMs } = this.at(index);
    this.log.splice(0, index - this.previous.index);
    this.previous = { index, term, timeMs };
  }

  term(index: number): number {
    return this.at(index).term;
  }

  entries(first: number, last: number, maxBytes: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = first; index <= last; index += 1) {
      const entry = this.at(index);
      bytes += entryBytes(entry);
      if (bytes > maxBytes && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  private restore(snapshot: Snapshot): void {
    const { index, term, timeMs, configuration } = snapshot;
    const state = snapshotStates.get(snapshot);
    if (state?.length !== index) throw new Error(`no state comes with the snapshot at ${index}`);
    this.applied = [...state];
    this.log = [];
    this.previous = { index, term, timeMs };
    this.configuration = configuration;
  }

  private at(index: number): Entry {
    const entry = this.log[index - 1 - this.previous.index];
    if (entry === undefined) throw new Error(`the disk has no entry ${index}`);
    return entry;
  }
}

/** `<letter>1` to `<letter><count>`. */
export function names(letter: string, count: number): NodeId[] {
  return Array.from({ length: count }, (_, position) => `${letter}${position + 1}`);
}

/** `n1` to `n<voters>`, and learners `l1` to `l<learners>`. */
export function group(voters: number, learners = 0): Configuration {
  return simpleConfiguration(names("n", voters), names("l", learners));
}
