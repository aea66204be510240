/** Bytes and texts as other Workers send them. */

import { readStream } from "../api/body.ts";

const encoder = new TextEncoder();

/** Undefined for what is neither text nor bytes. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (typeof value === "string") return encoder.encode(value);
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  return undefined;
}

/** All of a stream, too, up to the size of a value. */
export async function gatheredBytes(value: unknown): Promise<Uint8Array | undefined> {
  return value instanceof ReadableStream ? await readStream(value as ReadableStream<Uint8Array>) : bytesOf(value);
}
