/** Commands: what changes the store, and their bytes in the log. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, formatVersion, readFlag, demand } from "./codec.ts";
import { maxContentTypeLength, maxIdempotencyKeyLength, maxKeyBytes, maxValueBytes } from "./limits.ts";
import { isHeaderText } from "./text.ts";

/** What must hold of the key for a command to take effect. */
export type Precondition =
  | { readonly kind: "none" }
  | { readonly kind: "absent" }
  | { readonly kind: "present" }
  | { readonly kind: "revision"; readonly modRevision: number };

/** Makes a command safe to repeat: the same key with the same fingerprint takes effect once. */
export interface Idempotency {
  readonly key: string;
  /** `fingerprintBytes` bytes that differ between different requests. */
  readonly fingerprint: Uint8Array;
}

interface Conditional {
  readonly key: Uint8Array;
  readonly precondition: Precondition;
  readonly idempotency: Idempotency | null;
}

export interface PutCommand extends Conditional {
  readonly kind: "put";
  /** As the client gave it; empty when it gave none. */
  readonly contentType: string;
  readonly value: Uint8Array;
}

export interface DeleteCommand extends Conditional {
  readonly kind: "delete";
}

export type Command = PutCommand | DeleteCommand;

/** The length of a SHA-256 digest. */
export const fingerprintBytes = 32;

const kinds = ["put", "delete"] as const;
const preconditions = ["none", "absent", "present", "revision"] as const;
/** Room for everything in a command but its key, its value and its texts. */
const frameBytes = 64;

/** The command's bytes. Takes it as it is: `decodeCommand` is what enforces the limits. */
export function encodeCommand(command: Command): Uint8Array<ArrayBuffer> {
  const { key, precondition, idempotency } = command;
  const textBytes = (idempotency?.key.length ?? 0) + fingerprintBytes;
  const payloadBytes = command.kind === "put" ? command.value.length + command.contentType.length : 0;
  const writer = new ByteWriter(frameBytes + key.length + textBytes + payloadBytes);
  writer.u8(formatVersion).u8(kinds.indexOf(command.kind)).u8(preconditions.indexOf(precondition.kind));
  if (precondition.kind === "revision") writer.u53(precondition.modRevision);
  writer.u8(idempotency === null ? 0 : 1);
  if (idempotency !== null) writer.text(idempotency.key).raw(idempotency.fingerprint);
  writer.bytes(key);
  if (command.kind === "put") writer.text(command.contentType).bytes(command.value);
  return writer.finish();
}

/** The command of these bytes, as views on them; undefined when they are none, or one beyond the limits. */
export function decodeCommand(bytes: Uint8Array): Command | undefined {
  return decode(bytes, readCommand);
}

function readCommand(reader: ByteReader): Command {
  const kind = kinds[reader.u8()];
  demand(kind !== undefined, "unknown command");
  const precondition = readPrecondition(reader);
  const idempotency = readFlag(reader) ? readIdempotency(reader) : null;
  const key = reader.bytes();
  demand(key.length >= 1 && key.length <= maxKeyBytes, "key length");
  if (kind === "delete") return { kind, key, precondition, idempotency };
  const contentType = reader.text();
  demand(isHeaderText(contentType, maxContentTypeLength), "content type");
  const value = reader.bytes();
  demand(value.length <= maxValueBytes, "value length");
  return { kind, key, precondition, idempotency, contentType, value };
}

function readPrecondition(reader: ByteReader): Precondition {
  const kind = preconditions[reader.u8()];
  demand(kind !== undefined, "unknown precondition");
  return kind === "revision" ? { kind, modRevision: reader.u53() } : { kind };
}

function readIdempotency(reader: ByteReader): Idempotency {
  const key = reader.text();
  demand(key.length >= 1 && isHeaderText(key, maxIdempotencyKeyLength), "idempotency key");
  return { key, fingerprint: reader.raw(fingerprintBytes) };
}
