/** Reads that come over a binding. */

import { decodeCursor, encodeCursor } from "../api/cursor.ts";
import { ApiError } from "../api/errors.ts";
import { Fields } from "../api/json-fields.ts";
import type { StoreClient } from "../api/store.ts";
import { maxGetKeys, maxKeyBytes, maxPageItems } from "../kv/limits.ts";
import { bytesOf } from "./bytes.ts";
import { entryOf, optionalEntry, textOf } from "./entries.ts";
import { readOptionsIn, readWords } from "./reads.ts";
import type { Bytes, Entry, Json, ListOptions, ListResult, ReadOptions } from "./types.ts";
import { wordsOf } from "./words.ts";

const defaultLimit = 100;
const nothing = new Uint8Array(0);

/** The key that is meant. Throws for what can't be one. */
export function keyOf(key: unknown): Uint8Array {
  const bytes = bytesOf(key);
  if (bytes !== undefined && bytes.length >= 1 && bytes.length <= maxKeyBytes) return bytes;
  throw new ApiError("invalid_key", `A key is text or bytes, 1 to ${maxKeyBytes} of them.`);
}

export async function getMany(
  store: StoreClient,
  keys: readonly Bytes[],
  options: ReadOptions,
): Promise<(Entry | null)[]> {
  if (!Array.isArray(keys) || keys.length > maxGetKeys) {
    throw new ApiError("invalid_body", `Up to ${maxGetKeys} keys are read at once.`);
  }
  const read = readOptionsIn(new Fields(wordsOf(options), "", readWords));
  const query = { kind: "getMany", keys: keys.map(keyOf), withValues: true } as const;
  const { items } = await store.query("many", query, read);
  return items.map(optionalEntry);
}

export async function getText(store: StoreClient, key: Bytes, options: ReadOptions): Promise<string | null> {
  const [entry] = await getMany(store, [key], options);
  return entry?.value ? textOf(entry.value) : null;
}

export async function getJson(store: StoreClient, key: Bytes, options: ReadOptions): Promise<Json> {
  const text = await getText(store, key, options);
  try {
    return text === null ? null : (JSON.parse(text) as Json);
  } catch {
    throw new ApiError("invalid_body", "The value is no JSON.");
  }
}

const listWords = [
  ...readWords,
  ...(["prefix", "start", "end", "limit", "cursor", "revision", "reverse", "delimiter", "keys_only"] as const),
];

export async function list(store: StoreClient, options: ListOptions): Promise<ListResult> {
  const fields = new Fields(wordsOf(options), "", listWords);
  const part = (name: string): Uint8Array | null => {
    const bytes = fields.bytes(name, "encoding") ?? nothing;
    if (bytes.length > maxKeyBytes) fields.refuse(name, `is at most ${maxKeyBytes} bytes long`);
    return bytes.length === 0 ? null : bytes;
  };
  const { items, commonPrefixes, next, revision } = await store.query(
    "list",
    {
      kind: "list",
      prefix: part("prefix") ?? nothing,
      start: part("start"),
      end: part("end"),
      after: cursorIn(fields),
      reverse: fields.flag("reverse"),
      delimiter: part("delimiter") ?? nothing,
      limit: limitIn(fields),
      keysOnly: fields.flag("keys_only"),
      revision: fields.number("revision"),
    },
    readOptionsIn(fields),
  );
  return {
    entries: items.map(entryOf),
    commonPrefixes: commonPrefixes.map(textOf),
    cursor: next === null ? null : encodeCursor(next),
    revision,
  };
}

function cursorIn(fields: Fields): Uint8Array | null {
  const text = fields.text("cursor") ?? "";
  return text === "" ? null : (decodeCursor(text) ?? fields.refuse("cursor", "must be that of an earlier page"));
}

function limitIn(fields: Fields): number {
  const limit = fields.has("limit") ? fields.number("limit") : defaultLimit;
  if (limit >= 1 && limit <= maxPageItems) return limit;
  return fields.refuse("limit", `must be a whole number from 1 to ${maxPageItems}`);
}
