/** Sequences of byte strings come back as they were, however the bytes come. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError } from "../src/bytes/reader.ts";
import { decodeParts, encodePart, encodeParts, endOfParts, PartsReader } from "../src/parts.ts";

const parts = fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 12 });

describe("a body of parts", () => {
  test("comes back as it was", () => {
    fc.assert(
      fc.property(parts, (given) => {
        expect(decodeParts(encodeParts(given))).toEqual(given);
      }),
    );
  });

  test("with anything missing or added is none", () => {
    fc.assert(
      fc.property(parts, fc.nat(), (given, at) => {
        const body = encodeParts(given);
        expect(() => decodeParts(body.subarray(0, at % body.length))).toThrow(MalformedError);
        expect(() => decodeParts(Uint8Array.of(...body, 0))).toThrow(MalformedError);
      }),
    );
  });

  test("of more parts than it may have is refused", () => {
    const body = encodeParts([new Uint8Array(1), new Uint8Array(1)]);
    expect(decodeParts(body, 2)).toHaveLength(2);
    expect(() => decodeParts(body, 1)).toThrow("2 parts, of 1 at most");
  });
});

describe("a stream of parts", () => {
  /** Cuts at the given places, modulo what is left. */
  function cut(bytes: Uint8Array, sizes: readonly number[]): Uint8Array[] {
    const chunks: Uint8Array[] = [];
    let rest = bytes;
    for (const size of sizes) {
      const length = Math.min(size, rest.length);
      chunks.push(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
    return [...chunks, rest];
  }

  test("comes back as it was from whatever chunks, and each part as soon as it is complete", () => {
    fc.assert(
      fc.property(parts, fc.array(fc.nat(50)), fc.boolean(), (given, sizes, ends) => {
        const whole = Uint8Array.from(
          [...given.map(encodePart), ...(ends ? [endOfParts] : [])].flatMap((part) => [...part]),
        );
        const reader = new PartsReader(40);
        const read: Uint8Array[] = [];
        let taken = 0;
        for (const chunk of cut(whole, sizes)) {
          read.push(...reader.take(chunk));
          taken += chunk.length;
          let complete = 0;
          for (let end = 0; complete < given.length; complete += 1) {
            end += 4 + given[complete]!.length;
            if (end > taken) break;
          }
          expect(read).toHaveLength(complete);
        }
        expect(read).toEqual(given);
        expect(reader.ended).toBe(ends);
      }),
    );
  });

  test("has nothing behind its end", () => {
    const reader = new PartsReader(10);
    reader.take(endOfParts);
    expect(() => reader.take(Uint8Array.of(0))).toThrow(MalformedError);
    expect(() => new PartsReader(10).take(Uint8Array.of(...endOfParts, 0))).toThrow(MalformedError);
  });

  test("has no part that is too long", () => {
    expect(() => new PartsReader(10).take(encodePart(new Uint8Array(11)))).toThrow("a part of 11 bytes");
  });
});
