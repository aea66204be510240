/** `/locks/{name}`: fair locks with fencing tokens. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import { readBody } from "../body.ts";
import type { ClusterClient } from "../cluster.ts";
import type { Acquired } from "../coordination/acquire.ts";
import { acquireResponse } from "../coordination/acquire-response.ts";
import { placeContext } from "../coordination/place-context.ts";
import { placeJson, valuedPlaceJson } from "../coordination/place-json.ts";
import { acquireParameters, placeNamed, placeParameters } from "../coordination/place-request.ts";
import { renew } from "../coordination/renew.ts";
import { ApiError } from "../errors.ts";
import { onlyMethods } from "../method.ts";
import { jsonResponse } from "../respond.ts";

/** How many of those who wait are shown. */
const maxShown = 100;

export function lockRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/locks/:name", (c) => showLock(cluster, c));
  routes.post("/locks/:name", (c) => takeLock(cluster, c));
  routes.delete("/locks/:name", (c) => releaseLock(cluster, c));
  routes.all("/locks/:name", onlyMethods("GET, HEAD, POST, DELETE"));
  routes.post("/locks/:name/renew", (c) => renewLock(cluster, c));
  routes.all("/locks/:name/renew", onlyMethods("POST"));
  return routes;
}

/** The body is what others are shown of the holder. */
async function takeLock(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const context = placeContext(cluster, c, "locks", acquireParameters);
  return await acquireResponse(c, context, await readBody(c.req.raw), lockHeld);
}

function lockHeld({ place, ahead, position }: Acquired & { readonly held: false }): ApiError {
  const kept = place === undefined ? {} : { place: placeJson(place) };
  const message = ahead === 1 ? "Another client has the lock." : `${ahead} clients have the lock, or came before.`;
  return new ApiError("lock_held", message, { position, facts: { ahead, ...kept } });
}

async function showLock(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, places } = placeContext(cluster, c, "locks", ["timeout"]);
  const { places: listed, count, revision, position } = await places.list(maxShown + 1);
  const [first, ...waiting] = listed;
  const holder = first && (await places.at(first.key, revision)).places[0];
  const body = {
    name,
    held: holder !== undefined,
    holder: holder === undefined ? null : valuedPlaceJson(holder),
    waiting: Math.max(0, count - 1),
    queue: waiting.map(placeJson),
    revision,
  };
  return jsonResponse(200, body, position);
}

async function renewLock(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, store, places, parameters } = placeContext(cluster, c, "locks", placeParameters);
  const renewed = await renew(store, places, placeNamed(parameters));
  if (renewed === undefined) throw lockNotHeld();
  const { place, ttlMs, ahead, position } = renewed;
  return jsonResponse(200, { name, ...placeJson(place), ttl_ms: ttlMs, held: ahead === 0, ahead }, position);
}

/** Gives up a lock that is held, or a place among those who wait. */
async function releaseLock(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, places, parameters } = placeContext(cluster, c, "locks", placeParameters);
  const place = await places.find(placeNamed(parameters));
  const left = place && (await places.leave(place));
  if (place === undefined || left?.wasThere !== true) throw lockNotHeld();
  return jsonResponse(200, { name, ...placeJson(place), released: true, revision: left.revision }, left.position);
}

function lockNotHeld(): ApiError {
  return new ApiError("lock_not_held", "There is no such place: its lease has ended, it was given up, or never was.");
}
