/** Makes a command's bytes, with an idempotency key if the request has one. */

import { encodeCommand } from "../kv/command-codec.ts";
import type { CommandBody } from "../kv/model.ts";

/** Null for a command that does no harm when it is repeated, or that nobody repeats. */
export async function encodeWrite(body: CommandBody, idempotencyKey: string | null): Promise<Uint8Array<ArrayBuffer>> {
  const plain = encodeCommand({ body, idempotency: null });
  if (idempotencyKey === null) return plain;
  // All that the command does is in these bytes, so their digest tells one request from another.
  const fingerprint = new Uint8Array(await crypto.subtle.digest("SHA-256", plain));
  return encodeCommand({ body, idempotency: { key: idempotencyKey, fingerprint, session: "" } });
}
