/** `GET /healthz` and `GET /readyz`: whether the Worker lives, and whether a group can be used. */

import { Hono } from "hono";
import { probe } from "../../kv/operations.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import { refusalOf } from "../auth.ts";
import type { ClusterClient } from "../cluster.ts";
import { groupRequest } from "../group-request.ts";
import { onlyMethods } from "../method.ts";
import { jsonResponse } from "../respond.ts";
import { read } from "../read.ts";
import { defaultGroup } from "../target.ts";

/** Open to everybody, and whatever parameters a prober adds. */
export function livenessRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/healthz", async (c) => {
    // Where the group stands is for those who may call the rest.
    const refusal = await refusalOf(c.req.raw, c.env);
    return jsonResponse(200, { status: "ok" }, refusal === undefined ? cluster.lastPosition(defaultGroup) : undefined);
  });
  routes.all("/healthz", onlyMethods("GET, HEAD"));
  return routes;
}

export function readinessRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/readyz", (c) => readiness(cluster, c));
  routes.all("/readyz", onlyMethods("GET, HEAD"));
  return routes;
}

/** Ready is a group whose leader answers a linearizable read, here of a key that need not exist. */
async function readiness(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const request = groupRequest(c);
  const { position } = await read(cluster, request, "range", probe);
  return jsonResponse(200, { status: "ready", group: request.target.group, leader: position.leader }, position);
}
