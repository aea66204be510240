/** Requests as examples of an API have them, and ways to spoil each part of one. */

import * as fc from "fast-check";
import { byteChange, type ByteChange, changeBytes } from "./change-bytes.ts";
import { changeJson, jsonChange, type JsonChange } from "./change-json.ts";
import * as odd from "./odd-words.ts";

/** A request that makes sense. Where there are several values, any of them does. */
export interface Example {
  readonly method: string;
  /** `*` stands for one of the names in use. */
  readonly path: string;
  readonly query?: Readonly<Record<string, readonly string[]>>;
  readonly headers?: Readonly<Record<string, readonly string[]>>;
  /** A text is sent as it is, anything else as JSON. */
  readonly body?: unknown;
}

type Pair = readonly [name: string, value: string];

export interface Sketch {
  readonly method: string;
  readonly path: string;
  readonly query: readonly Pair[];
  readonly headers: readonly Pair[];
  readonly body: unknown;
  readonly changes: readonly RequestChange[];
}

type RequestChange =
  | { readonly part: "method"; readonly to: string }
  | { readonly part: "segment"; readonly at: number; readonly to: string }
  | { readonly part: "path"; readonly end: string }
  | { readonly part: "query"; readonly name: string; readonly value: string }
  | { readonly part: "value"; readonly at: number; readonly value: string }
  | { readonly part: "double"; readonly at: number }
  | { readonly part: "address"; readonly end: string }
  | { readonly part: "header"; readonly name: string; readonly value: string }
  | { readonly part: "json"; readonly changes: readonly JsonChange[] }
  | { readonly part: "bytes"; readonly changes: readonly ByteChange[] }
  | { readonly part: "body"; readonly bytes: Uint8Array }
  | { readonly part: "flood"; readonly flood: readonly [piece: string, times: number] };

const encoder = new TextEncoder();
const texts = fc.string({ unit: "binary", maxLength: 8 });
const any = <Value>(values: readonly Value[]): fc.Arbitrary<Value> => fc.constantFrom(...values);
const valueOf = fc.oneof(any(odd.values), texts);

