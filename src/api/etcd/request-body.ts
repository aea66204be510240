/** Reads the JSON of a request's body, whatever its Content-Type says: one document, or one after the other. */

import { DocumentReader, parseJson } from "./json.ts";
import { invalidArgument } from "./status.ts";

/** etcd takes 1.5 MiB, which are 2 MiB in base64. */
export const maxDocumentBytes = 2 * 1024 * 1024;

/** An empty body stands for an empty object. Throws a `StatusError` for what is no JSON, or too much of it. */
export async function readDocument(request: Request): Promise<unknown> {
  const decoder = new TextDecoder();
  let text = "";
  let length = 0;
  for await (const chunk of chunksOf(request)) {
    length += chunk.length;
    if (length > maxDocumentBytes) throw invalidArgument("etcdserver: request is too large");
    text += decoder.decode(chunk, { stream: true });
  }
  text += decoder.decode();
  return text.trim() === "" ? {} : parseJson(text);
}

/** As they come in. Throws a `StatusError` at what is none, or too large. */
export async function* readDocuments(request: Request): AsyncGenerator {
  const reader = new DocumentReader(maxDocumentBytes);
  for await (const chunk of chunksOf(request)) {
    for (const text of reader.take(chunk)) yield parseJson(text);
  }
  reader.end();
}

async function* chunksOf(request: Request): AsyncGenerator<Uint8Array> {
  const body = request.body as ReadableStream<Uint8Array> | null;
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read().catch(unreadable);
      if (done) return;
      yield value;
    }
  } finally {
    // The sender may not hear of it before it is done sending: nothing depends on that.
    void reader.cancel().catch(() => undefined);
  }
}

function unreadable(): never {
  throw invalidArgument("the body could not be read to its end");
}
