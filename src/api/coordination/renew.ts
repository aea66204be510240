/** Renews the lease of a place, and says where it stands then. */

import type { LeaseId } from "../../kv/model.ts";
import type { Position } from "../position.ts";
import type { StoreClient } from "../store.ts";
import type { Place, Places } from "./places.ts";

export interface Renewed {
  readonly place: Place;
  readonly ttlMs: number;
  /** How many come before: 0 for whose turn it is. */
  readonly ahead: number;
  readonly position: Position;
}

/** Undefined where there is no such place any more. */
export async function renew(
  store: StoreClient,
  places: Places,
  by: { readonly token: number } | { readonly lease: LeaseId },
): Promise<Renewed | undefined> {
  // A lease has other keys, too, and must not live longer by a request that is refused.
  const lease = (await places.find(by))?.lease;
  if (lease === undefined) return undefined;
  const [ttlMs] = (await store.keepAlive([lease])).ttlsMs;
  if (ttlMs === undefined || ttlMs === null) return undefined;
  // Looked at after the renewal: what is there now was there all the time.
  const place = await places.find(by);
  if (place === undefined) return undefined;
  const ahead = await places.ahead(place.token);
  return { place, ttlMs, ahead: ahead.places.length, position: ahead.position };
}
