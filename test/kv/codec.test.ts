/** The records of the store: whole round trips, and bytes that are no record. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeAnswer, encodeAnswer } from "../../src/kv/answer.ts";
import type { Item, QueryAnswer } from "../../src/kv/answer.ts";
import { decodeCommand, encodeCommand } from "../../src/kv/command.ts";
import type { Command } from "../../src/kv/command.ts";
import { maxKeyBytes, maxValueBytes } from "../../src/kv/limits.ts";
import { decodeQuery, encodeQuery } from "../../src/kv/query.ts";
import type { Query } from "../../src/kv/query.ts";
import { decodeResult, encodeResult } from "../../src/kv/result.ts";
import type { CommandResult } from "../../src/kv/result.ts";
import { command, key, listQuery } from "./arbitraries.ts";
import { bytes, put, remove, TestStore } from "./store.ts";

const whole = fc.maxSafeNat();
const revisions = { createRevision: whole, modRevision: whole, version: whole };
const status = <Text extends string>(text: Text): fc.Arbitrary<Text> => fc.constant(text);

const result: fc.Arbitrary<CommandResult> = fc.oneof(
  fc.record({ status: status("put"), created: fc.boolean(), ...revisions }),
  fc.record({ status: status("deleted"), revision: whole, ...revisions }),
  fc.record({
    status: status("precondition_failed"),
    modRevision: fc.option(fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }), { nil: null }),
  }),
  fc.record({ status: fc.constantFrom("not_found", "idempotency_key_reused", "malformed") }),
);

const query: fc.Arbitrary<Query> = fc.oneof(
  fc.record({ kind: fc.constant("get" as const), key, withValue: fc.boolean() }),
  listQuery,
);

const item: fc.Arbitrary<Item> = fc
  .record({ key, ...revisions, contentType: fc.string(), value: fc.uint8Array(), valueBytes: whole })
  .chain((full) =>
    fc.constantFrom(
      { ...full, valueBytes: full.value.length },
      { ...full, valueBytes: full.valueBytes % 2 ** 32, value: null },
    ),
  );

const answer: fc.Arbitrary<QueryAnswer> = fc.oneof(
  fc.record({ status: status("found"), revision: whole, item }),
  fc.record({ status: status("not_found"), revision: whole }),
  fc.record({ status: status("page"), revision: whole, more: fc.boolean(), items: fc.array(item) }),
  fc.record({ status: status("malformed") }),
);

/** A record embedded in a longer buffer, as those of a log's batch are. */
function embedded(record: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(record.length + 7).fill(0xee);
  buffer.set(record, 3);
  return buffer.subarray(3, 3 + record.length);
}

function roundTrips<Value>(
  name: string,
  values: fc.Arbitrary<Value>,
  encode: (value: Value) => Uint8Array,
  decode: (record: Uint8Array) => Value | undefined,
): void {
  test(`${name} round-trip`, () => {
    fc.assert(
      fc.property(values, fc.nat(), (value, cut) => {
        const encoded = encode(value);
        expect(decode(embedded(encoded))).toEqual(value);
        // Neither a part nor more than the record is one.
        expect(decode(encoded.subarray(0, cut % encoded.length))).toBeUndefined();
        expect(decode(Uint8Array.of(...encoded, 0))).toBeUndefined();
        // A neighbour of another version is not guessed at.
        expect(decode(Uint8Array.of(encoded[0]! + 1, ...encoded.subarray(1)))).toBeUndefined();
      }),
    );
  });
}

roundTrips("commands", command, encodeCommand, decodeCommand);
roundTrips("results", result, encodeResult, decodeResult);
roundTrips("queries", query, encodeQuery, decodeQuery);
roundTrips("answers", answer, encodeAnswer, decodeAnswer);

describe("bytes that are no record", () => {
  /** Arbitrary bytes hardly ever get past the first field: damaged records do. */
  const damaged = <Value>(
    values: fc.Arbitrary<Value>,
    encode: (value: Value) => Uint8Array,
  ): fc.Arbitrary<Uint8Array> =>
    fc.tuple(values, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
      const encoded = encode(value);
      encoded[at % encoded.length] = byte;
      return encoded;
    });

  test("change nothing and throw nothing as commands", () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged(command, encodeCommand)), (input) => {
        const store = new TestStore();
        const before = store.content();
        const [outcome] = store.applyBytes([input]);
        const malformed = decodeCommand(input) === undefined;
        expect(outcome!.status === "malformed").toBe(malformed);
        expect(!malformed || isDeepStrictEqual(store.content(), before)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  test("are malformed queries, never a throw or a write", () => {
    const store = new TestStore();
    store.apply([put("a", "1"), put("b", "2"), remove("a")]);
    const before = store.content();
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array(), damaged(query, encodeQuery)), (input) => {
        const outcome = decodeAnswer(store.machine.query(input));
        expect(outcome!.status === "malformed").toBe(decodeQuery(input) === undefined);
      }),
      { numRuns: 500 },
    );
    expect(store.content()).toEqual(before);
  });
});

describe("the limits of commands", () => {
  const accepted = (input: Command): boolean => decodeCommand(encodeCommand(input)) !== undefined;
  const idempotency = (text: string): Command =>
    put("a", "", { idempotency: { key: text, fingerprint: new Uint8Array(32) } });

  test.each<[string, (size: number) => Command, number, number]>([
    ["key", (size) => put("x".repeat(size), ""), 1, maxKeyBytes],
    ["deleted key", (size) => remove("x".repeat(size)), 1, maxKeyBytes],
    ["value", (size) => put("a", "", { value: new Uint8Array(size) }), 0, maxValueBytes],
    ["content type", (size) => put("a", "", { contentType: "x".repeat(size) }), 0, 256],
    ["idempotency key", (size) => idempotency("x".repeat(size)), 1, 256],
  ])("a %s is taken up to its limit and not beyond", (_, make, least, most) => {
    expect([least, most, most + 1].map((size) => accepted(make(size)))).toEqual([true, true, false]);
    expect(accepted(make(0))).toBe(least === 0);
  });

  test.each(["tab\t", "line\n", "nul\0", "ümlaut", "\x7f"])(
    "texts that no header can carry are refused: %j",
    (text) => {
      expect(accepted(put("a", "", { contentType: text }))).toBe(false);
      expect(accepted(idempotency(text))).toBe(false);
    },
  );

  test("keys and values are any bytes", () => {
    expect(accepted(put("", "", { key: Uint8Array.of(0, 0xff), value: Uint8Array.of(0xff, 0) }))).toBe(true);
    expect(accepted(put("a", "", { value: bytes("\0") }))).toBe(true);
  });
});
