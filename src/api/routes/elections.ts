/** `/elections/{name}`: candidates, one of whom leads. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import { readBody } from "../body.ts";
import type { ClusterClient } from "../cluster.ts";
import type { Acquired } from "../coordination/acquire.ts";
import { acquireResponse } from "../coordination/acquire-response.ts";
import { observe } from "../coordination/observe.ts";
import type { Observed } from "../coordination/observe.ts";
import { placeContext } from "../coordination/place-context.ts";
import { placeJson, valuedPlaceJson } from "../coordination/place-json.ts";
import { acquireParameters, placeNamed, placeParameters } from "../coordination/place-request.ts";
import { renew } from "../coordination/renew.ts";
import { ApiError } from "../errors.ts";
import { begun, eventStreamResponse } from "../event-stream.ts";
import type { EventBatches } from "../event-stream.ts";
import { onlyMethods, refuseHead } from "../method.ts";
import { jsonResponse } from "../respond.ts";
import { idempotencyKeyOf } from "../write-request.ts";

export function electionRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/elections/:name", (c) => showElection(cluster, c));
  routes.all("/elections/:name", onlyMethods("GET, HEAD"));
  routes.get("/elections/:name/observe", (c) => observeElection(cluster, c));
  routes.all("/elections/:name/observe", onlyMethods("GET"));
  for (const [action, act] of Object.entries({ campaign, proclaim, resign, renew: renewCandidacy })) {
    routes.post(`/elections/:name/${action}`, (c) => act(cluster, c));
    routes.all(`/elections/:name/${action}`, onlyMethods("POST"));
  }
  return routes;
}

/** The body is the value that others see. */
async function campaign(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const context = placeContext(cluster, c, "elections", acquireParameters);
  return await acquireResponse(c, context, await readBody(c.req.raw), notElected);
}

function notElected({ place, ahead, position }: Acquired & { readonly held: false }): ApiError {
  const kept = place === undefined ? {} : { place: placeJson(place) };
  const message = ahead === 1 ? "Another candidate leads." : `${ahead} candidates lead, or came before.`;
  return new ApiError("not_elected", message, { position, facts: { ahead, ...kept } });
}

/** The leader gives itself another value. */
async function proclaim(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, places, parameters } = placeContext(cluster, c, "elections", placeParameters);
  const idempotencyKey = idempotencyKeyOf(c.req.raw.headers);
  const value = await readBody(c.req.raw);
  const place = await places.find(placeNamed(parameters));
  if (place === undefined) throw notThere();
  // Who leads does so until his place is gone: nobody gets in before him.
  const { places: before, position } = await places.ahead(place.token);
  if (before.length > 0) throw notElected({ held: false, place, ahead: before.length, position });
  const answer = await places.change(place, value, { idempotencyKey });
  if (!answer.txn.succeeded) throw notThere();
  const { revision } = answer;
  return jsonResponse(200, { name, ...valuedPlaceJson({ ...place, value, modRevision: revision }) }, answer.position);
}

/** Gives up leadership, or a candidacy. */
async function resign(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, places, parameters } = placeContext(cluster, c, "elections", placeParameters);
  const place = await places.find(placeNamed(parameters));
  const left = place && (await places.leave(place));
  if (place === undefined || left?.wasThere !== true) throw notThere();
  return jsonResponse(200, { name, ...placeJson(place), resigned: true, revision: left.revision }, left.position);
}

async function renewCandidacy(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, store, places, parameters } = placeContext(cluster, c, "elections", placeParameters);
  const renewed = await renew(store, places, placeNamed(parameters));
  if (renewed === undefined) throw notThere();
  const { place, ttlMs, ahead, position } = renewed;
  return jsonResponse(200, { name, ...placeJson(place), ttl_ms: ttlMs, leads: ahead === 0, ahead }, position);
}

async function showElection(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { name, places } = placeContext(cluster, c, "elections", ["timeout"]);
  const { places: found, count, revision, position } = await places.first();
  const [first] = found;
  const leader = first === undefined ? null : valuedPlaceJson(first);
  return jsonResponse(200, { name, leader, candidates: count, revision }, position);
}

/** `leader` with whoever leads, at once and with each change; `vacant` when there is nobody. */
async function observeElection(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  refuseHead(c.req.raw);
  const { store, places } = placeContext(cluster, c, "elections", ["timeout"]);
  const ended = new AbortController();
  const lastId = c.req.header("last-event-id");
  const events = await begun(eventsOf(observe(store, places, ended.signal), lastId));
  return eventStreamResponse(events, ended, cluster.lastPosition(store.target.group));
}

/** A client that comes back is not told again what it saw last. */
async function* eventsOf(observed: AsyncGenerator<Observed, void>, lastId: string | undefined): EventBatches {
  for await (const { first, revision } of observed) {
    if (first === undefined) yield [{ event: "vacant", id: String(revision), data: { revision } }];
    else if (String(first.modRevision) === lastId) yield [];
    else yield [{ event: "leader", id: String(first.modRevision), data: valuedPlaceJson(first) }];
  }
}

function notThere(): ApiError {
  return new ApiError("not_elected", "There is no such candidate: its lease has ended, it resigned, or never was.");
}
