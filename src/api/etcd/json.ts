/** Reads JSON without losing a digit of its whole numbers, and several documents from one stream of bytes. */

import { invalidArgument } from "./status.ts";

type Revive = (this: unknown, key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** JavaScript gives each primitive's source text to a reviver, which TypeScript's library does not know of. */
const parseWith = JSON.parse as (text: string, revive: Revive) => unknown;

/** A whole number that may not fit a double; it may stand in a text, where it does no harm. */
const longNumber = /\d{16}/;
const wholeNumber = /^-?\d+$/;

const openingBrace = 0x7b;
const closingBrace = 0x7d;
const openingBracket = 0x5b;
const closingBracket = 0x5d;
const quote = 0x22;
const backslash = 0x5c;
/** Space, tab, line feed, carriage return. */
const blanks: readonly number[] = [0x20, 0x09, 0x0a, 0x0d];

/** Whole numbers beyond 2^53 come as bigints. Throws a `StatusError` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return longNumber.test(text) ? parseWith(text, keepDigits) : JSON.parse(text);
  } catch {
    throw invalidArgument("invalid JSON");
  }
}

const keepDigits: Revive = function keepDigits(_, value, { source }) {
  if (typeof value !== "number" || Number.isSafeInteger(value)) return value;
  return source !== undefined && wholeNumber.test(source) ? BigInt(source) : value;
};

/** Cuts a stream of JSON objects, with or without blanks between them, into one text each. */
export class DocumentReader {
  private readonly maxBytes: number;
  private readonly decoder = new TextDecoder();
  private kept: Uint8Array[] = [];
  private keptBytes = 0;
  private depth = 0;
  private inString = false;
  private escaped = false;

  constructor(maxBytes: number) {
    this.maxBytes = maxBytes;
  }

  /** The documents that end in this chunk. Throws a `StatusError` for what is none, or one that is too large. */
  take(chunk: Uint8Array): string[] {
    const documents: string[] = [];
    let start = 0;
    for (const [at, byte] of chunk.entries()) {
      if (this.depth === 0 && blanks.includes(byte)) {
        start = at + 1;
        continue;
      }
      if (!this.step(byte)) continue;
      documents.push(this.complete(chunk.subarray(start, at + 1)));
      start = at + 1;
    }
    this.keep(chunk.slice(start));
    return documents;
  }

  /** The stream is over. Throws a `StatusError` when a document was cut off. */
  end(): void {
    if (this.depth > 0) throw invalidArgument("unexpected end of JSON input");
  }

  /** Returns whether a document ends with this byte. Every byte that matters here is ASCII, and stands for itself in UTF-8. */
  private step(byte: number): boolean {
    if (this.inString) {
      if (this.escaped) this.escaped = false;
      else if (byte === backslash) this.escaped = true;
      else if (byte === quote) this.inString = false;
      return false;
    }
    if (this.depth === 0 && byte !== openingBrace) throw invalidArgument("invalid JSON: a message is an object");
    if (byte === quote) this.inString = true;
    else if (byte === openingBrace || byte === openingBracket) this.depth += 1;
    else if (byte === closingBrace || byte === closingBracket) this.depth -= 1;
    return this.depth === 0;
  }

  private complete(rest: Uint8Array): string {
    this.keep(rest);
    const text = this.kept.map((part) => this.decoder.decode(part, { stream: true })).join("") + this.decoder.decode();
    this.kept = [];
    this.keptBytes = 0;
    return text;
  }

  private keep(part: Uint8Array): void {
    if (part.length === 0) return;
    this.keptBytes += part.length;
    if (this.keptBytes > this.maxBytes) throw invalidArgument("etcdserver: request is too large");
    this.kept.push(part);
  }
}
