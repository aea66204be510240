/** The checksum of all keys and values at a revision. */

import type { History } from "./history.ts";
import { knownBytes, readItems } from "./items.ts";
import { AnswerBudget } from "./answer-budget.ts";
import type { KeyState } from "./key-state.ts";
import { allKeys } from "./key-text.ts";
import type { KeyView } from "./key-view.ts";

/** The polynomial of CRC-32 (IEEE 802.3), its bits reversed. */
const polynomial = 0xedb8_8320;
const table = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest & 1) === 0 ? rest >>> 1 : (rest >>> 1) ^ polynomial;
  return rest;
});

const encoder = new TextEncoder();
/** How much is read at a time. */
const maxChunkBytes = 1024 * 1024;

/** Follows from what readers at the revision can see, whatever of the history before it is forgotten already. */
export function hashOf(history: History, view: KeyView): number {
  let crc = 0xffff_ffff;
  for (const chunk of chunks(view.scan(allKeys))) {
    for (const item of readItems(history, chunk, true, new AnswerBudget(Number.POSITIVE_INFINITY))) {
      const { createRevision, modRevision, version, lease, contentType, metadata, value } = item;
      const facts = [createRevision, modRevision, version, lease, item.key.length, value?.length, contentType];
      for (const bytes of [encoder.encode(JSON.stringify([...facts, metadata])), item.key, value ?? item.key]) {
        crc = addBytes(crc, bytes);
      }
    }
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}

function addBytes(before: number, bytes: Uint8Array): number {
  let crc = before;
  for (const byte of bytes) crc = (crc >>> 8) ^ (table[(crc ^ byte) & 0xff] ?? 0);
  return crc;
}

function* chunks(states: Iterable<KeyState>): Generator<KeyState[]> {
  let [chunk, bytes]: [KeyState[], number] = [[], 0];
  for (const state of states) {
    chunk.push(state);
    bytes += knownBytes(state, true);
    if (bytes < maxChunkBytes) continue;
    yield chunk;
    [chunk, bytes] = [[], 0];
  }
  yield chunk;
}
