/** Ways to spoil JSON that was right: other types, numbers beyond all bounds, deep nesting, repeated and unknown fields. */

import * as fc from "fast-check";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Which value is meant is said by its number among all values in the document, modulo how many there are. */
export type JsonChange =
  | { readonly kind: "replace"; readonly at: number; readonly value: unknown }
  | { readonly kind: "remove"; readonly at: number }
  | { readonly kind: "rename"; readonly at: number; readonly name: string }
  | { readonly kind: "add"; readonly at: number; readonly name: string; readonly value: unknown }
  | { readonly kind: "repeat"; readonly at: number; readonly times: number }
  | { readonly kind: "nest"; readonly at: number; readonly depth: number; readonly inList: boolean }
  | { readonly kind: "copy"; readonly at: number; readonly from: number };

const oddTexts = ["", " ", "\u0000", "\ud800", "\ufeff", "ä😀", "\u202e", "a/../b", "%00", "@@", "AA==", "-1", "1e3"];
const bigNumbers = ["9223372036854775807", "9223372036854775808", "18446744073709551616", "007"];
const oddNumbers = [0, -0, 1, -1, 0.5, 2 ** 31, 2 ** 53, 2 ** 53 + 2, -(2 ** 63), 1e300];

/** Stands for a number that `JSON.stringify` does not write. */
const rawMark = "\u0001raw:";
const rawNumbers = ["1e999", "-1e999", "9".repeat(400), "1.0000000000000000000000000001", "-0.0"].map(
  (text) => rawMark + text,
);

export const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(...oddTexts, ...bigNumbers, ...oddNumbers, ...rawNumbers, null, true, false, [], {}, [[]]),
  fc.constantFrom("k".repeat(2048), "k".repeat(2049), "v".repeat(70_000)),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.jsonValue({ maxDepth: 2 }),
);

const at = fc.nat(500);
const name = fc.constantFrom(
  ...`key value put get txn then lease ttl limit revision id __proto__ constructor toString encoding key_encoding range_end
    compare success request_put prev_kv unknown`.split(/\s+/),
  "",
);

export const jsonChange: fc.Arbitrary<JsonChange> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("replace" as const), at, value: oddValue }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("remove" as const), at }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("rename" as const), at, name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("add" as const), at, name, value: oddValue }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("repeat" as const), at, times: fc.constantFrom(2, 3, 127, 128, 129) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("nest" as const),
      at,
      depth: fc.constantFrom(1, 7, 8, 9, 100),
      inList: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("copy" as const), at, from: at }) },
);

/** The text of a document after these changes. */
export function changeJson(document: unknown, changes: readonly JsonChange[]): string {
  const changed = changes.reduce<Json>((before, change) => changeOnce(before, change), document as Json);
  return (JSON.stringify(changed) ?? "").replaceAll(/"\\u0001raw:([^"]*)"/g, "$1");
}

function changeOnce(document: Json, change: JsonChange): Json {
  const places = placesIn(document);
  const path = places[change.at % places.length] ?? [];
  switch (change.kind) {
    case "replace":
      return withValue(document, path, () => change.value as Json);
    case "remove":
      return withValue(document, path, () => undefined);
    case "rename":
      return renamed(document, path, change.name);
    case "add":
      return withValue(document, path, (value) =>
        Array.isArray(value) || !isObject(value)
          ? [value, change.value as Json].flat()
          : // A computed name, so that `__proto__` is a field like any other.
            Object.fromEntries([...Object.entries(value), [change.name, change.value as Json]]),
      );
    case "repeat":
      return withValue(document, path, (value) =>
        Array.isArray(value) && value.length > 0
          ? Array.from({ length: change.times }, (_, place) => value[place % value.length] as Json)
          : Array<Json>(change.times).fill(value),
      );
    case "nest":
      return withValue(document, path, (value) => nested(value, path, change.depth, change.inList));
    case "copy": {
      const from = places[change.from % places.length] ?? [];
      // A copy of what contains the place would double the document with each change.
      const copied = JSON.stringify(valueAt(document, from) ?? null);
      return copied.length > 20_000 ? document : withValue(document, path, () => JSON.parse(copied) as Json);
    }
  }
}

/** Within lists, or within objects whose one field is named as the field that holds it is: transactions nest like that. */
function nested(value: Json, path: readonly string[], depth: number, inList: boolean): Json {
  let inner = value;
  for (let left = depth; left > 0; left -= 1) inner = inList ? [inner] : { [path.at(-1) ?? "txn"]: inner };
  return inner;
}

function placesIn(value: Json, path: readonly string[] = []): (readonly string[])[] {
  if (path.length > 30) return [path];
  return [path, ...entriesOf(value).flatMap(([key, one]) => placesIn(one, [...path, key]))];
}

function entriesOf(value: Json): [string, Json][] {
  return typeof value === "object" && value !== null ? Object.entries(value) : [];
}

function isObject(value: Json): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function valueAt(value: Json, path: readonly string[]): Json | undefined {
  return path.reduce<Json | undefined>(
    (inner, key) => (typeof inner === "object" && inner !== null ? (inner as Record<string, Json>)[key] : undefined),
    value,
  );
}

/** Undefined takes the place away. */
function withValue(value: Json, path: readonly string[], make: (value: Json) => Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return make(value) ?? null;
  const entries = entriesOf(value).flatMap(([own, one]): [string, Json][] => {
    if (own !== key) return [[own, one]];
    const made = rest.length === 0 ? make(one) : withValue(one, rest, make);
    return made === undefined ? [] : [[own, made]];
  });
  return Array.isArray(value) ? entries.map(([, one]) => one) : Object.fromEntries(entries);
}

function renamed(value: Json, path: readonly string[], to: string): Json {
  const last = path.at(-1);
  if (last === undefined) return value;
  return withValue(value, path.slice(0, -1), (parent) =>
    isObject(parent)
      ? Object.fromEntries(Object.entries(parent).map(([key, one]) => [key === last ? to : key, one] as const))
      : parent,
  );
}
