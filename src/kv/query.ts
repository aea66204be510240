/** Queries: what is asked of the store without changing it, and their bytes. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, formatVersion, readFlag, demand } from "./codec.ts";
import { maxKeyBytes, maxPageItems } from "./limits.ts";
import type { KeyBounds } from "./order.ts";

/** One key. */
export interface GetQuery {
  readonly kind: "get";
  readonly key: Uint8Array;
  /** False for a key's revisions and its value's length alone. */
  readonly withValue: boolean;
}

/** A page of keys, in the order of their bytes. */
export interface ListQuery extends KeyBounds {
  readonly kind: "list";
  /** At most this many items, from 1 to `maxPageItems`. */
  readonly limit: number;
  readonly keysOnly: boolean;
}

export type Query = GetQuery | ListQuery;

const kinds = ["get", "list"] as const;
/** Room for everything in a query but its keys. */
const frameBytes = 32;

export function encodeQuery(query: Query): Uint8Array<ArrayBuffer> {
  if (query.kind === "get") {
    const writer = new ByteWriter(frameBytes + query.key.length).u8(formatVersion).u8(kinds.indexOf(query.kind));
    return writer
      .u8(query.withValue ? 1 : 0)
      .bytes(query.key)
      .finish();
  }
  const writer = new ByteWriter().u8(formatVersion).u8(kinds.indexOf(query.kind));
  writer
    .u8(query.keysOnly ? 1 : 0)
    .u16(query.limit)
    .bytes(query.prefix);
  for (const bound of [query.start, query.end, query.after]) writeOptional(writer, bound);
  return writer.finish();
}

/** The query of these bytes, as views on them; undefined when they are none, or one beyond the limits. */
export function decodeQuery(bytes: Uint8Array): Query | undefined {
  return decode(bytes, readQuery);
}

function readQuery(reader: ByteReader): Query {
  const kind = kinds[reader.u8()];
  demand(kind !== undefined, "unknown query");
  const flag = readFlag(reader);
  if (kind === "get") return { kind, withValue: flag, key: readKey(reader) };
  const limit = reader.u16();
  demand(limit >= 1 && limit <= maxPageItems, "limit");
  const prefix = readKey(reader);
  const [start, end, after] = [readOptional(reader), readOptional(reader), readOptional(reader)];
  return { kind, keysOnly: flag, limit, prefix, start, end, after };
}

/** A key or a bound; the empty one is before all keys. */
function readKey(reader: ByteReader): Uint8Array {
  const key = reader.bytes();
  demand(key.length <= maxKeyBytes, "key length");
  return key;
}

function writeOptional(writer: ByteWriter, key: Uint8Array | null): void {
  writer.u8(key === null ? 0 : 1);
  if (key !== null) writer.bytes(key);
}

function readOptional(reader: ByteReader): Uint8Array | null {
  return readFlag(reader) ? readKey(reader) : null;
}
