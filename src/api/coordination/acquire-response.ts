/** Answers whoever asks for a place: when its turn has come or the time is over, or on a stream that is open until then. */

import type { ApiContext } from "../app-types.ts";
import type { ApiError } from "../errors.ts";
import { type EventBatches, eventStreamResponse } from "../event-stream.ts";
import { jsonResponse } from "../respond.ts";
import { refuseIdempotency } from "../write-request.ts";
import { acquire, type Acquired, type AcquireRequest } from "./acquire.ts";
import type { PlaceContext } from "./place-context.ts";
import { placeJson } from "./place-json.ts";
import { placeLeaseOf, waitMsOf } from "./place-request.ts";

/** An answer that is waited for in silence is lost on the way when that takes longer. */
const maxSilentWaitMs = 60_000;
const maxStreamWaitMs = 60 * 60 * 1000;
/** How soon it is found out that the reader of a stream has gone. */
const keepAliveMs = 2000;

/**
 * 201 for whoever has come to his turn, or what `refusal` says. With `Accept: text/event-stream` a stream of one event,
 * `held` or `failure`: comments before it keep the connection open, and tell when the client has gone.
 */
export async function acquireResponse(
  c: ApiContext,
  context: PlaceContext,
  value: Uint8Array,
  refusal: (acquired: Acquired & { readonly held: false }) => ApiError,
): Promise<Response> {
  refuseIdempotency(c.req.raw.headers, "take a lease and send lease=, with which the same place is found again");
  const isStream = c.req.header("accept")?.includes("text/event-stream") === true;
  const { parameters, store, places } = context;
  const end = new AbortController();
  const request: AcquireRequest = {
    value,
    lease: placeLeaseOf(parameters),
    waitMs: waitMsOf(parameters, isStream ? maxStreamWaitMs : maxSilentWaitMs),
    signal: AbortSignal.any([c.req.raw.signal, end.signal]),
    background: (work) => letFinish(c, work),
  };
  const acquiring = async (): Promise<Held> =>
    heldBy(context.name, request, await acquire(store, places, request), refusal);
  if (!isStream) {
    const { body, position } = await acquiring();
    return jsonResponse(201, body, position);
  }
  return eventStreamResponse(eventsOf(acquiring), end, undefined, keepAliveMs);
}

interface Held {
  readonly body: unknown;
  readonly position: Acquired["position"];
}

function heldBy(
  name: string,
  { lease }: AcquireRequest,
  acquired: Acquired,
  refusal: (acquired: Acquired & { readonly held: false }) => ApiError,
): Held {
  if (!acquired.held) throw refusal(acquired);
  const { place, revision, position } = acquired;
  const ttl = typeof lease === "object" ? { ttl_ms: lease.ttlMs } : {};
  return { body: { name, ...placeJson(place), ...ttl, revision }, position };
}

async function* eventsOf(acquiring: () => Promise<Held>): EventBatches {
  yield [{ event: "held", data: (await acquiring()).body }];
}

/** Lets work outlive the answer, where the platform might end it with that. */
function letFinish(c: ApiContext, work: Promise<unknown>): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Without a context nothing ends it.
  }
}
