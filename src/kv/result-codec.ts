/** The bytes of what the store answers to commands. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, demand, formatVersion, readChoice, readFlag, readList, writeList } from "./codec.ts";
import { itemBytes, readItem, readLease, readRevisions, writeItem, writeLease, writeRevisions } from "./item-codec.ts";
import { maxTxnDepth } from "./limits.ts";
import { noLease } from "./model.ts";
import type { CommandResult, OperationResult, RangeResult, TxnResult } from "./model.ts";
import { readRefusal, writeRefusal } from "./refusal-codec.ts";

const statuses = [
  "txn",
  "compacted",
  "lease",
  "revoked",
  "keptAlive",
  "timer",
  "session",
  "refused",
] as const satisfies readonly CommandResult["status"][];
const kinds = ["put", "delete", "range", "increment", "txn"] as const satisfies readonly OperationResult["kind"][];
const putHas = { created: 1, lease: 2, previous: 4 } as const;
/** Room for one result of an operation without items. */
const resultFrameBytes = 48;

export function encodeResult(result: CommandResult): Uint8Array<ArrayBuffer> {
  const room = result.status === "txn" ? result.txn.results.reduce((sum, one) => sum + resultBytes(one), 16) : 64;
  const writer = new ByteWriter(room).u8(formatVersion).u8(statuses.indexOf(result.status)).u53(result.revision);
  switch (result.status) {
    case "txn":
      writeTxnResult(writer, result.txn);
      break;
    case "lease":
      writeLease(writer, result.id).u53(result.ttlMs);
      break;
    case "keptAlive":
      writeList(writer, result.ttlsMs, writeOptionalTtl);
      break;
    case "session":
      writer.text(result.id);
      break;
    case "refused":
      writeRefusal(writer, result.refusal);
      break;
    case "compacted":
    case "revoked":
    case "timer":
      break;
  }
  return writer.finish();
}

/** The result of these bytes, as views on them; undefined when they are none. */
export function decodeResult(bytes: Uint8Array): CommandResult | undefined {
  return decode(bytes, readResult);
}

export function writeRangeResult(writer: ByteWriter, { items, count, more }: RangeResult): void {
  writeList(writer.u53(count).u8(more ? 1 : 0), items, writeItem);
}

export function readRangeResult(reader: ByteReader): RangeResult {
  const count = reader.u53();
  const more = readFlag(reader);
  return { kind: "range", items: readList(reader, readItem), count, more };
}

function readResult(reader: ByteReader): CommandResult {
  const status = readChoice(reader, statuses);
  const revision = reader.u53();
  switch (status) {
    case "txn":
      return { status, revision, txn: readTxnResult(reader, 1) };
    case "lease":
      return { status, revision, id: readLease(reader), ttlMs: reader.u53() };
    case "keptAlive":
      return { status, revision, ttlsMs: readList(reader, readOptionalTtl) };
    case "session":
      return { status, revision, id: reader.text() };
    case "refused":
      return { status, revision, refusal: readRefusal(reader) };
    case "compacted":
    case "revoked":
    case "timer":
      return { status, revision };
  }
}

function resultBytes(result: OperationResult): number {
  switch (result.kind) {
    case "put":
      return resultFrameBytes + (result.previous === null ? 0 : itemBytes(result.previous));
    case "delete":
      return result.previous.reduce((sum, item) => sum + itemBytes(item), resultFrameBytes);
    case "range":
      return result.items.reduce((sum, item) => sum + itemBytes(item), resultFrameBytes);
    case "increment":
      return resultFrameBytes;
    case "txn":
      return result.results.reduce((sum, nested) => sum + resultBytes(nested), resultFrameBytes);
  }
}

function writeTxnResult(writer: ByteWriter, { succeeded, results }: TxnResult): void {
  writeList(writer.u8(succeeded ? 1 : 0), results, writeOperationResult);
}

/** `depth` is that of this transaction's result, as for the transaction itself. */
function readTxnResult(reader: ByteReader, depth: number): TxnResult {
  demand(depth <= maxTxnDepth, "depth of transactions");
  const succeeded = readFlag(reader);
  return { kind: "txn", succeeded, results: readList(reader, () => readOperationResult(reader, depth + 1)) };
}

function writeOperationResult(writer: ByteWriter, result: OperationResult): void {
  writer.u8(kinds.indexOf(result.kind));
  switch (result.kind) {
    case "put":
      return writePutResult(writer, result);
    case "delete":
      writeList(writer.u53(result.deleted), result.previous, writeItem);
      return;
    case "range":
      return writeRangeResult(writer, result);
    case "increment":
      writeRevisions(writer.u8(result.created ? 1 : 0), result).i64(BigInt(result.value));
      return;
    case "txn":
      return writeTxnResult(writer, result);
  }
}

function readOperationResult(reader: ByteReader, depth: number): OperationResult {
  const kind = readChoice(reader, kinds);
  switch (kind) {
    case "put":
      return readPutResult(reader);
    case "delete":
      return { kind, deleted: reader.u53(), previous: readList(reader, readItem) };
    case "range":
      return readRangeResult(reader);
    case "increment": {
      const created = readFlag(reader);
      return { kind, created, ...readRevisions(reader), value: reader.i64().toString() };
    }
    case "txn":
      return readTxnResult(reader, depth);
  }
}

type PutResult = OperationResult & { readonly kind: "put" };

function writePutResult(writer: ByteWriter, result: PutResult): void {
  const { created, lease, previous } = result;
  const present =
    (created ? putHas.created : 0) | (lease === noLease ? 0 : putHas.lease) | (previous === null ? 0 : putHas.previous);
  writeRevisions(writer.u8(present), result);
  if (lease !== noLease) writeLease(writer, lease);
  if (previous !== null) writeItem(writer, previous);
}

function readPutResult(reader: ByteReader): PutResult {
  const present = reader.u8();
  demand(present < 8, "unknown part of a result");
  return {
    kind: "put",
    created: (present & putHas.created) !== 0,
    ...readRevisions(reader),
    lease: (present & putHas.lease) === 0 ? noLease : readLease(reader),
    previous: (present & putHas.previous) === 0 ? null : readItem(reader),
  };
}

function writeOptionalTtl(writer: ByteWriter, ttlMs: number | null): void {
  writer.u8(ttlMs === null ? 0 : 1);
  if (ttlMs !== null) writer.u53(ttlMs);
}

function readOptionalTtl(reader: ByteReader): number | null {
  return readFlag(reader) ? reader.u53() : null;
}
