/** The bytes of operations, transactions among them, in commands and queries. */

import type { ByteReader } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";
import { demand, readChoice, readInteger, readList, writeInteger, writeList } from "./codec.ts";
import { previousLevels, readKey, readLease, readSpan, writeLease, writeSpan } from "./item-codec.ts";
import { maxContentTypeLength, maxMetadataBytes, maxTtlMs, maxTxnDepth, maxValueBytes } from "./limits.ts";
import { noLease } from "./model.ts";
import type {
  Compare,
  DeleteOperation,
  IncrementOperation,
  Operation,
  PutOperation,
  RangeOperation,
  SortOrder,
  SortTarget,
  TxnOperation,
} from "./model.ts";
import { isHeaderText } from "./text.ts";

/**
 * How many operations and compares a command may have in all for its bytes to be read: many more than the store accepts,
 * which is to say why it refuses them, and few enough to be held in memory.
 */
export const maxReadOperations = 8192;

const kinds = ["put", "delete", "range", "increment", "txn"] as const satisfies readonly Operation["kind"][];
const putHas = { contentType: 1, metadata: 2, lease: 4, ttl: 8, ignoreValue: 64, ignoreLease: 128 } as const;
const previousShift = 4;
const previousMask = 3;
const rangeHas = { keysOnly: 1, countOnly: 2, limit: 4, revision: 8, sort: 16, bounds: 32 } as const;
const sortTargets: readonly SortTarget[] = ["key", "version", "create", "mod", "value"];
const sortOrders: readonly SortOrder[] = ["none", "ascend", "descend"];
const compareResults: readonly Compare["result"][] = ["equal", "notEqual", "less", "greater"];
const compareTargets: readonly Compare["target"][] = ["version", "create", "mod", "value", "lease"];
/** Room for everything in an operation but keys, values and texts. */
const operationFrameBytes = 32;

/** What reading one command may still use up. */
interface Budget {
  operations: number;
}

/** How much room an operation takes, more or less. */
export function operationBytes(operation: Operation): number {
  if (operation.kind !== "put") return operationFrameBytes + (operation.kind === "txn" ? 0 : operation.key.length);
  const { key, value, contentType, metadata } = operation;
  return operationFrameBytes + key.length + value.length + contentType.length + metadata.length;
}

export function writeOperation(writer: ByteWriter, operation: Operation): void {
  writer.u8(kinds.indexOf(operation.kind));
  switch (operation.kind) {
    case "put":
      writePut(writer, operation);
      break;
    case "delete":
      writeSpan(writer.u8(previousLevels.indexOf(operation.previous)), operation);
      break;
    case "range":
      writeRange(writer, operation);
      break;
    case "increment":
      writer.bytes(operation.key).i64(BigInt(operation.delta));
      break;
    case "txn":
      writeTxn(writer, operation);
      break;
  }
}

/** One operation of a transaction, and all that is in it. */
export function readOperation(reader: ByteReader): Operation {
  return readNested(reader, 2, { operations: maxReadOperations });
}

export function readTxn(reader: ByteReader): TxnOperation {
  return readTxnAt(reader, 1, { operations: maxReadOperations });
}

export function writeTxn(writer: ByteWriter, { compares, success, failure }: TxnOperation): void {
  writeList(writer, compares, writeCompare);
  writeList(writer, success, writeOperation);
  writeList(writer, failure, writeOperation);
}

export function writeRange(writer: ByteWriter, range: RangeOperation): void {
  const { sortTarget, sortOrder, limit, revision } = range;
  const bounds = [range.minModRevision, range.maxModRevision, range.minCreateRevision, range.maxCreateRevision];
  const isSorted = sortTarget !== "key" || sortOrder !== "none";
  const isBounded = bounds.some((bound) => bound !== 0);
  const present =
    (range.keysOnly ? rangeHas.keysOnly : 0) |
    (range.countOnly ? rangeHas.countOnly : 0) |
    (limit === 0 ? 0 : rangeHas.limit) |
    (revision === 0 ? 0 : rangeHas.revision) |
    (isSorted ? rangeHas.sort : 0) |
    (isBounded ? rangeHas.bounds : 0);
  writeSpan(writer.u8(present), range);
  if (limit !== 0) writeInteger(writer, limit);
  if (revision !== 0) writeInteger(writer, revision);
  if (isSorted) writer.u8(sortTargets.indexOf(sortTarget)).u8(sortOrders.indexOf(sortOrder));
  if (isBounded) for (const bound of bounds) writeInteger(writer, bound);
}

export function readRange(reader: ByteReader): RangeOperation {
  const present = reader.u8();
  demand(present < 64, "unknown part of a range");
  const span = readSpan(reader);
  const numberIf = (bit: number): number => ((present & bit) === 0 ? 0 : readInteger(reader));
  const limit = numberIf(rangeHas.limit);
  demand(limit >= 0, "limit");
  const revision = numberIf(rangeHas.revision);
  const isSorted = (present & rangeHas.sort) !== 0;
  return {
    kind: "range",
    ...span,
    limit,
    revision,
    sortTarget: isSorted ? readChoice(reader, sortTargets) : "key",
    sortOrder: isSorted ? readChoice(reader, sortOrders) : "none",
    keysOnly: (present & rangeHas.keysOnly) !== 0,
    countOnly: (present & rangeHas.countOnly) !== 0,
    minModRevision: numberIf(rangeHas.bounds),
    maxModRevision: numberIf(rangeHas.bounds),
    minCreateRevision: numberIf(rangeHas.bounds),
    maxCreateRevision: numberIf(rangeHas.bounds),
  };
}

