/** The keys as an operation of a transaction sees them: the store's, and over it what operations before it do. */

import { isWithin } from "./key-text.ts";
import type { KeyRange, KeyText } from "./key-text.ts";
import type { KeyState } from "./key-state.ts";
import type { KeyView, ScanOptions } from "./key-view.ts";

/** No key is put twice in a transaction, or put after it was deleted: `txn-rules.ts` refuses that. */
export class DraftView implements KeyView {
  private readonly below: KeyView;
  private readonly puts = new Map<KeyText, KeyState>();
  private readonly deletions: KeyRange[] = [];

  constructor(below: KeyView) {
    this.below = below;
  }

  put(state: KeyState): void {
    this.puts.set(state.key, state);
  }

  delete(range: KeyRange): void {
    for (const key of this.puts.keys()) if (isWithin(key, range)) this.puts.delete(key);
    this.deletions.push(range);
  }

  get(key: KeyText): KeyState | undefined {
    return this.puts.get(key) ?? (this.isDeleted(key) ? undefined : this.below.get(key));
  }

  *scan(range: KeyRange, { reverse = false }: ScanOptions = {}): Generator<KeyState, void> {
    const put = [...this.puts.values()].filter(({ key }) => isWithin(key, range));
    put.sort((one, other) => (one.key < other.key === reverse ? 1 : -1));
    for (const state of this.below.scan(range, { reverse })) {
      for (let next = put[0]; next !== undefined && next.key < state.key !== reverse; next = put[0]) {
        if (next.key === state.key) break;
        yield next;
        put.shift();
      }
      if (put[0]?.key === state.key) {
        const replacing = put.shift();
        if (replacing !== undefined) yield replacing;
      } else if (!this.isDeleted(state.key)) yield state;
    }
    yield* put;
  }

  count(range: KeyRange): number {
    if (this.puts.size === 0 && this.deletions.length === 0) return this.below.count(range);
    let count = 0;
    for (const _ of this.scan(range)) count += 1;
    return count;
  }

  private isDeleted(key: KeyText): boolean {
    return this.deletions.some((range) => isWithin(key, range));
  }
}
