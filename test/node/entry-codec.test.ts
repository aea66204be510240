/** Entries as bytes: what is in a log must be readable for ever, and nothing else may pass for it. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteReader, MalformedError } from "../../src/bytes/reader.ts";
import { ByteWriter } from "../../src/bytes/writer.ts";
import { readEntries, writeEntries } from "../../src/node/entry-codec.ts";
import type { Entry } from "../../src/raft/entry.ts";
import { consecutiveEntries, damaged } from "./arbitraries.ts";
import { fromHex, toHex } from "./hex.ts";

function encode(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter();
  writeEntries(writer, entries);
  return writer.finish();
}

function decode(bytes: Uint8Array): Entry[] {
  const reader = new ByteReader(bytes);
  const entries = readEntries(reader);
  reader.end();
  return entries;
}

/** True if the bytes are entries, false if they are refused; any other end is the test's failure. */
function readable(bytes: Uint8Array): boolean {
  try {
    decode(bytes);
    return true;
  } catch (error) {
    if (error instanceof MalformedError) return false;
    throw error;
  }
}

describe("entries as bytes", () => {
  test("come back as they were", () => {
    fc.assert(
      fc.property(consecutiveEntries, (entries) => {
        expect(decode(encode(entries))).toEqual(entries);
      }),
      { numRuns: 500 },
    );
  });

  test("come back as they were at a size of 1 MiB and with the greatest numbers", () => {
    const most = Number.MAX_SAFE_INTEGER;
    const data = new Uint8Array(1024 * 1024).map((_, position) => position % 251);
    const entry: Entry = { index: most, term: most, kind: "command", timeMs: most, data };
    const [read, ...more] = decode(encode([entry]));
    expect(more).toEqual([]);
    expect({ ...read, data: null }).toEqual({ ...entry, data: null });
    expect(isDeepStrictEqual(read!.data, data)).toBe(true);
  });

  test("have the form that stored logs have", () => {
    const entries: Entry[] = [
      { index: 258, term: 3, kind: "noop", timeMs: 2 ** 40 + 5, data: new Uint8Array(0) },
      { index: 259, term: 4, kind: "command", timeMs: 2 ** 40 + 6, data: Uint8Array.of(0xab, 0xcd) },
      {
        index: 260,
        term: 4,
        kind: "configuration",
        timeMs: 2 ** 40 + 7,
        data: new Uint8Array(0),
        change: { changes: [{ type: "remove", id: "n1" }], transition: "implicit" },
      },
    ];
    expect(toHex(encode(entries))).toBe(
      [
        "0000000000000102", // the first index
        "00000003", // how many
        "00", // a no-op
        "0000000000000003",
        "0000010000000005",
        "00000000", // no data
        "01", // a command
        "0000000000000004",
        "0000010000000006",
        "00000002abcd",
        "02", // a change of the configuration
        "0000000000000004",
        "0000010000000007",
        "01000102000000026e31", // an implicit one, which removes n1
      ].join(""),
    );
  });

  test("give their data as views, without a copy", () => {
    const bytes = encode([{ index: 1, term: 1, kind: "command", timeMs: 1, data: Uint8Array.of(1, 2, 3) }]);
    expect(decode(bytes)[0]?.data.buffer).toBe(bytes.buffer);
  });

  test("are refused when anything is wrong with them, and in no other way", () => {
    const broken = consecutiveEntries.chain((entries) => damaged(encode(entries)));
    let refused = 0;
    fc.assert(
      fc.property(fc.oneof(broken, fc.uint8Array({ maxLength: 80 })), (bytes) => {
        if (!readable(bytes)) refused += 1;
      }),
      { numRuns: 3000 },
    );
    expect(refused).toBeGreaterThan(1000);
  });

  test.each([
    ["a count beyond what the bytes can hold", "0000000000000001 ffffffff 00"],
    ["the index 0", "0000000000000000 00000001 00 0000000000000001 0000000000000001 00000000"],
    ["an unknown kind", "0000000000000001 00000001 03 0000000000000001 0000000000000001 00000000"],
    ["a term of 2^53", "0000000000000001 00000001 00 0020000000000000 0000000000000001 00000000"],
    ["data beyond the end", "0000000000000001 00000001 01 0000000000000001 0000000000000001 00000001"],
  ])("are refused with %s", (_, hex) => {
    expect(() => decode(fromHex(hex))).toThrow(MalformedError);
  });

  test("are not written with numbers that would not come back", () => {
    const entry: Entry = { index: 1, term: 1, kind: "command", timeMs: 1, data: new Uint8Array(0) };
    for (const wrong of [2 ** 53, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => encode([{ ...entry, term: wrong }])).toThrow(RangeError);
      expect(() => encode([{ ...entry, timeMs: wrong }])).toThrow(RangeError);
      expect(() => encode([{ ...entry, index: wrong }])).toThrow(RangeError);
    }
  });
});
