/** The order of keys, byte by byte, and the ranges that follow from it. */

import { maxKeyBytes } from "./limits.ts";

/** Keys from `from` (inclusive) to `to` (exclusive). */
export interface KeyRange {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
}

/** What a list is limited to. All that are given must hold. */
export interface KeyBounds {
  readonly prefix: Uint8Array;
  /** The first key, inclusive. */
  readonly start: Uint8Array | null;
  /** Where to end, exclusive. */
  readonly end: Uint8Array | null;
  /** The last key of the page before: the list goes on behind it. */
  readonly after: Uint8Array | null;
}

const beforeAllKeys = new Uint8Array(0);
/** Longer than any key and nowhere smaller, so behind them all. */
const afterAllKeys = new Uint8Array(maxKeyBytes + 1).fill(0xff);

/** Negative, zero or positive, as `left` comes before, with or after `right`. */
export function compareKeys(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** The range that these bounds leave; empty when `from` is not before `to`. */
export function rangeOf(bounds: KeyBounds): KeyRange {
  const lower = [
    bounds.prefix,
    bounds.start ?? beforeAllKeys,
    bounds.after === null ? beforeAllKeys : successor(bounds.after),
  ];
  const upper = [prefixEnd(bounds.prefix), bounds.end ?? afterAllKeys];
  return {
    from: lower.reduce((one, other) => (compareKeys(one, other) >= 0 ? one : other)),
    to: upper.reduce((one, other) => (compareKeys(one, other) <= 0 ? one : other)),
  };
}

/** The very next key. */
function successor(key: Uint8Array): Uint8Array {
  const next = new Uint8Array(key.length + 1);
  next.set(key);
  return next;
}

/** The first key behind all that begin with `prefix`. */
function prefixEnd(prefix: Uint8Array): Uint8Array {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last -= 1;
  if (last < 0) return afterAllKeys;
  const end = prefix.slice(0, last + 1);
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