function readNested(reader: ByteReader, depth: number, budget: Budget): Operation {
  budget.operations -= 1;
  demand(budget.operations >= 0, "operations");
  const kind = readChoice(reader, kinds);
  switch (kind) {
    case "put":
      return readPut(reader);
    case "delete":
      return readDelete(reader);
    case "range":
      return readRange(reader);
    case "increment":
      return readIncrement(reader);
    case "txn":
      return readTxnAt(reader, depth, budget);
  }
}

/** `depth` is that of this transaction: 1 for one that is in no other. */
function readTxnAt(reader: ByteReader, depth: number, budget: Budget): TxnOperation {
  demand(depth <= maxTxnDepth, "depth of transactions");
  const nested = (): Operation => readNested(reader, depth + 1, budget);
  const compares = readList(reader, () => {
    budget.operations -= 1;
    demand(budget.operations >= 0, "compares");
    return readCompare(reader);
  });
  return { kind: "txn", compares, success: readList(reader, nested), failure: readList(reader, nested) };
}

function writePut(writer: ByteWriter, put: PutOperation): void {
  const { contentType, metadata, lease, ttlMs } = put;
  const present =
    (contentType === "" ? 0 : putHas.contentType) |
    (metadata === "" ? 0 : putHas.metadata) |
    (lease === noLease ? 0 : putHas.lease) |
    (ttlMs === 0 ? 0 : putHas.ttl) |
    (put.ignoreValue ? putHas.ignoreValue : 0) |
    (put.ignoreLease ? putHas.ignoreLease : 0) |
    (previousLevels.indexOf(put.previous) << previousShift);
  writer.u8(present).bytes(put.key).bytes(put.value);
  if (contentType !== "") writer.text(contentType);
  if (metadata !== "") writer.text(metadata);
  if (lease !== noLease) writeLease(writer, lease);
  if (ttlMs !== 0) writer.u53(ttlMs);
}

function readPut(reader: ByteReader): PutOperation {
  const present = reader.u8();
  const previous = previousLevels[(present >> previousShift) & previousMask];
  demand(previous !== undefined, "unknown level");
  const key = readKey(reader);
  const value = reader.bytes();
  demand(value.length <= maxValueBytes, "value length");
  const put: PutOperation = {
    kind: "put",
    key,
    value,
    contentType: (present & putHas.contentType) === 0 ? "" : readContentType(reader),
    metadata: (present & putHas.metadata) === 0 ? "" : readMetadata(reader),
    lease: (present & putHas.lease) === 0 ? noLease : readLease(reader),
    ttlMs: (present & putHas.ttl) === 0 ? 0 : readTtl(reader),
    previous,
    ignoreValue: (present & putHas.ignoreValue) !== 0,
    ignoreLease: (present & putHas.ignoreLease) !== 0,
  };
  demand(isConsistent(put), "put of what is to be kept");
  return put;
}

/** A put says each thing once: a lease or a time, a value or that the old one stays. */
function isConsistent({ value, contentType, metadata, lease, ttlMs, ignoreValue, ignoreLease }: PutOperation): boolean {
  const leases = (lease === noLease ? 0 : 1) + (ttlMs === 0 ? 0 : 1) + (ignoreLease ? 1 : 0);
  const hasContent = value.length > 0 || contentType !== "" || metadata !== "";
  return leases <= 1 && !(ignoreValue && hasContent);
}

function readContentType(reader: ByteReader): string {
  const contentType = reader.text();
  demand(isHeaderText(contentType, maxContentTypeLength), "content type");
  return contentType;
}

function readMetadata(reader: ByteReader): string {
  const before = reader.remaining;
  const metadata = reader.text();
  demand(before - reader.remaining <= maxMetadataBytes + 4, "length of metadata");
  return metadata;
}

/** From one millisecond on. */
export function readTtl(reader: ByteReader): number {
  const ttlMs = reader.u53();
  demand(ttlMs >= 1 && ttlMs <= maxTtlMs, "time to live");
  return ttlMs;
}

function readDelete(reader: ByteReader): DeleteOperation {
  const previous = readChoice(reader, previousLevels);
  return { kind: "delete", ...readSpan(reader), previous };
}

function readIncrement(reader: ByteReader): IncrementOperation {
  return { kind: "increment", key: readKey(reader), delta: reader.i64().toString() };
}

function writeCompare(writer: ByteWriter, compare: Compare): void {
  writer.u8(compareResults.indexOf(compare.result)).u8(compareTargets.indexOf(compare.target));
  writeSpan(writer, compare);
  switch (compare.target) {
    case "value":
      writer.bytes(compare.operand);
      break;
    case "lease":
      writeLease(writer, compare.operand);
      break;
    case "version":
    case "create":
    case "mod":
      writeInteger(writer, compare.operand);
      break;
  }
}

function readCompare(reader: ByteReader): Compare {
  const result = readChoice(reader, compareResults);
  const target = readChoice(reader, compareTargets);
  const span = readSpan(reader);
  switch (target) {
    case "value": {
      const operand = reader.bytes();
      demand(operand.length <= maxValueBytes, "value length");
      return { ...span, result, target, operand };
    }
    case "lease":
      return { ...span, result, target, operand: readLease(reader) };
    case "version":
    case "create":
    case "mod":
      return { ...span, result, target, operand: readInteger(reader) };
  }
}
