/** Results: how the store answers a command, and their bytes. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, formatVersion, readFlag, demand } from "./codec.ts";

/** The revisions of a key, as etcd counts them. */
export interface Revisions {
  /** The store's revision when the key was created. */
  readonly createRevision: number;
  /** The store's revision when the key was last put. */
  readonly modRevision: number;
  /** How often the key was put since its creation. */
  readonly version: number;
}

export type CommandResult =
  /** Put. The store's revision is the key's `modRevision`. */
  | ({ readonly status: "put"; readonly created: boolean } & Revisions)
  /** Deleted, which made the store's revision `revision`. The key's last revisions are given. */
  | ({ readonly status: "deleted"; readonly revision: number } & Revisions)
  /** Nothing changed: the key's `modRevision` is not what the precondition demands; null when there is no such key. */
  | { readonly status: "precondition_failed"; readonly modRevision: number | null }
  /** Nothing changed: there is no such key to delete. */
  | { readonly status: "not_found" }
  /** Nothing changed: another request used this idempotency key within its window. */
  | { readonly status: "idempotency_key_reused" }
  /** Nothing changed: the bytes are not a command, or one beyond the limits. */
  | { readonly status: "malformed" };

const statuses = ["put", "deleted", "precondition_failed", "not_found", "idempotency_key_reused", "malformed"] as const;

export function encodeResult(result: CommandResult): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(48).u8(formatVersion).u8(statuses.indexOf(result.status));
  switch (result.status) {
    case "put":
      writeRevisions(writer, result).u8(result.created ? 1 : 0);
      break;
    case "deleted":
      writeRevisions(writer, result).u53(result.revision);
      break;
    case "precondition_failed":
      // Revision 0 is never a key's: the empty store already has revision 1.
      writer.u53(result.modRevision ?? 0);
      break;
    case "not_found":
    case "idempotency_key_reused":
    case "malformed":
      break;
  }
  return writer.finish();
}

/** The result of these bytes; undefined when they are none. */
export function decodeResult(bytes: Uint8Array): CommandResult | undefined {
  return decode(bytes, readResult);
}

function readResult(reader: ByteReader): CommandResult {
  const status = statuses[reader.u8()];
  demand(status !== undefined, "unknown result");
  switch (status) {
    case "put":
      return { status, ...readRevisions(reader), created: readFlag(reader) };
    case "deleted":
      return { status, ...readRevisions(reader), revision: reader.u53() };
    case "precondition_failed":
      return { status, modRevision: reader.u53() || null };
    case "not_found":
    case "idempotency_key_reused":
    case "malformed":
      return { status };
  }
}

export function writeRevisions(writer: ByteWriter, revisions: Revisions): ByteWriter {
  return writer.u53(revisions.createRevision).u53(revisions.modRevision).u53(revisions.version);
}

export function readRevisions(reader: ByteReader): Revisions {
  return { createRevision: reader.u53(), modRevision: reader.u53(), version: reader.u53() };
}
