/** Reads the fields of a JSON object that a client sent, and says which one is wrong, and why. */

import { decodeBase64 } from "../bytes/base64.ts";
import { readBody } from "./body.ts";
import { ApiError } from "./errors.ts";
import { parseInt64 } from "./int64.ts";

type Json = Readonly<Record<string, unknown>>;

/** JSON writes a byte as six characters at worst, and a command holds less than 2 MB. */
export const maxJsonBytes = 4 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
const maxShownLength = 64;

/** A field that is not known is refused rather than ignored: it would not do what was meant. Null counts as not given. */
export class Fields {
  /** Where in the body this object is, in front of its fields' names: empty for the body itself. */
  private readonly place: string;
  private readonly values: Json;

  constructor(value: unknown, place: string, known: readonly string[]) {
    this.place = place;
    if (!isObject(value)) this.refuseAll("must be a JSON object");
    this.values = value;
    const unknown = Object.keys(value).find((name) => !known.includes(name));
    if (unknown === undefined) return;
    this.refuseAll(`has the fields ${known.join(", ")}, and not ${unknown.slice(0, maxShownLength)}`);
  }

  /** The place of a field, in front of the names in it. */
  placeOf(name: string): string {
    return this.place === "" ? name : `${this.place}.${name}`;
  }

  refuse = (name: string, rule: string): never => {
    throw new ApiError("invalid_body", `${this.placeOf(name)} ${rule}.`);
  };

  /** Refuses the object as a whole. */
  refuseAll(rule: string): never {
    throw new ApiError("invalid_body", `${sentenceStart(this.place)} ${rule}.`);
  }

  has(name: string): boolean {
    return this.value(name) !== undefined;
  }

  value(name: string): unknown {
    return Object.hasOwn(this.values, name) ? (this.values[name] ?? undefined) : undefined;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    // Half of a surrogate pair has no UTF-8: it would be stored as something else.
    if (typeof value === "string" && value.isWellFormed()) return value;
    return this.refuse(name, "must be a string");
  }

  /** False unless given. */
  flag(name: string): boolean {
    const value = this.value(name) ?? false;
    return typeof value === "boolean" ? value : this.refuse(name, "must be true or false");
  }

  choice<Choice extends string>(name: string, choices: readonly Choice[]): Choice | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    return choices.find((choice) => choice === value) ?? this.refuse(name, `must be one of ${choices.join(", ")}`);
  }

  /** 0 unless given. */
  number(name: string): number {
    const value = this.value(name) ?? 0;
    if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
    return this.refuse(name, "must be a whole number, and not a negative one");
  }

  /** A whole number of 64 bits: as a number where that holds all of it, else as a string of digits. */
  int64(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const digits = typeof value === "string" ? value : JSON.stringify(Number.isSafeInteger(value) ? value : "");
    return parseInt64(digits) ?? this.refuse(name, "must be a whole number of 64 bits, as a string beyond 2^53");
  }

  /** A number as text, or a text: for what an address would say, too. */
  words(name: string): string | undefined {
    const value = this.value(name);
    return typeof value === "number" ? String(value) : this.text(name);
  }

  list(name: string): readonly unknown[] | undefined {
    const value = this.value(name);
    if (value === undefined || Array.isArray(value)) return value as readonly unknown[] | undefined;
    return this.refuse(name, "must be a list");
  }

  /** Text as UTF-8, or bytes in base64 where the field `encodingName` says so. What is no JSON may hold bytes as they are. */
  bytes(name: string, encodingName: string): Uint8Array | undefined {
    const given = this.value(name);
    if (given instanceof Uint8Array) return given;
    const encoding = this.choice(encodingName, ["utf8", "base64"]) ?? "utf8";
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (encoding === "utf8") return encoder.encode(text);
    return decodeBase64(text) ?? this.refuse(name, "must be base64");
  }
}

/** The body as JSON; an empty one as an empty object. */
export async function readJsonBody(request: Request): Promise<unknown> {
  const bytes = await readBody(request, {
    maxBytes: maxJsonBytes,
    message: `A body of JSON is at most ${maxJsonBytes} bytes long.`,
  });
  return bytes.length === 0 ? {} : parseJsonText(decodeText(bytes), "The body");
}

/** Throws where the bytes are not UTF-8: what was meant by them is not known. */
export function decodeText(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new ApiError("invalid_body", "The body must be UTF-8.");
  }
}

export function parseJsonText(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError("invalid_body", `${what} must be JSON.`);
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sentenceStart(place: string): string {
  return place === "" ? "The body" : place;
}
