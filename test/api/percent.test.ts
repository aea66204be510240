/** Percent-decoding of arbitrary bytes. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { decodePercent } from "../../src/api/percent.ts";

test("is the inverse of the language's own encoding", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const wellFormed = text.toWellFormed();
      const bytes = new TextEncoder().encode(wellFormed);
      expect(decodePercent(encodeURIComponent(wellFormed))).toEqual(bytes);
      expect(decodePercent(wellFormed.replaceAll("%", "%25"))).toEqual(bytes);
    }),
  );
});

test("takes any byte, in either case", () => {
  const all = Uint8Array.from({ length: 256 }, (_, byte) => byte);
  const encoded = Array.from(all, (byte) => `%${byte.toString(16).padStart(2, "0")}`).join("");
  expect(decodePercent(encoded)).toEqual(all);
  expect(decodePercent(encoded.toUpperCase())).toEqual(all);
});

test.each(["%", "%a", "a%", "%%", "%2", "%g0", "%0g", "%0@", "%0`", "%:0", "%/0", "% 0", "%é0"])(
  "refuses %j",
  (text) => {
    expect(decodePercent(text)).toBeUndefined();
  },
);
