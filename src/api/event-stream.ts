/** Answers with server-sent events (HTML Standard, section 9.2). */

import { ApiError, internalError } from "./errors.ts";
import type { Position } from "./position.ts";
import { headersWith } from "./respond.ts";

export interface ServerSentEvent {
  readonly event: string;
  /** What a client that comes back sends as `Last-Event-ID`. */
  readonly id?: string;
  readonly data: unknown;
}

/** What comes at once is given at once; it may be nothing. */
export type EventBatches = AsyncGenerator<readonly ServerSentEvent[], void>;

/** Proxies and clients take a connection for dead on which nothing comes for a minute, or half of one. */
const defaultKeepAliveMs = 15_000;
/** How long a client waits before it comes back. */
const retryMs = 1000;
/** Not `error`, which is what browsers call the loss of the connection. */
const failed = "failure";

const encoder = new TextEncoder();
const comment = encoder.encode(":\n\n");

/**
 * The events as they come, with comments in between that keep the connection open. `end` is aborted when the client has
 * gone: whatever the events come from should end with it.
 */
export function eventStreamResponse(
  events: EventBatches,
  end: AbortController,
  position: Position | undefined,
  keepAliveMs = defaultKeepAliveMs,
): Response {
  const headers = headersWith(position, {
    "content-type": "text/event-stream",
    // Neither kept nor gathered on the way.
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
  });
  return new Response(streamOf(events, end, keepAliveMs), { headers });
}

/** The same values, once the first of them is known: whatever keeps it from coming is thrown here. */
export async function begun(values: EventBatches): Promise<EventBatches> {
  const first = await values.next();
  return (async function* () {
    if (first.done === true) return;
    yield first.value;
    yield* values;
  })();
}

function streamOf(events: EventBatches, end: AbortController, keepAliveMs: number): ReadableStream<Uint8Array> {
  let timer: ReturnType<typeof setInterval> | null = null;
  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    end.abort();
  };
  return new ReadableStream<Uint8Array>({
    start(controller) {
      // The first bytes, as what follows may be a long time coming.
      controller.enqueue(encoder.encode(`retry: ${retryMs}\n\n`));
      timer = setInterval(() => {
        if ((controller.desiredSize ?? 0) > 0) controller.enqueue(comment);
      }, keepAliveMs);
    },
    async pull(controller) {
      const step = await events.next().catch(failure);
      if (end.signal.aborted) return;
      if (step.done !== true) {
        controller.enqueue(encodeEvents(step.value));
        return;
      }
      controller.close();
      stop();
    },
    cancel: stop,
  });
}

/** The last event of a stream that can't go on. A client that comes back gets what it has not had. */
function failure(error: unknown): { readonly done: false; readonly value: readonly ServerSentEvent[] } {
  const { code, message, ambiguous, facts } = error instanceof ApiError ? error : internalError("GET");
  return { done: false, value: [{ event: failed, data: { code, message, ambiguous, ...facts } }] };
}

function encodeEvents(events: readonly ServerSentEvent[]): Uint8Array {
  return events.length === 0 ? comment : encoder.encode(events.map(textOf).join(""));
}

/** JSON has no line ends, so one line holds the data. */
function textOf({ event, id, data }: ServerSentEvent): string {
  const lines = [`event: ${event}`, ...(id === undefined ? [] : [`id: ${id}`]), `data: ${JSON.stringify(data)}`];
  return `${lines.join("\n")}\n\n`;
}
