/** Reads a request's body, never more of it than it may have. */

import { maxValueBytes } from "../kv/limits.ts";
import { ApiError } from "./errors.ts";

/** How long a body may be, and how to tell that it is too long. */
export interface BodyLimit {
  readonly maxBytes: number;
  readonly message: string;
}

const valueLimit: BodyLimit = {
  maxBytes: maxValueBytes,
  message: `A value is at most ${maxValueBytes} bytes long.`,
};

/** The whole body. Throws `too_large` before it has read more than the limit, and before anything else is done. */
export async function readBody(request: Request, limit = valueLimit): Promise<Uint8Array> {
  const length = request.headers.get("content-length");
  if (length === null) return await readStream(request.body as ReadableStream<Uint8Array> | null, limit);
  if (Number(length) > limit.maxBytes) throw tooLarge(limit);
  // HTTP ends the body at its announced length, so all of it may be read at once.
  const bytes = new Uint8Array(await request.arrayBuffer().catch(unreadable));
  if (bytes.length > limit.maxBytes) throw tooLarge(limit);
  return bytes;
}

/** Refuses a body where none means anything, rather than ignore what somebody meant by it. */
export async function refuseBody(request: Request, message: string): Promise<void> {
  const bytes = await readBody(request);
  if (bytes.length > 0) throw new ApiError("invalid_body", message);
}

/** All of a stream, with the same limit. */
export async function readStream(stream: ReadableStream<Uint8Array> | null, limit = valueLimit): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array(0);
  const reader = stream.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read().catch(unreadable);
    if (done) return concatenate(chunks, length);
    length += value.length;
    if (length > limit.maxBytes) {
      // The sender may not hear of it before it is done sending, or ever: nothing depends on that.
      void reader.cancel().catch(() => undefined);
      throw tooLarge(limit);
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

function tooLarge({ message }: BodyLimit): ApiError {
  return new ApiError("too_large", message);
}

/** A body that breaks off, or is no body at all, is the sender's. */
function unreadable(): never {
  throw new ApiError("invalid_body", "The body could not be read to its end.");
}
