/** The keys that changed last, in memory: those that the index table does not know yet. */

import type { KeyRange, KeyText } from "./key-text.ts";
import type { KeyState } from "./key-state.ts";

export interface RecentKey {
  readonly state: KeyState;
  /** Whether the index table has the key, as one that exists. */
  readonly isIndexed: boolean;
}

export class Memtable {
  /** In the order of their newest positions: a key that changes again moves to the end. */
  private readonly keys = new Map<KeyText, RecentKey>();
  private sorted: KeyText[] = [];
  /** Null when it is to be looked up. */
  private oldest: number | undefined | null = undefined;

  get size(): number {
    return this.keys.size;
  }

  get(key: KeyText): RecentKey | undefined {
    return this.keys.get(key);
  }

  /** Its position must be the newest of all. */
  set(recent: RecentKey): void {
    const { key, position } = recent.state;
    const before = this.keys.get(key);
    if (before === undefined) this.sorted.splice(this.placeOf(key), 0, key);
    else this.keys.delete(key);
    this.keys.set(key, recent);
    if (before !== undefined && before.state.position === this.oldest) this.oldest = null;
    else if (this.oldest === undefined) this.oldest = position;
  }

  /** The least of the keys' newest positions; undefined when there are no keys. */
  get oldestPosition(): number | undefined {
    if (this.oldest === null) this.oldest = this.keys.values().next().value?.state.position;
    return this.oldest;
  }

  /** Takes out the keys that changed longest ago: `count` of them, and all whose position is not behind `position`. */
  takeOldest(count: number, position: number): KeyState[] {
    const taken: KeyState[] = [];
    for (const [key, { state }] of this.keys) {
      if (taken.length >= count && state.position > position) break;
      taken.push(state);
      this.keys.delete(key);
    }
    if (taken.length > 0) {
      this.sorted = this.sorted.filter((key) => this.keys.has(key));
      this.oldest = null;
    }
    return taken;
  }

  /** In the order of the keys. */
  range({ from, to }: KeyRange): RecentKey[] {
    const found: RecentKey[] = [];
    for (let at = this.placeOf(from); at < this.sorted.length; at += 1) {
      const key = this.sorted[at];
      if (key === undefined || key >= to) break;
      const recent = this.keys.get(key);
      if (recent !== undefined) found.push(recent);
    }
    return found;
  }

  /** The place of the first key that is not before this one. */
  private placeOf(key: KeyText): number {
    let [low, high] = [0, this.sorted.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.sorted[middle] ?? "") < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
