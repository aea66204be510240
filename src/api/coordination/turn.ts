/** Waits until it is a place's turn: until all that came before it have gone. */

import { ApiError } from "../errors.ts";
import type { StoreClient } from "../store.ts";
import { openWatch } from "../watch/store-watch.ts";
import type { Place, Places, Standing } from "./places.ts";

/** How long to wait before looking again where a watch ended without a reason to look. */
const pauseMs = 100;

/**
 * What was found when it was the place's turn; undefined when the place has gone, as by the end of its lease. Each place
 * waits for the one before it alone, so that one that leaves wakes no more than one. Throws the signal's reason when that
 * is given, and an `ApiError` when the store does not answer.
 */
export async function untilFirst(
  store: StoreClient,
  places: Places,
  { token }: Pick<Place, "token">,
  signal: AbortSignal,
): Promise<Standing | undefined> {
  for (;;) {
    signal.throwIfAborted();
    const standing = await unlessAborted(places.lastTwo(token), signal);
    const [own, before] = standing.places;
    if (own?.token !== token) return undefined;
    if (before === undefined) return standing;
    await untilDeleted(store, before.key, standing.revision + 1, signal);
  }
}

/** Returns when a key may have been deleted that was there before this revision. */
async function untilDeleted(store: StoreClient, key: Uint8Array, revision: number, signal: AbortSignal): Promise<void> {
  const from = { revision, events: 0 };
  const opened = openWatch(store.cluster, store.target, { key, rangeEnd: null, from, noPut: true, signal });
  const watch = await unlessAborted(opened, signal).catch((error: unknown) => {
    // What happened meanwhile is forgotten, but not what is there now.
    if (error instanceof ApiError && error.code === "compacted") return undefined;
    throw error;
  });
  if (watch === undefined) return;
  try {
    const message = await unlessAborted(watch.next(), signal);
    if (message?.type !== "events") await unlessAborted(sleep(pauseMs), signal);
  } finally {
    await watch.close();
  }
}

/** What a promise gives, or the signal's reason if that comes first: what was begun may go on for a while. */
async function unlessAborted<Value>(promise: Promise<Value>, signal: AbortSignal): Promise<Value> {
  const stop = Promise.withResolvers<never>();
  const abort = (): void => stop.reject(signal.reason as Error);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  try {
    return await Promise.race([promise, stop.promise]);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function sleep(durationMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, durationMs));
}
