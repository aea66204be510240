/** The checksum of pages: what it tells apart. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { addChecksum, addPage, emptyChecksum } from "../../src/node/checksum.ts";

const page = fc.uint8Array({ minLength: 1, maxLength: 40 });

test("differs when any one bit does", () => {
  fc.assert(
    fc.property(page, fc.nat(), fc.nat({ max: 7 }), (bytes, at, bit) => {
      const spoilt = bytes.slice();
      spoilt[at % bytes.length]! ^= 1 << bit;
      expect(addChecksum(emptyChecksum, spoilt)).not.toBe(addChecksum(emptyChecksum, bytes));
    }),
  );
});

test("is a number of 32 bits, the same for the same bytes wherever they lie", () => {
  fc.assert(
    fc.property(page, fc.nat({ max: 7 }), (bytes, offset) => {
      const moved = new Uint8Array(offset + bytes.length);
      moved.set(bytes, offset);
      const checksum = addChecksum(emptyChecksum, bytes);
      expect(addChecksum(emptyChecksum, moved.subarray(offset))).toBe(checksum);
      expect(Number.isInteger(checksum) && checksum >= 0 && checksum < 2 ** 32).toBe(true);
    }),
  );
});

test("tells the order of pages and where one ends", () => {
  const [one, other] = [new Uint8Array([1, 2, 3, 4]), new Uint8Array([5, 6, 7, 8])];
  const of = (...pages: readonly Uint8Array[]): number => pages.reduce(addChecksum, emptyChecksum);
  expect(new Set([of(one, other), of(other, one), of(one), of(other), of(new Uint8Array(0)), of()]).size).toBe(6);
  expect(of(one, other)).not.toBe(of(new Uint8Array([...one, ...other])));
});

test("an end is another page than one that is followed by more", () => {
  const bytes = new Uint8Array([1, 2, 3]);
  const [last, next] = [addPage(emptyChecksum, { bytes, done: true }), addPage(emptyChecksum, { bytes, done: false })];
  expect(last).not.toBe(next);
  expect(next).toBe(addChecksum(emptyChecksum, bytes));
});
