/** The bytes of items, revisions and spans of keys, of which the other records are made. */

import type { ByteReader } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";
import { demand, readFlag } from "./codec.ts";
import { maxKeyBytes } from "./limits.ts";
import { type Item, type KeySpan, type LeaseId, noLease, type Previous, type Revisions } from "./model.ts";

/** Which parts of an item follow: most items lack most of them. */
const itemHas = { value: 1, contentType: 2, metadata: 4, lease: 8 } as const;
/** Room for everything in an item but its key, its value and its texts. */
const itemFrameBytes = 56;

export const previousLevels: readonly Previous[] = ["none", "keys", "values"];

/** How much room an item takes, more or less. */
export function itemBytes({ key, value, contentType, metadata }: Item): number {
  return itemFrameBytes + key.length + contentType.length + metadata.length + (value?.length ?? 0);
}

export function writeItem(writer: ByteWriter, item: Item): void {
  const { value, contentType, metadata, lease } = item;
  const present =
    (value === null ? 0 : itemHas.value) |
    (contentType === "" ? 0 : itemHas.contentType) |
    (metadata === "" ? 0 : itemHas.metadata) |
    (lease === noLease ? 0 : itemHas.lease);
  writeRevisions(writer.u8(present).bytes(item.key), item);
  if (lease !== noLease) writeLease(writer, lease);
  if (contentType !== "") writer.text(contentType);
  if (metadata !== "") writer.text(metadata);
  if (value === null) writer.u32(item.valueBytes);
  else writer.bytes(value);
}

export function readItem(reader: ByteReader): Item {
  const present = reader.u8();
  demand(present < 16, "unknown part of an item");
  const key = reader.bytes();
  const revisions = readRevisions(reader);
  const lease = (present & itemHas.lease) === 0 ? noLease : readLease(reader);
  const contentType = (present & itemHas.contentType) === 0 ? "" : reader.text();
  const metadata = (present & itemHas.metadata) === 0 ? "" : reader.text();
  const value = (present & itemHas.value) === 0 ? null : reader.bytes();
  const valueBytes = value === null ? reader.u32() : value.length;
  return { key, ...revisions, lease, contentType, metadata, valueBytes, value };
}

export function writeOptionalItem(writer: ByteWriter, item: Item | null): void {
  writer.u8(item === null ? 0 : 1);
  if (item !== null) writeItem(writer, item);
}

export function readOptionalItem(reader: ByteReader): Item | null {
  return readFlag(reader) ? readItem(reader) : null;
}

export function writeRevisions(writer: ByteWriter, revisions: Revisions): ByteWriter {
  return writer.u53(revisions.createRevision).u53(revisions.modRevision).u53(revisions.version);
}

export function readRevisions(reader: ByteReader): Revisions {
  return { createRevision: reader.u53(), modRevision: reader.u53(), version: reader.u53() };
}

/** Eight bytes. Throws for a text that is no whole number of 64 bits. */
export function writeLease(writer: ByteWriter, lease: LeaseId): ByteWriter {
  return writer.i64(BigInt(lease));
}

export function readLease(reader: ByteReader): LeaseId {
  return reader.i64().toString();
}

export function writeSpan(writer: ByteWriter, { key, rangeEnd }: KeySpan): ByteWriter {
  writer.bytes(key);
  return writeOptionalBytes(writer, rangeEnd);
}

/** The empty key is before all others, and the end of a span may be the very next key behind a longest one. */
export function readSpan(reader: ByteReader): KeySpan {
  const key = readBound(reader);
  return { key, rangeEnd: readOptionalBytes(reader, maxKeyBytes + 1) };
}

export function writeOptionalBytes(writer: ByteWriter, bytes: Uint8Array | null): ByteWriter {
  writer.u8(bytes === null ? 0 : 1);
  return bytes === null ? writer : writer.bytes(bytes);
}

export function readOptionalBytes(reader: ByteReader, maxBytes: number): Uint8Array | null {
  if (!readFlag(reader)) return null;
  const bytes = reader.bytes();
  demand(bytes.length <= maxBytes, "key length");
  return bytes;
}

/** A key, or a place before or between keys. */
export function readBound(reader: ByteReader): Uint8Array {
  const key = reader.bytes();
  demand(key.length <= maxKeyBytes, "key length");
  return key;
}

/** A key that can be stored. */
export function readKey(reader: ByteReader): Uint8Array {
  const key = readBound(reader);
  demand(key.length >= 1, "empty key");
  return key;
}
