/** Spans of keys: those of one key, of a prefix, and of all keys. */

import type { KeySpan } from "./model.ts";

/** As the end of a span: no end. */
const endless = new Uint8Array(1);

export const allKeys: KeySpan = { key: new Uint8Array(0), rangeEnd: endless };

export function oneKey(key: Uint8Array): KeySpan {
  return { key, rangeEnd: null };
}

/** All keys that begin with `prefix`. */
export function keysWithPrefix(prefix: Uint8Array): KeySpan {
  return { key: prefix, rangeEnd: endOfPrefix(prefix) };
}

/** Keys from `start` on and before `end`; null for no such bound. */
export function keysBetween(start: Uint8Array | null, end: Uint8Array | null): KeySpan {
  return { key: start ?? new Uint8Array(0), rangeEnd: end ?? endless };
}

/** The first key behind all that begin with `prefix`; no end when there is none. */
function endOfPrefix(prefix: Uint8Array): Uint8Array {
  const last = prefix.findLastIndex((byte) => byte !== 0xff);
  if (last === -1) return endless;
  const end = prefix.slice(0, last + 1);
  end[last] = (end[last] ?? 0) + 1;
  return end;
}
