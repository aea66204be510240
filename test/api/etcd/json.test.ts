/** JSON that keeps its digits, and documents cut from a stream of bytes. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DocumentReader, parseJson } from "../../../src/api/etcd/json.ts";

describe("a whole number beyond 2^53", () => {
  test.each([
    ["2324035515505337393", 2324035515505337393n],
    ["-9223372036854775808", -9223372036854775808n],
    ["9007199254740993", 9007199254740993n],
    ["9007199254740991", Number.MAX_SAFE_INTEGER],
    ["1e300", 1e300],
    ["12345678901234567.5", Number("12345678901234567.5")],
    ["-0", -0],
  ])("%s is kept", (text, value) => {
    expect(parseJson(`{"a":[${text}],"b":"${text}"}`)).toEqual({ a: [value], b: text });
  });

  test("or any other value is what it is in JSON", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const plain: unknown = JSON.parse(text, (_, inner: unknown) => (typeof inner === "number" ? "number" : inner));
        const read = parseJson(`[${text},1234567890123456]`) as unknown[];
        const isNumeric = (inner: unknown): boolean => typeof inner === "number" || typeof inner === "bigint";
        const bare = (inner: unknown): unknown => {
          if (isNumeric(inner)) return "number";
          if (Array.isArray(inner)) return inner.map(bare);
          if (typeof inner !== "object" || inner === null) return inner;
          return Object.fromEntries(Object.entries(inner).map(([key, member]) => [key, bare(member)]));
        };
        expect(bare(read[0])).toEqual(plain);
      }),
    );
  });
});

test.each([
  "",
  "{bad",
  "[1",
  '{"a":1}x',
  '{"a":1}{"b":2}',
  "\u0000",
  "nul",
  "01",
  `${"[".repeat(200_000)}1234567890123456`,
])("%j is no JSON", (text) => {
  expect(() => parseJson(text)).toThrow("invalid JSON");
});

describe("a stream of documents", () => {
  const cut = (text: string, size: number): Uint8Array[] => {
    const bytes = new TextEncoder().encode(text);
    return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
      bytes.subarray(at * size, (at + 1) * size),
    );
  };
  const readAll = (text: string, size: number): string[] => {
    const reader = new DocumentReader(1000);
    const documents = cut(text, size).flatMap((chunk) => reader.take(chunk));
    reader.end();
    return documents;
  };

  test("gives each back as it was, however the bytes come", () => {
    const separator = fc.constantFrom("", "\n", " \r\n\t");
    fc.assert(
      fc.property(
        fc.array(fc.dictionary(fc.string(), fc.jsonValue())),
        separator,
        fc.nat(40),
        (values, blank, size) => {
          const documents = values.map((value) => JSON.stringify(value));
          fc.pre(documents.every((document) => document.length < 300));
          expect(readAll(blank + documents.join(blank) + blank, size + 1)).toEqual(documents);
        },
      ),
    );
  });

  test("is not led astray by what stands in texts", () => {
    const documents = ['{"a":"}{\\"}"}', '{"\\\\":"[","é":["]"]}'];
    expect(readAll(documents.join(""), 1)).toEqual(documents);
  });

  test.each(["[]", "1", '"a"', "{}x", "}", "null"])("refuses %s", (text) => {
    expect(() => readAll(text, 100)).toThrow("invalid JSON");
  });

  test.each(["{", '{"a":"', '{}{"a":{}'])("that breaks off at %s is told so", (text) => {
    expect(() => readAll(text, 2)).toThrow("unexpected end");
  });

  test("holds no more than the limit, whatever is still to come", () => {
    const reader = new DocumentReader(10);
    expect(reader.take(new TextEncoder().encode('{"a":"12"}{"a":"12"}'))).toHaveLength(2);
    reader.take(new TextEncoder().encode('{"a":"1'));
    expect(() => reader.take(new TextEncoder().encode("2345"))).toThrow("too large");
  });
});
