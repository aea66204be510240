/** Follows whose turn it is, and with which value, for as long as somebody wants to know. */

import type { KeySpan, WatchEvent } from "../../kv/model.ts";
import { ApiError } from "../errors.ts";
import type { Position } from "../position.ts";
import type { StoreClient } from "../store.ts";
import { openWatch } from "../watch/store-watch.ts";
import { placeOf } from "./places.ts";
import type { Place, Places } from "./places.ts";

export interface Observed {
  /** Undefined where nobody is there. */
  readonly first: Place | undefined;
  /** The store's revision when that was so. */
  readonly revision: number;
  readonly position: Position;
}

/** How long to wait before looking again where a watch ended without a reason to look. */
const pauseMs = 100;

/**
 * Begins with what is so now. All values that whoever is first gives himself are told in order; of those who are first for
 * so short a time that nobody could look meanwhile, some are left out. Ends with the signal.
 */
export async function* observe(
  store: StoreClient,
  places: Places,
  signal: AbortSignal,
): AsyncGenerator<Observed, void> {
  let told: Place | undefined | null = null;
  while (!signal.aborted) {
    const { places: found, revision, position } = await places.first();
    const [first] = found;
    if (told === null || told?.modRevision !== first?.modRevision) yield { first, revision, position };
    told = first;
    const span = first === undefined ? places.span : { key: first.key, rangeEnd: null };
    for await (const { type, item } of eventsFrom(store, span, revision + 1, signal)) {
      if (first === undefined || type === "delete") break;
      told = placeOf(item);
      yield { first: told, revision: item.modRevision, position };
    }
  }
}

/** Ends where the watch does, after a pause: it is time to look again. */
async function* eventsFrom(
  store: StoreClient,
  span: KeySpan,
  revision: number,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent, void> {
  const from = { revision, events: 0 };
  const watch = await openWatch(store.cluster, store.target, { ...span, from, signal }).catch((error: unknown) => {
    // What happened meanwhile is forgotten, but not what is there now.
    if (signal.aborted || (error instanceof ApiError && error.code === "compacted")) return undefined;
    throw error;
  });
  if (watch === undefined) return;
  try {
    for (let message = await watch.next(); message?.type === "events"; message = await watch.next()) {
      yield* message.events;
    }
  } finally {
    await watch.close();
  }
  await new Promise((resolve) => setTimeout(resolve, pauseMs));
}
