/** Places as JSON shows them. */

import { keyJson, valueJson } from "../../kv/item-json.ts";
import type { Place } from "./places.ts";

/** Without the value. */
export function placeJson({ token, lease, key }: Place): Record<string, unknown> {
  return { token, lease, ...keyJson(key) };
}

/** With the value, and the revision at which it was put. */
export function valuedPlaceJson(place: Place): Record<string, unknown> {
  return { ...placeJson(place), ...valueJson(place.value), revision: place.modRevision };
}
