/** A request about a lock or an election: whose places are meant, and who asks. */

import type { ApiContext } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { groupRequest } from "../group-request.ts";
import type { Parameters } from "../parameters.ts";
import { StoreClient } from "../store.ts";
import { nameOf, storedName } from "./names.ts";
import { Places } from "./places.ts";

export interface PlaceContext {
  readonly name: string;
  readonly store: StoreClient;
  readonly places: Places;
  readonly parameters: Parameters;
}

/** The path is `{kind}/{name}`, with whatever follows. */
export function placeContext(
  cluster: ClusterClient,
  c: ApiContext,
  kind: "locks" | "elections",
  known: readonly string[],
): PlaceContext {
  const { target, rest, parameters } = groupRequest(c, known);
  const store = new StoreClient(cluster, target);
  const name = nameOf(rest.split("/")[1] ?? "");
  return { name, store, parameters, places: new Places(store, storedName(kind, name)) };
}
