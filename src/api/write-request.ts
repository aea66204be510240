/** Turns the headers and the body of a write into a command. */

import { encodeCommand } from "../kv/command.ts";
import type { Command, PutCommand } from "../kv/command.ts";
import { maxContentTypeLength, maxIdempotencyKeyLength } from "../kv/limits.ts";
import { isHeaderText } from "../kv/text.ts";
import { readBody } from "./body.ts";
import { writePrecondition } from "./conditions.ts";
import { ApiError } from "./errors.ts";

export async function putCommand(request: Request, key: Uint8Array): Promise<PutCommand> {
  const { headers } = request;
  const precondition = writePrecondition(headers);
  const contentType = headers.get("content-type") ?? "";
  if (!isHeaderText(contentType, maxContentTypeLength)) {
    throw new ApiError("invalid_header", `Content-Type is at most ${maxContentTypeLength} characters of ASCII.`);
  }
  const encoding = headers.get("content-encoding");
  if (encoding !== null && encoding.toLowerCase() !== "identity") {
    throw new ApiError("unsupported_encoding", "Values are stored as they are sent: use no Content-Encoding.");
  }
  if (headers.has("content-range")) throw new ApiError("invalid_header", "A value can't be put in parts.");
  return { kind: "put", key, precondition, idempotency: null, contentType, value: await readBody(request) };
}

/** The command's bytes, with the request's idempotency key if it has one. */
export async function encodeWrite(command: Command, idempotencyKey: string | null): Promise<Uint8Array> {
  const plain = encodeCommand(command);
  if (idempotencyKey === null) return plain;
  // All that the command does is in these bytes, so their digest tells one request from another.
  const fingerprint = new Uint8Array(await crypto.subtle.digest("SHA-256", plain));
  return encodeCommand({ ...command, idempotency: { key: idempotencyKey, fingerprint } });
}

export function idempotencyKeyOf(headers: Headers): string | null {
  const key = headers.get("idempotency-key");
  if (key === null || (key.length >= 1 && isHeaderText(key, maxIdempotencyKeyLength))) return key;
  throw new ApiError("invalid_header", `Idempotency-Key is 1 to ${maxIdempotencyKeyLength} characters of ASCII.`);
}
