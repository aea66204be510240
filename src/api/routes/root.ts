/** `GET /`: where a person who opens the address in a browser goes on. */

import { Hono } from "hono";
import type { ApiEnvironment } from "../app-types.ts";
import { onlyMethods } from "../method.ts";
import { refuseParameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";

/** Addresses that answer as they stand, and shapes of others. */
const signposts = {
  service: "durable-raft",
  api: "/openapi.json",
  cluster: "/v1/cluster",
  keys: "/v1/kv",
  key: "/v1/kv/{key}",
  groups: "/v1/groups/{group}/kv/{key}",
  etcd: "/v3/kv/range",
  metrics: "/metrics",
  ready: "/readyz",
} as const;

export function rootRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/", (c) => {
    refuseParameters(c.req.raw.url);
    return jsonResponse(200, signposts, undefined);
  });
  routes.all("/", onlyMethods("GET, HEAD"));
  return routes;
}
