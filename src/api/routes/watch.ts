/** `GET /watch`: changes as they happen, as server-sent events or over a WebSocket. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { type EventBatches, eventStreamResponse } from "../event-stream.ts";
import { groupRequest } from "../group-request.ts";
import { onlyMethods, refuseHead } from "../method.ts";
import { bookmarkOf, checkGeneration } from "../seen.ts";
import { openSocketWatch, openWatch, type StoreWatch } from "../watch/store-watch.ts";
import { serverSentEvents } from "../watch/watch-json.ts";
import { watchOptionsOf, watchParameters } from "../watch/watch-parameters.ts";

export function watchRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/watch", (c) => watch(cluster, c));
  routes.all("/watch", onlyMethods("GET"));
  return routes;
}

/** Answers when the watch has begun: whatever is written after that is told. */
async function watch(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  refuseHead(c.req.raw);
  const { headers, target, parameters } = groupRequest(c, watchParameters);
  const options = watchOptionsOf(parameters, headers);
  if (headers.get("upgrade")?.toLowerCase() === "websocket") return await openSocketWatch(cluster, target, options);
  const end = new AbortController();
  const opened = await openWatch(cluster, target, { ...options, signal: end.signal });
  const bookmark = bookmarkOf(headers);
  if (bookmark !== undefined) {
    if (opened.position.generation > bookmark.generation) end.abort();
    checkGeneration(bookmark, opened.position);
  }
  return eventStreamResponse(eventsOf(opened), end, opened.position);
}

async function* eventsOf(watched: StoreWatch): EventBatches {
  yield serverSentEvents({ type: "created", revision: watched.revision }, watched.id);
  for (let message = await watched.next(); message !== undefined; message = await watched.next()) {
    yield serverSentEvents(message, watched.id);
  }
}
