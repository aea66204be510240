/** The records of the store: whole round trips, their limits, and bytes that are no record. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ByteWriter } from "../../src/bytes/writer.ts";
import { decodeAnswer, encodeAnswer } from "../../src/kv/answer-codec.ts";
import { decodeCommand, encodeCommand } from "../../src/kv/command-codec.ts";
import { maxGetKeys, maxKeyBytes, maxPageItems, maxTtlMs, maxTxnDepth, maxValueBytes } from "../../src/kv/limits.ts";
import type { CommandBody, Operation, PutOperation, Query, TxnOperation } from "../../src/kv/model.ts";
import { maxReadOperations } from "../../src/kv/operation-codec.ts";
import { decodeQuery, encodeQuery } from "../../src/kv/query-codec.ts";
import { decodeResult, encodeResult } from "../../src/kv/result-codec.ts";
import {
  decodeWatchMessage,
  decodeWatchRequest,
  encodeWatchMessage,
  encodeWatchRequest,
} from "../../src/kv/watch-codec.ts";
import { answer, command, query, result, watchMessage, watchRequest } from "./record-arbitraries.ts";

interface Codec<Value> {
  readonly values: fc.Arbitrary<Value>;
  readonly encode: (value: Value) => Uint8Array;
  readonly decode: (record: Uint8Array) => Value | undefined;
}

/** A record embedded in a longer buffer, as those of a log's batch are. */
function embedded(record: Uint8Array): Uint8Array {
  const buffer = new Uint8Array(record.length + 7).fill(0xee);
  buffer.set(record, 3);
  return buffer.subarray(3, 3 + record.length);
}

function describeCodec<Value>(name: string, { values, encode, decode }: Codec<Value>): void {
  describe(`${name} as bytes`, () => {
    test("round-trip", () => {
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
        { numRuns: 300 },
      );
    });

    test("of damaged bytes are undefined, or what those bytes say, and never a throw", () => {
      // Arbitrary bytes hardly ever get past the first field: damaged records do.
      const damaged = fc.tuple(values, fc.nat(), fc.nat(255)).map(([value, at, byte]) => {
        const encoded = encode(value);
        encoded[at % encoded.length] = byte;
        return encoded;
      });
      const prefixed = fc.uint8Array().map((bytes) => Uint8Array.of(2, ...bytes));
      fc.assert(
        fc.property(fc.oneof(fc.uint8Array(), prefixed, damaged), (input) => {
          const decoded = decode(input);
          expect(decoded === undefined ? undefined : decode(encode(decoded))).toEqual(decoded);
        }),
        { numRuns: 1000 },
      );
    });
  });
}

describeCodec("commands", { values: command, encode: encodeCommand, decode: decodeCommand });
describeCodec("results", { values: result, encode: encodeResult, decode: decodeResult });
describeCodec("queries", { values: query, encode: encodeQuery, decode: decodeQuery });
describeCodec("answers", { values: answer, encode: encodeAnswer, decode: decodeAnswer });
describeCodec("watch requests", { values: watchRequest, encode: encodeWatchRequest, decode: decodeWatchRequest });
describeCodec("watch messages", { values: watchMessage, encode: encodeWatchMessage, decode: decodeWatchMessage });

const filled = (length: number): Uint8Array => new Uint8Array(length).fill(0x78);

function put(more: Partial<PutOperation> = {}): PutOperation {
  return {
    kind: "put",
    key: filled(1),
    value: filled(1),
    contentType: "",
    metadata: "",
    lease: "0",
    ttlMs: 0,
    previous: "none",
    ignoreValue: false,
    ignoreLease: false,
    ...more,
  };
}

function txn(...success: readonly Operation[]): TxnOperation {
  return { kind: "txn", compares: [], success, failure: [] };
}

const accepts = (body: CommandBody): boolean => decodeCommand(encodeCommand({ body, idempotency: null })) !== undefined;
const acceptsQuery = (asked: Query): boolean => decodeQuery(encodeQuery(asked)) !== undefined;

