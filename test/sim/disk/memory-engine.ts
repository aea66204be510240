/** A disk in memory: fast, and plain enough to be right at sight. */

import type { StateMachine } from "../../../src/machine.ts";
import type { Batch, NodeStorage } from "../../../src/node/storage.ts";
import type { Rest } from "../../../src/raft/cluster-time.ts";
import type { Configuration } from "../../../src/raft/configuration.ts";
import { type Entry, entryBytes, type HardState } from "../../../src/raft/entry.ts";
import type { SnapshotPoint } from "../../../src/raft/log.ts";
import type { Snapshot } from "../../../src/raft/message.ts";
import { type Cell, Cells } from "./cells.ts";
import type { DiskEngine, Founding, OpenedNode } from "./engine.ts";
import type { DurableImage } from "./durable-image.ts";
import { MemoryMembership } from "./memory-membership.ts";
import { MemorySnapshots, stateOf } from "./memory-snapshots.ts";

export class MemoryEngine implements DiskEngine, NodeStorage {
  private readonly founding: Founding;
  private readonly makeMachine: (cells: Cells) => StateMachine;
  private readonly cells = new Cells();
  private beginning: SnapshotPoint = { index: 0, term: 0, timeMs: 0 };
  private log: Entry[] = [];
  /** What takes back what this transaction has done to the log so far. */
  private undo: (() => void)[] = [];

  constructor(founding: Founding, makeMachine: (cells: Cells) => StateMachine) {
    this.founding = founding;
    this.makeMachine = makeMachine;
  }

  get exists(): boolean {
    return this.cells.exist;
  }

  open(): OpenedNode {
    const { cells, founding, beginning } = this;
    const { identity } = founding;
    const incarnation = this.number("incarnation") + 1;
    const membership = new MemoryMembership(cells);
    this.transaction(() => {
      this.save("incarnation", incarnation);
      if (incarnation > 1) return;
      membership.create(founding.joined, founding.configuration);
      for (const [id, storageId] of Object.entries(founding.storageIds)) membership.savePeer(id, storageId);
    });
    const vote = cells.get("vote") ?? "";
    const promiseMs = this.number("promise");
    const hardState = {
      term: this.number("term"),
      vote: vote === "" ? null : String(vote),
      ...(promiseMs > 0 ? { promiseMs } : {}),
    };
    const saved = cells.get("configuration");
    const configuration = saved === undefined ? founding.configuration : (JSON.parse(String(saved)) as Configuration);
    const quiescent = JSON.parse(String(cells.get("quiescent") ?? "false")) as Rest | false;
    const log = {
      firstIndex: beginning.index + 1,
      lastIndex: this.lastIndex,
      previousTerm: beginning.term,
      previousTimeMs: beginning.timeMs,
      appliedIndex: this.number("applied"),
    };
    const stored = { identity, incarnation, configuration, hardState, quiescent, log };
    const renewMachine = (): StateMachine => this.makeMachine(cells);
    const content = (): string => JSON.stringify(stateOf(cells));
    const snapshots = new MemorySnapshots(cells);
    return { stored, storage: this, snapshots, membership, machine: renewMachine(), renewMachine, content };
  }

  flushed(): void {
    this.cells.flushed();
  }

  crash({ beginning, log }: DurableImage): void {
    this.cells.crash();
    this.beginning = beginning;
    this.log = [...log];
  }

  close(): void {}

  transaction<Result>(work: () => Result): Result {
    this.undo = [];
    try {
      return this.cells.transaction(work);
    } catch (error) {
      for (const takeBack of this.undo.toReversed()) takeBack();
      throw error;
    }
  }

  saveHardState({ term, vote, promiseMs = 0 }: HardState): void {
    this.save("promise", promiseMs);
    this.save("term", term);
    this.save("vote", vote ?? "");
  }

  saveAppliedIndex(index: number): void {
    this.save("applied", index);
  }

  saveConfiguration(configuration: Configuration): void {
    this.save("configuration", JSON.stringify(configuration));
  }

  saveQuiescent(quiescent: Rest | false): void {
    this.save("quiescent", JSON.stringify(quiescent));
  }

  saveEntries(entries: readonly Entry[]): void {
    const first = entries[0];
    if (first === undefined) return;
    const kept = first.index - this.beginning.index - 1;
    if (kept > this.log.length) throw new Error(`entry ${first.index} leaves a hole behind ${this.lastIndex}`);
    const removed = this.log.splice(kept);
    this.undo.push(() => void this.log.splice(kept, entries.length, ...removed));
    for (const entry of entries) this.log.push(entry);
  }

  compactTo(point: SnapshotPoint): void {
    const { beginning } = this;
    const forgotten = this.log.splice(0, point.index - beginning.index);
    this.beginning = point;
    this.undo.push(() => {
      this.beginning = beginning;
      this.log.unshift(...forgotten);
    });
  }

  restore(snapshot: Snapshot): void {
    const { beginning, log } = this;
    this.log = [];
    this.beginning = snapshot;
    this.undo.push(() => {
      this.beginning = beginning;
      this.log = log;
    });
    this.saveAppliedIndex(snapshot.index);
    this.saveConfiguration(snapshot.configuration);
  }

  /** Every entry is a batch of its own here. */
  oldestBatches(count: number): readonly Batch[] {
    return this.log.slice(0, count).map(({ index }): Batch => ({ lastIndex: index, endBytes: this.bytesUpTo(index) }));
  }

  bytesUpTo(index: number): number {
    return this.log.slice(0, index - this.beginning.index).reduce((sum, entry) => sum + entryBytes(entry), 0);
  }

  term(index: number): number {
    return this.find(index).term;
  }

  entries(first: number, last: number, maxBytes: number): Entry[] {
    const found: Entry[] = [];
    let bytes = 0;
    for (let index = first; index <= last; index += 1) {
      const entry = this.find(index);
      bytes += entryBytes(entry);
      if (bytes > maxBytes && found.length > 0) break;
      found.push(entry);
    }
    return found;
  }

  private get lastIndex(): number {
    return this.beginning.index + this.log.length;
  }

  private number(name: string): number {
    return Number(this.cells.get(name) ?? 0);
  }

  private save(name: string, value: Cell): void {
    this.cells.set(name, value);
  }

  private find(index: number): Entry {
    const entry = this.log[index - this.beginning.index - 1];
    if (entry === undefined) throw new Error(`no entry ${index} is stored`);
    return entry;
  }
}
