/** Which keys an operation or a compare in JSON is about: one key, a prefix, a range, or all. */

import { maxKeyBytes } from "../../kv/limits.ts";
import type { KeySpan } from "../../kv/model.ts";
import { allKeys, keysBetween, keysWithPrefix, oneKey } from "../../kv/span.ts";
import type { Fields } from "../json-fields.ts";

export const keyFields = ["key", "key_encoding"] as const;
export const spanFields = [...keyFields, "prefix", "start", "end", "all"] as const;

export function readKey(fields: Fields): Uint8Array {
  return readBytes(fields, "key") ?? fields.refuse("key", "is needed");
}

/** An empty prefix is refused: it may be a variable that somebody forgot to set. */
export function readSpan(fields: Fields): KeySpan {
  const all = fields.flag("all");
  const key = readBytes(fields, "key");
  const prefix = readBytes(fields, "prefix");
  const [start, end] = [readBytes(fields, "start") ?? null, readBytes(fields, "end") ?? null];
  const isRange = start !== null || end !== null;
  const ways = [all, key !== undefined, prefix !== undefined, isRange].filter(Boolean).length;
  if (ways !== 1) fields.refuseAll("says which keys are meant by one of key, prefix, start with end, and all");
  if (key !== undefined) return oneKey(key);
  if (prefix !== undefined) return keysWithPrefix(prefix);
  return isRange ? keysBetween(start, end) : allKeys;
}

function readBytes(fields: Fields, name: string): Uint8Array | undefined {
  const bytes = fields.bytes(name, "key_encoding");
  if (bytes === undefined || (bytes.length >= 1 && bytes.length <= maxKeyBytes)) return bytes;
  return fields.refuse(name, `is 1 to ${maxKeyBytes} bytes long`);
}