const requestChange: fc.Arbitrary<RequestChange> = fc.oneof(
  { weight: 10, arbitrary: fc.record({ part: fc.constant("method" as const), to: any(odd.methods) }) },
  {
    weight: 20,
    arbitrary: fc.record({
      part: fc.constant("segment" as const),
      at: fc.nat(6),
      to: fc.oneof(any(odd.segments), texts),
    }),
  },
  { weight: 10, arbitrary: fc.record({ part: fc.constant("path" as const), end: any(odd.pathEnds) }) },
  {
    weight: 30,
    arbitrary: fc.record({ part: fc.constant("query" as const), name: any(odd.parameters), value: valueOf }),
  },
  { weight: 30, arbitrary: fc.record({ part: fc.constant("value" as const), at: fc.nat(6), value: valueOf }) },
  { weight: 10, arbitrary: fc.record({ part: fc.constant("double" as const), at: fc.nat(6) }) },
  { weight: 10, arbitrary: fc.record({ part: fc.constant("address" as const), end: any(odd.addressEnds) }) },
  {
    weight: 30,
    arbitrary: fc.record({
      part: fc.constant("header" as const),
      name: any(odd.headers),
      value: fc.oneof(any(odd.headerValues), texts),
    }),
  },
  {
    weight: 60,
    arbitrary: fc.record({
      part: fc.constant("json" as const),
      changes: fc.array(jsonChange, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 30,
    arbitrary: fc.record({
      part: fc.constant("bytes" as const),
      changes: fc.array(byteChange, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 10, arbitrary: fc.record({ part: fc.constant("body" as const), bytes: fc.uint8Array({ maxLength: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ part: fc.constant("flood" as const), flood: any(odd.floods) }) },
);

const pairsOf = (values: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<readonly Pair[]> =>
  fc
    .tuple(
      ...Object.entries(values).map(([name, list]) =>
        fc.tuple(fc.constant(name), any(list), fc.integer({ min: 0, max: 2 })),
      ),
    )
    .map((all) => all.flatMap(([name, value, use]) => (use === 0 ? [] : [[name, value] as const])));

/** Requests after one of the examples, none to four of their parts spoilt. */
export function sketches(examples: readonly Example[], names: readonly string[]): fc.Arbitrary<Sketch> {
  return any(examples).chain((example) =>
    fc.record({
      method: fc.constant(example.method),
      path: fc
        .array(any(names), { minLength: 2, maxLength: 2 })
        .map((given) => given.reduce((path, name) => path.replace("*", encodeURIComponent(name)), example.path)),
      query: pairsOf(example.query ?? {}),
      headers: pairsOf(example.headers ?? {}),
      body: fc.constant(example.body),
      changes: fc.array(requestChange, { maxLength: 4 }),
    }),
  );
}

/** What is sent; null for what no client can send, because HTTP or the class `Request` has no such request. */
export function requestOf(sketch: Sketch, timeout: string | null): Request | null {
  const changed = sketch.changes.reduce(changeSketch, { ...sketch, end: "" });
  const query = changed.query.map(([name, value]) => `${encodeValue(name)}=${encodeValue(value)}`);
  if (timeout !== null && !changed.query.some(([name]) => name === "timeout")) query.push(`timeout=${timeout}`);
  const search = query.length === 0 ? "" : `?${query.join("&")}`;
  const bodiless = changed.method === "GET" || changed.method === "HEAD";
  const body = bodiless ? null : bodyOf(sketch);
  try {
    return new Request(`http://localhost${changed.path}${search}${changed.end}`, {
      method: changed.method,
      headers: changed.headers.map(([name, value]) => [name, value]),
      body,
    });
  } catch {
    return null;
  }
}

type Changed = Sketch & { readonly end: string };

function changeSketch(sketch: Changed, change: RequestChange): Changed {
  switch (change.part) {
    case "method":
      return { ...sketch, method: change.to };
    case "segment": {
      const segments = sketch.path.split("/");
      const at = 1 + (change.at % Math.max(1, segments.length - 1));
      return { ...sketch, path: segments.with(Math.min(at, segments.length - 1), change.to).join("/") };
    }
    case "path":
      return { ...sketch, path: sketch.path + change.end };
    case "query":
      return { ...sketch, query: [...sketch.query, [change.name, change.value]] };
    case "value":
      return { ...sketch, query: replacedAt(sketch.query, change.at, ([name]) => [[name, change.value]]) };
    case "double":
      return { ...sketch, query: replacedAt(sketch.query, change.at, (pair) => [pair, pair]) };
    case "address":
      return { ...sketch, end: sketch.end + change.end };
    case "header":
      return { ...sketch, headers: [...sketch.headers, [change.name, change.value]] };
    case "json":
    case "bytes":
    case "body":
    case "flood":
      return sketch;
  }
}

/** First the document, then its bytes. */
function bodyOf({ body, changes }: Sketch): Uint8Array<ArrayBuffer> | null {
  const documented = changes.flatMap((change) => (change.part === "json" ? change.changes : []));
  const spoilt = changes.flatMap((change) => (change.part === "bytes" ? change.changes : []));
  const instead = changes.find((change) => change.part === "body" || change.part === "flood");
  if (instead?.part === "body") return Uint8Array.from(instead.bytes);
  if (instead !== undefined) return Uint8Array.from(encoder.encode(instead.flood[0].repeat(instead.flood[1])));
  if (body === undefined && documented.length === 0 && spoilt.length === 0) return null;
  const text = typeof body === "string" && documented.length === 0 ? body : changeJson(body ?? {}, documented);
  return changeBytes(encoder.encode(text), spoilt);
}

function replacedAt(pairs: readonly Pair[], at: number, make: (pair: Pair) => readonly Pair[]): readonly Pair[] {
  return pairs.flatMap((pair, place) => (place === at % pairs.length ? make(pair) : [pair]));
}

/** What is percent-encoded already, rightly or not, is left as it is. */
function encodeValue(text: string): string {
  if (text.includes("%")) return text;
  return encodeURIComponent(text.toWellFormed());
}
