/** The bytes of commands, as the log keeps them. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, demand, formatVersion, readInteger, readList, writeInteger, writeList } from "./codec.ts";
import { readLease, writeLease } from "./item-codec.ts";
import { maxIdempotencyKeyLength, maxSessionTtlMs } from "./limits.ts";
import { fingerprintBytes } from "./model.ts";
import type { Command, CommandBody, Idempotency } from "./model.ts";
import { operationBytes, readOperation, readTtl, readTxn, writeOperation, writeTxn } from "./operation-codec.ts";
import { isHeaderText } from "./text.ts";

/** `operation` is a transaction of nothing but one operation: what most commands are, and the shortest to write. */
const kinds = [
  ...(["operation", "txn", "compact", "leaseGrant", "leaseRevoke", "leaseKeepAlive"] as const),
  ...(["timer", "sessionOpen"] as const),
];
type Kind = (typeof kinds)[number];

/** Beside the kind, in one byte with it. */
const hasIdempotency = 128;
const hasAnswerLimit = 64;
/** Room for everything in a command but its operations and texts. */
const frameBytes = 16;

/** The command's bytes. Takes it as it is: `decodeCommand` is what enforces the limits. */
export function encodeCommand({ body, idempotency, maxAnswerBytes }: Command): Uint8Array<ArrayBuffer> {
  const kind = kindOf(body);
  const writer = new ByteWriter(frameBytes + bodyBytes(body) + idempotencyBytes(idempotency));
  const present = (idempotency === null ? 0 : hasIdempotency) | (maxAnswerBytes === undefined ? 0 : hasAnswerLimit);
  writer.u8(formatVersion).u8(kinds.indexOf(kind) | present);
  if (idempotency !== null) writer.text(idempotency.key).raw(idempotency.fingerprint).text(idempotency.session);
  if (maxAnswerBytes !== undefined) writer.u32(maxAnswerBytes);
  writeBody(writer, body);
  return writer.finish();
}

/** The command of these bytes, as views on them; undefined when they are none, or one beyond the limits. */
export function decodeCommand(bytes: Uint8Array): Command | undefined {
  return decode(bytes, readCommand);
}

function kindOf(body: CommandBody): Kind {
  return body.kind === "txn" && isSingle(body) ? "operation" : body.kind;
}

function isSingle({ compares, success, failure }: CommandBody & { kind: "txn" }): boolean {
  return compares.length === 0 && success.length === 1 && failure.length === 0;
}

function bodyBytes(body: CommandBody): number {
  return body.kind === "txn" ? body.success.reduce((sum, operation) => sum + operationBytes(operation), 16) : 16;
}

function idempotencyBytes(idempotency: Idempotency | null): number {
  return idempotency === null ? 0 : 8 + fingerprintBytes + idempotency.key.length + idempotency.session.length;
}

function writeBody(writer: ByteWriter, body: CommandBody): void {
  switch (body.kind) {
    case "txn": {
      const [first] = body.success;
      if (first !== undefined && isSingle(body)) writeOperation(writer, first);
      else writeTxn(writer, body);
      break;
    }
    case "compact":
      writeInteger(writer, body.revision);
      break;
    case "leaseGrant":
      writeLease(writer, body.id).u53(body.ttlMs);
      break;
    case "leaseRevoke":
      writeLease(writer, body.id);
      break;
    case "leaseKeepAlive":
      writeList(writer, body.ids, writeLease);
      break;
    case "timer":
      break;
    case "sessionOpen":
      writer.u53(body.ttlMs);
      break;
  }
}

function readCommand(reader: ByteReader): Command {
  const head = reader.u8();
  const kind = kinds[head & ~(hasIdempotency | hasAnswerLimit)];
  demand(kind !== undefined, "unknown command");
  const idempotency = (head & hasIdempotency) === 0 ? null : readIdempotency(reader);
  const limited = (head & hasAnswerLimit) === 0 ? {} : { maxAnswerBytes: reader.u32() };
  return { body: readBody(reader, kind), idempotency, ...limited };
}

function readBody(reader: ByteReader, kind: Kind): CommandBody {
  switch (kind) {
    case "operation":
      return { kind: "txn", compares: [], success: [readOperation(reader)], failure: [] };
    case "txn":
      return readTxn(reader);
    case "compact":
      return { kind, revision: readInteger(reader) };
    case "leaseGrant":
      return { kind, id: readLease(reader), ttlMs: readTtl(reader) };
    case "leaseRevoke":
      return { kind, id: readLease(reader) };
    case "leaseKeepAlive":
      return { kind, ids: readList(reader, readLease) };
    case "timer":
      return { kind };
    case "sessionOpen": {
      const ttlMs = readTtl(reader);
      demand(ttlMs <= maxSessionTtlMs, "time to live");
      return { kind, ttlMs };
    }
  }
}

function readIdempotency(reader: ByteReader): Idempotency {
  const key = reader.text();
  demand(key.length >= 1 && isHeaderText(key, maxIdempotencyKeyLength), "idempotency key");
  const fingerprint = reader.raw(fingerprintBytes);
  const session = reader.text();
  demand(isHeaderText(session, maxIdempotencyKeyLength), "session");
  return { key, fingerprint, session };
}
