/** An answer that is a stream of JSON lines: each message is written at once, as a chunk of its own. */

import { statusOf } from "./failures.ts";
import type { Send } from "./method.ts";

/** Writes to the stream; ends when the stream is to end. */
export type Serve = (send: Send<string>, signal: AbortSignal) => Promise<void>;

const encoder = new TextEncoder();

/**
 * Settled with the first message, so that whoever has the headers may rely on what that says; rejected when there is none
 * because `serve` has failed. A later failure is the last line. The signal is aborted when the client is gone.
 */
export async function lineStream(serve: Serve, headers: HeadersInit): Promise<Response> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const controller = new AbortController();
  // Whoever reads no longer makes the writer fail.
  void writer.closed.catch(() => controller.abort());
  const { promise: begun, resolve: begin, reject: refuse } = Promise.withResolvers<void>();
  let isBegun = false;
  const send = async (line: string): Promise<void> => {
    isBegun = true;
    begin();
    await writer.write(encoder.encode(`${line}\n`)).catch(() => controller.abort());
  };
  const served = serve(send, controller.signal).then(begin, async (error: unknown) => {
    if (!isBegun) refuse(error);
    else if (!controller.signal.aborted) await send(JSON.stringify(statusOf(error).streamBody()));
  });
  void served.then(() => writer.close()).catch(() => undefined);
  await begun;
  return new Response(readable, { headers });
}
