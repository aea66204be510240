/** The bytes of what is asked of the store without changing it. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import {
  decode,
  demand,
  formatVersion,
  readChoice,
  readFlag,
  readInteger,
  readList,
  writeInteger,
  writeList,
} from "./codec.ts";
import { readBound, readKey, readLease, readOptionalBytes, writeLease, writeOptionalBytes } from "./item-codec.ts";
import { maxGetKeys, maxKeyBytes, maxPageItems } from "./limits.ts";
import type { ListQuery, Query } from "./model.ts";
import { readRange, writeRange } from "./operation-codec.ts";

const kinds = [
  "range",
  "list",
  "getMany",
  "leases",
  "lease",
  "status",
  "hash",
] as const satisfies readonly Query["kind"][];

/** The query's bytes. Takes it as it is: `decodeQuery` is what enforces the limits. */
export function encodeQuery(query: Query): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter().u8(formatVersion).u8(kinds.indexOf(query.kind));
  switch (query.kind) {
    case "range":
      writeRange(writer, query);
      break;
    case "list":
      writeListQuery(writer, query);
      break;
    case "getMany":
      writeList(writer.u8(query.withValues ? 1 : 0), query.keys, (to, key) => to.bytes(key));
      break;
    case "lease":
      writeLease(writer, query.id).u8(query.withKeys ? 1 : 0);
      break;
    case "hash":
      writeInteger(writer, query.revision);
      break;
    case "leases":
    case "status":
      break;
  }
  return writer.finish();
}

/** The query of these bytes, as views on them; undefined when they are none, or one beyond the limits. */
export function decodeQuery(bytes: Uint8Array): Query | undefined {
  return decode(bytes, readQuery);
}

function readQuery(reader: ByteReader): Query {
  const kind = readChoice(reader, kinds);
  switch (kind) {
    case "range":
      return readRange(reader);
    case "list":
      return readListQuery(reader);
    case "getMany": {
      const withValues = readFlag(reader);
      const keys = readList(reader, readKey);
      demand(keys.length <= maxGetKeys, "number of keys");
      return { kind, keys, withValues };
    }
    case "lease":
      return { kind, id: readLease(reader), withKeys: readFlag(reader) };
    case "hash":
      return { kind, revision: readInteger(reader) };
    case "leases":
    case "status":
      return { kind };
  }
}

function writeListQuery(writer: ByteWriter, list: ListQuery): void {
  const isOfPast = list.revision !== 0;
  writer.u8((list.reverse ? 1 : 0) | (list.keysOnly ? 2 : 0) | (isOfPast ? 4 : 0)).u16(list.limit);
  writer.bytes(list.prefix).bytes(list.delimiter);
  for (const bound of [list.start, list.end, list.after]) writeOptionalBytes(writer, bound);
  // A node of an earlier version still understands lists of the present.
  if (isOfPast) writeInteger(writer, list.revision);
}

function readListQuery(reader: ByteReader): ListQuery {
  const flags = reader.u8();
  demand(flags < 8, "unknown flag of a list");
  const limit = reader.u16();
  demand(limit >= 1 && limit <= maxPageItems, "limit");
  const prefix = readBound(reader);
  const delimiter = readBound(reader);
  return {
    kind: "list",
    prefix,
    start: readOptionalBytes(reader, maxKeyBytes),
    end: readOptionalBytes(reader, maxKeyBytes),
    after: readOptionalBytes(reader, maxKeyBytes),
    reverse: (flags & 1) !== 0,
    delimiter,
    limit,
    keysOnly: (flags & 2) !== 0,
    revision: (flags & 4) !== 0 ? readInteger(reader) : 0,
  };
}
