/** Messages as etcd's gateway takes and gives them. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseJson } from "../../../src/api/etcd/json.ts";
import { readMessage } from "../../../src/api/etcd/message-reader.ts";
import { writeMessage } from "../../../src/api/etcd/message-writer.ts";
import { enumeration, message, repeated } from "../../../src/api/etcd/schema.ts";
import { StatusError } from "../../../src/api/etcd/status.ts";

const inner = message("Inner", { name: "string" });
const sample = message(
  "Sample",
  {
    key: "bytes",
    range_end: "bytes",
    lease: "int64",
    ID: "uint64",
    hash: "uint32",
    more: "bool",
    name: "string",
    order: enumeration("Order", ["NONE", "ASCEND"]),
    kv: inner,
    kvs: repeated(inner),
    leases: repeated("int64"),
    left: "int64",
    right: "int64",
  },
  ["left", "right"],
);

const read = (json: string): Record<string, unknown> => readMessage(sample, parseJson(json));

/** The fields that were read; also for what is refused as it should be. */
const outcome = (json: string): string[] => {
  try {
    return Object.keys(read(json));
  } catch (error) {
    if (error instanceof StatusError) return Object.keys(nothing);
    throw error;
  }
};

const nothing = {
  key: new Uint8Array(0),
  range_end: new Uint8Array(0),
  lease: 0n,
  ID: 0n,
  hash: 0,
  more: false,
  name: "",
  order: "NONE",
  kv: null,
  kvs: [],
  leases: [],
  left: 0n,
  right: 0n,
};

describe("reading", () => {
  test.each(["{}", "null", '{"unknown":[{"key":"@"}],"__proto__":1,"Key":"YQ==","id":1,"constructor":2}'])(
    "%s leaves all fields at their defaults",
    (json) => {
      expect(read(json)).toEqual(nothing);
    },
  );

  test("takes null for every default", () => {
    const nulls = Object.fromEntries(Object.keys(nothing).map((field) => [field, null]));
    expect(read(JSON.stringify(nulls))).toEqual(nothing);
  });

  test.each([
    ['{"range_end":"YQ=="}', { range_end: Uint8Array.of(97) }],
    ['{"rangeEnd":"YQ=="}', { range_end: Uint8Array.of(97) }],
    ['{"key":"+/+/"}', { key: Uint8Array.of(0xfb, 0xff, 0xbf) }],
    ['{"key":"-_-_"}', { key: Uint8Array.of(0xfb, 0xff, 0xbf) }],
    ['{"key":"YQ"}', { key: Uint8Array.of(97) }],
    ['{"lease":2324035515505337393}', { lease: 2324035515505337393n }],
    ['{"lease":"-9223372036854775808"}', { lease: -(2n ** 63n) }],
    ['{"lease":1.0e3}', { lease: 1000n }],
    ['{"ID":"18446744073709551615"}', { ID: 2n ** 64n - 1n }],
    ['{"hash":4294967295}', { hash: 4294967295 }],
    ['{"order":"ASCEND"}', { order: "ASCEND" }],
    ['{"order":1}', { order: "ASCEND" }],
    ['{"kv":{}}', { kv: { name: "" } }],
    ['{"kvs":[{},{"name":"a"}]}', { kvs: [{ name: "" }, { name: "a" }] }],
    ['{"leases":["1",2]}', { leases: [1n, 2n] }],
    ['{"left":1,"right":2}', { right: 2n }],
    ['{"right":2,"left":1}', { left: 1n }],
    ['{"right":2,"left":null}', { right: 2n }],
  ])("%s", (json, expected) => {
    expect(read(json)).toEqual({ ...nothing, ...expected });
  });

  test.each([
    "[]",
    "1",
    '"a"',
    "true",
    '{"key":"@@@"}',
    '{"key":"YQ="}',
    '{"key":"Y"}',
    '{"key":"YQ==YQ=="}',
    '{"key":1}',
    '{"key":"Y Q="}',
    '{"lease":1.5}',
    '{"lease":"1.5"}',
    '{"lease":""}',
    '{"lease":"1e3"}',
    '{"lease":true}',
    '{"lease":" 1"}',
    '{"lease":9223372036854775808}',
    '{"lease":1e30}',
    '{"ID":-1}',
    '{"ID":"18446744073709551616"}',
    '{"lease":"99999999999999999999999999999999"}',
    '{"hash":4294967296}',
    '{"hash":-1}',
    '{"more":"true"}',
    '{"more":1}',
    '{"name":1}',
    '{"order":"UP"}',
    '{"order":2}',
    '{"order":-1}',
    '{"order":0.5}',
    '{"order":"toString"}',
    '{"order":"0"}',
    '{"kv":[]}',
    '{"kv":"a"}',
    '{"kvs":{}}',
    '{"kvs":[1]}',
    '{"leases":"1"}',
    '{"leases":[null]}',
  ])("refuses %s", (json) => {
    expect(() => read(json)).toThrow(StatusError);
  });

  test("refuses whatever is not of its type, and throws nothing else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(nothing)), fc.jsonValue(), (field, value) => {
        expect(outcome(JSON.stringify({ [field]: value }))).toEqual(Object.keys(nothing));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("writing", () => {
  test("leaves defaults out, and sends 64-bit numbers as strings", () => {
    expect(writeMessage(sample, { ...nothing, kv: undefined } as never)).toBe("{}");
    expect(
      writeMessage(sample, {
        key: Uint8Array.of(0xfb, 0xff, 0xbf),
        lease: "-1",
        ID: 2n ** 64n - 1n,
        hash: 7,
        more: true,
        order: "ASCEND",
        kv: {},
        kvs: [{ name: "" }, { name: "a" }],
        leases: [0, 1],
        left: 12,
      }),
    ).toBe(
      '{"key":"+/+/","lease":"-1","ID":"18446744073709551615","hash":7,"more":true,"order":"ASCEND",' +
        '"kv":{},"kvs":[{},{"name":"a"}],"leases":["0","1"],"left":"12"}',
    );
  });

  test("gives back what can be read to the same", () => {
    const values = fc.record(
      {
        key: fc.uint8Array(),
        lease: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        ID: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        hash: fc.nat(),
        more: fc.boolean(),
        name: fc.string({ unit: "binary" }),
        order: fc.constantFrom("NONE" as const, "ASCEND" as const),
        kv: fc.record({ name: fc.string() }),
        kvs: fc.array(fc.record({ name: fc.string() })),
        leases: fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(values, (value) => {
        expect(read(writeMessage(sample, value))).toEqual({ ...nothing, ...value });
      }),
    );
  });
});
