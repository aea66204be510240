/** Cursors, and the base64 that they and binary values are written in. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodeBase64Url, encodeBase64, encodeBase64Url } from "../../src/bytes/base64.ts";
import { decodeCursor, encodeCursor } from "../../src/api/cursor.ts";

test("a cursor is a key's, in letters that need no encoding in an address", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 2048 }), (key) => {
      const cursor = encodeCursor(key);
      expect(decodeCursor(cursor)).toEqual(key);
      expect(encodeURIComponent(cursor)).toBe(cursor);
    }),
  );
});

test("no text makes decoding throw", () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), fc.stringMatching(/^[\w-]{0,9}$/)), (text) => {
      const key = decodeCursor(text);
      expect(key === undefined || (key.length >= 1 && key.length <= 2048)).toBe(true);
    }),
  );
});

test("base64 is that of RFC 4648, of values of any size", () => {
  expect(["", "f", "fo", "foo", "foob"].map((text) => encodeBase64(new TextEncoder().encode(text)))).toEqual([
    "",
    "Zg==",
    "Zm8=",
    "Zm9v",
    "Zm9vYg==",
  ]);
  expect(encodeBase64Url(Uint8Array.of(0xfb, 0xff))).toBe("-_8");
  const large = new Uint8Array(1024 * 1024 + 1).fill(0xab);
  expect(decodeBase64Url(encodeBase64Url(large))).toEqual(large);
});
