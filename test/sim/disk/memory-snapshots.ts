/** The snapshots that a node in memory sends and takes: a copy of its state, and parts of another's. */

import type { Cut, Page, SnapshotStore, Staging } from "../../../src/node/snapshot-store.ts";
import type { Snapshot } from "../../../src/raft/message.ts";
import type { Cell, Cells } from "./cells.ts";

type Named = readonly [name: string, value: Cell];

interface StoredCut extends Cut {
  /** How many of its values the peer has. */
  readonly position: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Like everything on this disk it consists of cells, which become durable with the transaction that writes them. */
export class MemorySnapshots implements SnapshotStore {
  private readonly cells: Cells;
  private readEnd = 0;

  constructor(cells: Cells) {
    this.cells = cells;
  }

  cut(): Cut | null {
    const cut = this.read("cut") as StoredCut | null;
    if (cut === null) return null;
    const { id, peer, snapshot, sequence, checksum } = cut;
    return { id, peer, snapshot, sequence, checksum };
  }

  openCut(id: string, peer: string, snapshot: Snapshot): void {
    this.write("cut", { id, peer, snapshot, sequence: 0, checksum: 0, position: 0 } satisfies StoredCut);
    this.write("cut values", stateOf(this.cells));
  }

  readCut(maxBytes: number): Page {
    const position = (this.read("cut") as StoredCut | null)?.position ?? 0;
    const values = (this.read("cut values") as readonly Named[] | null) ?? [];
    const page: Named[] = [];
    let bytes = 0;
    for (const value of values.slice(position)) {
      bytes += JSON.stringify(value).length;
      if (bytes > maxBytes && page.length > 0) break;
      page.push(value);
    }
    this.readEnd = position + page.length;
    return { bytes: encoder.encode(JSON.stringify(page)), done: this.readEnd === values.length };
  }

  advanceCut(checksum: number): void {
    const cut = this.read("cut") as StoredCut | null;
    if (cut === null) throw new Error("no cut is open");
    this.write("cut", { ...cut, sequence: cut.sequence + 1, checksum, position: this.readEnd });
  }

  closeCut(): void {
    this.write("cut", null);
  }

  staging(): Staging | null {
    return this.read("staging") as Staging | null;
  }

  beginStaging(cutId: string, snapshot: Snapshot): void {
    this.write("staging", { cutId, snapshot, sequence: 0, checksum: 0, complete: false } satisfies Staging);
  }

  stage({ bytes, done }: Page, checksum: number): void {
    const staging = this.staging();
    if (staging === null || staging.complete) throw new Error("nothing is being received");
    this.cells.set(`staged ${staging.sequence}`, decoder.decode(bytes));
    this.write("staging", { ...staging, sequence: staging.sequence + 1, checksum, complete: done });
  }

  installStaging(): void {
    const staging = this.staging();
    if (staging?.complete !== true) throw new Error("the state is not complete");
    for (let page = 0; page < staging.sequence; page += 1) {
      // Nothing is ever taken from a register's state, so that a newer one covers all of an older one.
      const values = this.read(`staged ${page}`) as readonly Named[];
      for (const [name, value] of values) this.cells.set(name, value);
    }
    this.closeCut();
    this.discardStaging();
  }

  discardStaging(): void {
    this.write("staging", null);
  }

  /** What this class has written under a name; null when nothing. */
  private read(name: string): unknown {
    return JSON.parse(String(this.cells.get(name) ?? "null"));
  }

  private write(name: string, value: unknown): void {
    this.cells.set(name, JSON.stringify(value));
  }
}

/** The state machine's cells, in the order of their names. */
export function stateOf(cells: Cells): readonly Named[] {
  return [...cells.entries()].filter(([name]) => isState.test(name)).sort(([one], [other]) => (one < other ? -1 : 1));
}

const isState = /^(?:revision|value of|answer to)\b/;
