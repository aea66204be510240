/** Ways to spoil bytes that were right: flipped, cut, moved, said twice, and with other numbers where numbers stand. */

import * as fc from "fast-check";

/** Places are parts of a whole, from 0 to 65,535, so that a change fits bytes of any length. */
export type ByteChange =
  | { readonly kind: "set"; readonly at: number; readonly value: number }
  | { readonly kind: "flip"; readonly at: number; readonly bit: number }
  | { readonly kind: "cut"; readonly at: number }
  | { readonly kind: "drop"; readonly at: number; readonly length: number }
  | { readonly kind: "insert"; readonly at: number; readonly bytes: Uint8Array }
  /** A number of so many bytes. */
  | { readonly kind: "number"; readonly at: number; readonly width: 1 | 2 | 4 | 8; readonly value: bigint }
  | { readonly kind: "repeat"; readonly at: number; readonly length: number; readonly times: number }
  | { readonly kind: "splice"; readonly at: number; readonly from: number; readonly length: number }
  /** Two numbers of so many bytes take each other's places, as two lengths might. */
  | { readonly kind: "swap"; readonly at: number; readonly from: number; readonly width: 4 | 8 };

const wholeUnits = 65_536;
const at = fc.nat(wholeUnits - 1);
const length = fc.integer({ min: 1, max: 40 });

const oddNumbers = [0n, 1n, 2n, 0x7fn, 0xffn, 0x7fff_ffffn, 0xffff_ffffn, 2n ** 53n - 1n, 2n ** 53n, 2n ** 64n - 1n];
/** As floating point: not a number, infinity, 0.5, -1 and 2^53. */
const oddFloats = [0x7ff8n << 48n, 0x7ff0n << 48n, 0x3fe0n << 48n, 0xbff0n << 48n, 0x4340n << 48n];

export const byteChange: fc.Arbitrary<ByteChange> = fc.oneof(
  fc.record({ kind: fc.constant("set" as const), at, value: fc.nat(255) }),
  fc.record({ kind: fc.constant("flip" as const), at, bit: fc.nat(7) }),
  fc.record({ kind: fc.constant("cut" as const), at }),
  fc.record({ kind: fc.constant("drop" as const), at, length }),
  fc.record({ kind: fc.constant("insert" as const), at, bytes: fc.uint8Array({ minLength: 1, maxLength: 12 }) }),
  fc.record({
    kind: fc.constant("number" as const),
    at,
    width: fc.constantFrom(1 as const, 2 as const, 4 as const, 8 as const),
    value: fc.constantFrom(...oddNumbers, ...oddFloats),
  }),
  fc.record({ kind: fc.constant("repeat" as const), at, length, times: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ kind: fc.constant("splice" as const), at, from: at, length }),
  fc.record({ kind: fc.constant("swap" as const), at, from: at, width: fc.constantFrom(4 as const, 8 as const) }),
);

export function changeBytes(bytes: Uint8Array, changes: readonly ByteChange[]): Uint8Array<ArrayBuffer> {
  return changes.reduce(changeOnce, Uint8Array.from(bytes));
}

function changeOnce(bytes: Uint8Array<ArrayBuffer>, change: ByteChange): Uint8Array<ArrayBuffer> {
  const place = placeIn(bytes, change.at);
  switch (change.kind) {
    case "set":
      return bytes.length === 0 ? bytes : bytes.with(place, change.value);
    case "flip":
      return bytes.length === 0 ? bytes : bytes.with(place, (bytes[place] ?? 0) ^ (1 << change.bit));
    case "cut":
      return bytes.slice(0, place);
    case "drop":
      return joined(bytes.subarray(0, place), bytes.subarray(place + change.length));
    case "insert":
      return joined(bytes.subarray(0, place), change.bytes, bytes.subarray(place));
    case "number":
      return overwrite(bytes, place, numberBytes(change.value, change.width));
    case "repeat": {
      const piece = bytes.subarray(place, place + change.length);
      return joined(bytes.subarray(0, place), ...Array<Uint8Array>(change.times).fill(piece), bytes.subarray(place));
    }
    case "splice": {
      const from = placeIn(bytes, change.from);
      return overwrite(bytes, place, bytes.slice(from, from + change.length));
    }
    case "swap": {
      const from = placeIn(bytes, change.from);
      const [one, other] = [bytes.slice(place, place + change.width), bytes.slice(from, from + change.width)];
      return overwrite(overwrite(bytes, place, other), from, one);
    }
  }
}

function placeIn(bytes: Uint8Array, part: number): number {
  return Math.floor((part / wholeUnits) * bytes.length);
}

/** What would stand beyond the end is left out. */
function overwrite(bytes: Uint8Array, place: number, piece: Uint8Array): Uint8Array<ArrayBuffer> {
  const changed = Uint8Array.from(bytes);
  changed.set(piece.subarray(0, Math.max(0, changed.length - place)), place);
  return changed;
}

function numberBytes(value: bigint, width: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes.subarray(8 - width);
}

export function joined(...pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    whole.set(piece, offset);
    offset += piece.length;
  }
  return whole;
}
