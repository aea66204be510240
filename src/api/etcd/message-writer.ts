/** Writes messages of etcd's API as JSON: names as declared, 64-bit numbers as strings, defaults left out. */

import { encodeBase64 } from "../../bytes/base64.ts";
import type { AnyMessageType, FieldType, Scalar, Sent } from "./schema.ts";

/** The text of a message. */
export function writeMessage<Type extends AnyMessageType>(type: Type, message: Sent<Type>): string {
  return JSON.stringify(toJson(type, message));
}

/** Values for `JSON.stringify`. */
export function toJson(type: AnyMessageType, message: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [field, fieldType] of Object.entries(type.fields)) {
    const value = message[field];
    if (value === undefined || value === null) continue;
    const written = fieldJson(fieldType, value);
    if (written !== undefined) json[field] = written;
  }
  return json;
}

/** Undefined for a default. The compiler has checked the value against its type. */
function fieldJson(type: FieldType, value: unknown): unknown {
  if (typeof type === "string") return scalarJson(type, value);
  switch (type.kind) {
    case "enum":
      return value === type.values[0] ? undefined : value;
    case "repeated": {
      const list = value as readonly unknown[];
      // Elements are all sent: in a list a default is not the same as nothing.
      return list.length === 0 ? undefined : list.map((element) => elementJson(type.element, element));
    }
    case "lazy":
      return toJson(type.resolve(), value as Readonly<Record<string, unknown>>);
    case "message":
      return toJson(type, value as Readonly<Record<string, unknown>>);
  }
}

function elementJson(type: FieldType, value: unknown): unknown {
  return fieldJson(type, value) ?? (typeof type === "string" ? zeroOf(type) : value);
}

function scalarJson(type: Scalar, value: unknown): unknown {
  switch (type) {
    case "bytes": {
      const bytes = value as Uint8Array;
      return bytes.length === 0 ? undefined : encodeBase64(bytes);
    }
    case "int64":
    case "uint64": {
      const text = String(value);
      return text === "0" ? undefined : text;
    }
    case "string":
    case "bool":
    case "int32":
    case "uint32":
      return value === zeroOf(type) ? undefined : value;
  }
}

/** How a default is written where it must be. */
function zeroOf(type: Scalar): unknown {
  switch (type) {
    case "bytes":
    case "string":
      return "";
    case "bool":
      return false;
    case "int64":
    case "uint64":
      return "0";
    case "int32":
    case "uint32":
      return 0;
  }
}
