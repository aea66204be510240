/** The keys as they were at a past revision. */

import type { History } from "./history.ts";
import type { KeyIndex } from "./key-index.ts";
import type { KeyRange, KeyText } from "./key-text.ts";
import { exists } from "./key-state.ts";
import type { KeyState } from "./key-state.ts";
import type { KeyView, ScanOptions } from "./key-view.ts";

/** How many keys are looked up in the history at a time. */
const lookedUpKeys = 256;

/**
 * Every key has its newest row in the index, a deleted one too until it is forgotten, and from there its rows are walked back.
 * A row that is missing was forgotten: the key did not exist at a revision that may still be asked for.
 */
export class PastView implements KeyView {
  private readonly index: KeyIndex;
  private readonly history: History;
  private readonly revision: number;

  constructor(index: KeyIndex, history: History, revision: number) {
    this.index = index;
    this.history = history;
    this.revision = revision;
  }

  get(key: KeyText): KeyState | undefined {
    const newest = this.index.newest(key);
    return newest === undefined ? undefined : this.lookUp([newest])[0];
  }

  *scan(range: KeyRange, { reverse = false }: ScanOptions = {}): Generator<KeyState, void> {
    let waiting: KeyState[] = [];
    for (const state of this.index.scan(range, { reverse, withDeleted: true })) {
      waiting.push(state);
      if (waiting.length < lookedUpKeys) continue;
      yield* this.lookUp(waiting);
      waiting = [];
    }
    yield* this.lookUp(waiting);
  }

  count(range: KeyRange): number {
    let count = 0;
    for (const _ of this.scan(range)) count += 1;
    return count;
  }

  /** Of the newest states of keys those that existed at the revision, as they were. */
  private lookUp(states: readonly KeyState[]): KeyState[] {
    const later = states.filter(({ modRevision }) => modRevision > this.revision).map(({ position }) => position);
    const found = later.length === 0 ? null : this.history.statesAt(later, this.revision);
    return states
      .map((state) => (state.modRevision > this.revision ? found?.get(state.position) : state))
      .filter((state) => exists(state));
  }
}
