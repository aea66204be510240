/** Keys as texts of one character a byte, whose order is the order of the bytes. */

import { maxKeyBytes } from "../limits.ts";
import type { KeySpan } from "../model.ts";

export type KeyText = string;

/** Keys from `from` (included) to `to` (excluded); none when `from` is not before `to`. */
export interface KeyRange {
  readonly from: KeyText;
  readonly to: KeyText;
}

/** Before all keys, or the empty key itself. */
export const firstKey: KeyText = "";
/** Longer than any key and nowhere smaller, so behind them all. */
export const endOfKeys: KeyText = "\xff".repeat(maxKeyBytes + 1);
export const allKeys: KeyRange = { from: firstKey, to: endOfKeys };

export function textOf(bytes: Uint8Array | ArrayBuffer): KeyText {
  const codes: ArrayLike<number> = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  // `apply` takes whatever is like an array, and is three times as fast as spreading it.
  return String.fromCharCode.apply(null, codes as number[]);
}

export function bytesOf(text: KeyText): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  return bytes;
}

/** The very next key. */
export function successor(key: KeyText): KeyText {
  return `${key}\0`;
}

/** The first key behind all that begin with `prefix`. */
export function prefixEnd(prefix: KeyText): KeyText {
  let last = prefix.length - 1;
  while (last >= 0 && prefix.charCodeAt(last) === 0xff) last -= 1;
  return last < 0 ? endOfKeys : prefix.slice(0, last) + String.fromCharCode(prefix.charCodeAt(last) + 1);
}

export function rangeOf({ key, rangeEnd }: KeySpan): KeyRange {
  const from = textOf(key);
  if (rangeEnd === null) return { from, to: successor(from) };
  return { from, to: rangeEnd.length === 1 && rangeEnd[0] === 0 ? endOfKeys : textOf(rangeEnd) };
}

export function isWithin(key: KeyText, { from, to }: KeyRange): boolean {
  return from <= key && key < to;
}
