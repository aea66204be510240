/** Reads a request's body, never more of it than a value may hold. */

import { maxValueBytes } from "../kv/limits.ts";
import { ApiError } from "./errors.ts";

/** The whole body. Throws `too_large` before it has read more than the limit, and before anything else is done. */
export async function readBody(request: Request): Promise<Uint8Array> {
  const length = request.headers.get("content-length");
  if (length === null) return await readStream(request.body as ReadableStream<Uint8Array> | null);
  if (Number(length) > maxValueBytes) throw tooLarge();
  // HTTP ends the body at its announced length, so all of it may be read at once.
  const bytes = new Uint8Array(await request.arrayBuffer().catch(unreadable));
  if (bytes.length > maxValueBytes) throw tooLarge();
  return bytes;
}

/** All of a stream, with the same limit. */
export async function readStream(stream: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array(0);
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(unreadable);
    if (done) return concatenate(chunks, length);
    length += value.length;
    if (length > maxValueBytes) {
      // The sender may not hear of it before it is done sending, or ever: nothing depends on that.
      void reader.cancel().catch(() => undefined);
      throw tooLarge();
    }
    chunks.push(value);
  }
}

function concatenate(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    whole.set(chunk, offset);
    offset += chunk.length;
  }
  return whole;
}

function tooLarge(): ApiError {
  return new ApiError("too_large", `A value is at most ${maxValueBytes} bytes long.`);
}

/** A body that breaks off, or is no body at all, is the sender's. */
function unreadable(): never {
  throw new ApiError("invalid_body", "The body could not be read to its end.");
}
