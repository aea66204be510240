/** The bytes of what the store answers to queries. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, formatVersion, readChoice, readFlag, readList, writeList } from "./codec.ts";
import {
  itemBytes,
  readItem,
  readLease,
  readOptionalBytes,
  readOptionalItem,
  writeItem,
  writeLease,
  writeOptionalBytes,
  writeOptionalItem,
} from "./item-codec.ts";
import { maxKeyBytes } from "./limits.ts";
import type { Item, LeaseStatus, QueryAnswer } from "./model.ts";
import { readRefusal, writeRefusal } from "./refusal-codec.ts";
import { readRangeResult, writeRangeResult } from "./result-codec.ts";

const statuses = [
  "range",
  "list",
  "many",
  "leases",
  "lease",
  "status",
  "hash",
  "refused",
] as const satisfies readonly QueryAnswer["status"][];
/** Room for everything in an answer but its items. */
const frameBytes = 64;

export function encodeAnswer(answer: QueryAnswer): Uint8Array<ArrayBuffer> {
  const room = itemsOf(answer).reduce((sum, item) => sum + (item === null ? 1 : itemBytes(item)), frameBytes);
  const writer = new ByteWriter(room).u8(formatVersion).u8(statuses.indexOf(answer.status)).u53(answer.revision);
  switch (answer.status) {
    case "range":
      writeRangeResult(writer, answer.range);
      break;
    case "list":
      writeList(writer, answer.items, writeItem);
      writeOptionalBytes(writeList(writer, answer.commonPrefixes, writeBytes), answer.next);
      break;
    case "many":
      writeList(writer, answer.items, writeOptionalItem);
      break;
    case "leases":
      writeList(writer, answer.ids, writeLease);
      break;
    case "lease":
      writeLeaseStatus(writer, answer.lease);
      writeList(writer, answer.keys, writeBytes);
      break;
    case "status":
      writer.u53(answer.compactRevision).u53(answer.keys).u53(answer.leases).u53(answer.sizeBytes);
      break;
    case "hash":
      writer.u53(answer.hash).u53(answer.compactRevision);
      break;
    case "refused":
      writeRefusal(writer, answer.refusal);
      break;
  }
  return writer.finish();
}

/** The answer of these bytes, as views on them; undefined when they are none. */
export function decodeAnswer(bytes: Uint8Array): QueryAnswer | undefined {
  return decode(bytes, readAnswer);
}

function itemsOf(answer: QueryAnswer): readonly (Item | null)[] {
  if (answer.status === "range") return answer.range.items;
  return answer.status === "list" || answer.status === "many" ? answer.items : [];
}

function readAnswer(reader: ByteReader): QueryAnswer {
  const status = readChoice(reader, statuses);
  const revision = reader.u53();
  switch (status) {
    case "range":
      return { status, revision, range: readRangeResult(reader) };
    case "list": {
      const items = readList(reader, readItem);
      const commonPrefixes = readList(reader, readBytes);
      return { status, revision, items, commonPrefixes, next: readOptionalBytes(reader, maxKeyBytes) };
    }
    case "many":
      return { status, revision, items: readList(reader, readOptionalItem) };
    case "leases":
      return { status, revision, ids: readList(reader, readLease) };
    case "lease":
      return { status, revision, lease: readLeaseStatus(reader), keys: readList(reader, readBytes) };
    case "status": {
      const [compactRevision, keys, leases] = [reader.u53(), reader.u53(), reader.u53()];
      return { status, revision, compactRevision, keys, leases, sizeBytes: reader.u53() };
    }
    case "hash":
      return { status, revision, hash: reader.u53(), compactRevision: reader.u53() };
    case "refused":
      return { status, revision, refusal: readRefusal(reader) };
  }
}

function writeLeaseStatus(writer: ByteWriter, lease: LeaseStatus | null): void {
  writer.u8(lease === null ? 0 : 1);
  if (lease !== null) writeLease(writer, lease.id).u53(lease.grantedTtlMs).u53(lease.remainingMs);
}

function readLeaseStatus(reader: ByteReader): LeaseStatus | null {
  if (!readFlag(reader)) return null;
  return { id: readLease(reader), grantedTtlMs: reader.u53(), remainingMs: reader.u53() };
}

function writeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  writer.bytes(bytes);
}

function readBytes(reader: ByteReader): Uint8Array {
  return reader.bytes();
}
