/** The checksum of a snapshot's pages, which each page carries for itself and all before it. */

import type { Page } from "./snapshot-store.ts";

/** Of no bytes at all. */
export const emptyChecksum = 0x811c_9dc5;

/**
 * Goes on from the checksum of what came before: 32 bits, in the manner of Fowler, Noll and Vo, but four bytes at a time.
 * It finds pages that were mixed up, left out or read wrongly, not attackers.
 */
export function addChecksum(before: number, bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const whole = bytes.length - (bytes.length % 4);
  let hash = add(before, bytes.length);
  for (let at = 0; at < whole; at += 4) hash = add(hash, view.getInt32(at));
  for (let at = whole; at < bytes.length; at += 1) hash = add(hash, view.getUint8(at));
  return hash >>> 0;
}

/** Goes on with a page. That it is the last one counts, too: without the mark an incomplete state would pass for a whole one. */
export function addPage(before: number, { bytes, done }: Page): number {
  const sum = addChecksum(before, bytes);
  return done ? addChecksum(sum, lastMark) : sum;
}

const lastMark = new Uint8Array([1]);

function add(hash: number, word: number): number {
  const product = Math.imul(hash ^ word, 0x0100_0193);
  // A product carries upwards alone: without this the first bits of a word would not reach the last of the hash.
  return product ^ (product >>> 15);
}