describe("the limits of commands", () => {
  const session = (key: string, name: string): boolean => {
    const idempotency = { key, fingerprint: filled(32), session: name };
    return decodeCommand(encodeCommand({ body: { kind: "timer" }, idempotency })) !== undefined;
  };
  const span = { key: filled(1), rangeEnd: null };

  test.each<[string, (size: number) => boolean, number, number]>([
    ["key", (size) => accepts(txn(put({ key: filled(size) }))), 1, maxKeyBytes],
    ["incremented key", (size) => accepts(txn({ kind: "increment", key: filled(size), delta: "1" })), 1, maxKeyBytes],
    [
      "first key of a span",
      (size) => accepts(txn({ ...span, kind: "delete", previous: "none", key: filled(size) })),
      0,
      maxKeyBytes,
    ],
    [
      "end of a span",
      (size) => accepts(txn({ ...span, kind: "delete", previous: "none", rangeEnd: filled(size) })),
      0,
      maxKeyBytes + 1,
    ],
    ["value", (size) => accepts(txn(put({ value: filled(size) }))), 0, maxValueBytes],
    [
      "compared value",
      (size) => accepts({ ...txn(), compares: [{ ...span, result: "equal", target: "value", operand: filled(size) }] }),
      0,
      maxValueBytes,
    ],
    ["content type", (size) => accepts(txn(put({ contentType: "x".repeat(size) }))), 0, 256],
    ["metadata", (size) => accepts(txn(put({ metadata: "x".repeat(size) }))), 0, 1024],
    ["metadata of two bytes a character", (size) => accepts(txn(put({ metadata: "ü".repeat(size) }))), 0, 512],
    ["idempotency key", (size) => session("x".repeat(size), ""), 1, 256],
    ["session", (size) => session("x", "x".repeat(size)), 0, 256],
    ["time to live", (size) => accepts({ kind: "leaseGrant", id: "1", ttlMs: size }), 1, maxTtlMs],
    ["time to live of a session", (size) => accepts({ kind: "sessionOpen", ttlMs: size }), 1, 604_800_000],
    ["list's limit", (size) => acceptsQuery(list(size)), 1, maxPageItems],
    [
      "number of keys read at once",
      (size) =>
        acceptsQuery({ kind: "getMany", withValues: true, keys: Array.from({ length: size }, () => filled(1)) }),
      0,
      maxGetKeys,
    ],
    ["depth of transactions", (size) => accepts(nested(size)), 1, maxTxnDepth],
    ["depth of transactions in one operation", (size) => accepts(txn(nested(size))), 1, maxTxnDepth - 1],
    [
      "number of operations",
      (size) => accepts(txn(...Array.from({ length: size }, () => put()))),
      0,
      maxReadOperations,
    ],
  ])("a %s is taken up to its limit and not beyond", (_, accepted, least, most) => {
    expect([least, most, most + 1].map(accepted)).toEqual([true, true, false]);
    expect(accepted(Math.max(0, least - 1))).toBe(least === 0);
  });

  test.each(["tab\t", "line\n", "nul\0", "ümlaut", "\x7f"])(
    "texts that no header can carry are refused: %j",
    (text) => {
      expect(accepts(txn(put({ contentType: text })))).toBe(false);
      expect(session(text, "")).toBe(false);
      expect(session("x", text)).toBe(false);
    },
  );

  test("operations count wherever they are", () => {
    const half = Array.from({ length: maxReadOperations / 2 }, () => put());
    expect(accepts({ ...txn(...half), failure: half })).toBe(true);
    expect(accepts({ ...txn(...half), failure: [...half, put()] })).toBe(false);
    expect(accepts(txn(...half, txn(...half)))).toBe(false);
  });

  test("a put names one lease at most, and no content where it keeps the old", () => {
    expect(accepts(txn(put({ lease: "7", ttlMs: 1 })))).toBe(false);
    expect(accepts(txn(put({ lease: "7", ignoreLease: true })))).toBe(false);
    expect(accepts(txn(put({ ttlMs: 1, ignoreLease: true })))).toBe(false);
    expect(accepts(txn(put({ ignoreValue: true })))).toBe(false);
    const empty = { value: filled(0), ignoreValue: true };
    expect(accepts(txn(put({ ...empty, contentType: "text/plain" })))).toBe(false);
    expect(accepts(txn(put({ ...empty, metadata: "{}" })))).toBe(false);
    expect(accepts(txn(put({ ...empty, ignoreLease: true })))).toBe(true);
  });
});

/** A transaction within others, `depth` of them in all. */
function nested(depth: number): TxnOperation {
  const made: TxnOperation = { ...txn(), success: depth > 1 ? [nested(depth - 1), put()] : [] };
  return depth < 1 ? { ...made, success: [nested(maxTxnDepth)] } : made;
}

function list(limit: number): Query {
  const bounds = { prefix: filled(0), start: null, end: null, after: null, delimiter: filled(0) };
  return { kind: "list", ...bounds, reverse: false, limit, keysOnly: false, revision: 0 };
}

test("a put costs twelve bytes beside its key and value", () => {
  const encoded = encodeCommand({ body: txn(put({ key: filled(16), value: filled(100) })), idempotency: null });
  expect(encoded.length).toBe(12 + 16 + 100);
});

test("what no record can say is not written", () => {
  expect(() => encodeCommand({ body: { kind: "leaseRevoke", id: "9223372036854775808" }, idempotency: null })).toThrow(
    RangeError,
  );
  expect(() => encodeCommand({ body: { kind: "compact", revision: 0.5 }, idempotency: null })).toThrow(RangeError);
});

test("a list that claims to be long is not made room for", () => {
  const claim = new ByteWriter().u8(2).u8(5).u32(0xffff_ffff).raw(filled(64)).finish();
  expect(decodeCommand(claim)).toBeUndefined();
});
