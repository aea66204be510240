/** Reads messages of etcd's API from JSON, as its gateway takes them. */

import type { AnyMessageType, EnumType, FieldType, FieldTypes, Received, Scalar } from "./schema.ts";
import { invalidArgument } from "./status.ts";

type Json = Readonly<Record<string, unknown>>;

const standardBase64 = /^[A-Za-z0-9+/]*={0,2}$/;
const digits = /^-?\d{1,20}$/;
const numberRanges = {
  int32: [-(2n ** 31n), 2n ** 31n - 1n],
  uint32: [0n, 2n ** 32n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
  uint64: [0n, 2n ** 64n - 1n],
} as const;
/** Far more than any request means: what nests deeper is no message. */
const maxDepth = 100;

/**
 * Field names may be snake_case or camelCase, null is the default, and what is not known is ignored. Throws a
 * `StatusError` for a value that is not of its field's type.
 */
export function readMessage<Type extends AnyMessageType>(type: Type, json: unknown): Received<Type> {
  return readFields(type, json, 0) as Received<Type>;
}

function readFields(type: AnyMessageType, json: unknown, depth: number): Json {
  if (depth > maxDepth) throw invalidArgument(`${type.name} nests too deep`);
  const fields: Record<string, unknown> = { ...defaultsOf(type) };
  if (json === null || json === undefined) return fields;
  if (typeof json !== "object" || Array.isArray(json)) throw invalidArgument(`${type.name} must be an object`);
  const names = fieldNames(type);
  for (const [name, value] of Object.entries(json)) {
    const field = names.get(name);
    if (field === undefined || value === null) continue;
    if (type.oneOf.includes(field)) for (const other of type.oneOf) fields[other] = defaultsOf(type)[other];
    // Every name comes from the declared fields.
    fields[field] = readField(type.fields[field] as FieldType, value, `${type.name}.${field}`, depth);
  }
  return fields;
}

function readField(type: FieldType, value: unknown, name: string, depth: number): unknown {
  if (typeof type === "string") return readScalar(type, value, name);
  switch (type.kind) {
    case "enum":
      return readEnum(type, value, name);
    case "repeated":
      if (!Array.isArray(value)) throw invalidArgument(`${name} must be a list`);
      return value.map((element: unknown) => readField(type.element, element, name, depth));
    case "lazy":
      return readFields(type.resolve(), value, depth + 1);
    case "message":
      return readFields(type, value, depth + 1);
  }
}

function readScalar(type: Scalar, value: unknown, name: string): unknown {
  switch (type) {
    case "bytes":
      return readBytes(value, name);
    case "string":
      if (typeof value !== "string") throw invalidArgument(`${name} must be a string`);
      return value;
    case "bool":
      if (typeof value !== "boolean") throw invalidArgument(`${name} must be true or false`);
      return value;
    case "int64":
    case "uint64":
      return readNumber(type, value, name);
    case "int32":
    case "uint32":
      return Number(readNumber(type, value, name));
  }
}

function readNumber(type: keyof typeof numberRanges, value: unknown, name: string): bigint {
  const [least, most] = numberRanges[type];
  const number = wholeNumber(value);
  if (number !== undefined && number >= least && number <= most) return number;
  throw invalidArgument(`${name} must be a whole number from ${least} to ${most}`);
}

/** Of a number or a text; undefined for what is none. */
function wholeNumber(value: unknown): bigint | undefined {
  if (typeof value === "bigint") return value;
  if (typeof value === "number") return Number.isSafeInteger(value) ? BigInt(value) : undefined;
  return typeof value === "string" && digits.test(value) ? BigInt(value) : undefined;
}

/** The standard alphabet or the one for addresses, with padding or without. */
function readBytes(value: unknown, name: string): Uint8Array {
  const text = typeof value === "string" ? value.replaceAll("-", "+").replaceAll("_", "/") : "";
  const isPadded = text.endsWith("=");
  const isComplete = isPadded ? text.length % 4 === 0 : text.length % 4 !== 1;
  if (typeof value !== "string" || !standardBase64.test(text) || !isComplete) {
    throw invalidArgument(`${name} must be base64`);
  }
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}

function readEnum(type: EnumType<string>, value: unknown, name: string): string {
  const found = typeof value === "number" ? type.values[value] : type.values.find((known) => known === value);
  if (found !== undefined) return found;
  const given = typeof value === "string" ? JSON.stringify(value.slice(0, 64)) : "value";
  throw invalidArgument(`unknown ${given} for enum ${type.name} in ${name}`);
}

const knownNames = new WeakMap<AnyMessageType, ReadonlyMap<string, string>>();

/** The field that each accepted name stands for. */
function fieldNames(type: AnyMessageType): ReadonlyMap<string, string> {
  const known = knownNames.get(type);
  if (known !== undefined) return known;
  const names = new Map<string, string>();
  for (const field of Object.keys(type.fields)) names.set(camelCase(field), field).set(field, field);
  knownNames.set(type, names);
  return names;
}

function camelCase(field: string): string {
  return field.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}

const knownDefaults = new WeakMap<AnyMessageType, Json>();

function defaultsOf(type: AnyMessageType): Json {
  const known = knownDefaults.get(type);
  if (known !== undefined) return known;
  const fields: FieldTypes = type.fields;
  const defaults = Object.fromEntries(Object.entries(fields).map(([field, of]) => [field, defaultOf(of)]));
  knownDefaults.set(type, defaults);
  return defaults;
}

function defaultOf(type: FieldType): unknown {
  if (typeof type !== "string") {
    if (type.kind === "enum") return type.values[0];
    return type.kind === "repeated" ? [] : null;
  }
  switch (type) {
    case "bytes":
      return new Uint8Array(0);
    case "string":
      return "";
    case "bool":
      return false;
    case "int64":
    case "uint64":
      return 0n;
    case "int32":
    case "uint32":
      return 0;
  }
}
