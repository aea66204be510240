/** `POST /sessions`: opens a session of a client, which gives its idempotency keys a life of their own. */

import { Hono } from "hono";
import { maxSessionTtlMs } from "../../kv/limits.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { groupRequest } from "../group-request.ts";
import { Fields, readJsonBody } from "../json-fields.ts";
import { ttlMsOf } from "../lifetime.ts";
import { onlyMethods } from "../method.ts";
import { jsonResponse } from "../respond.ts";
import { idempotencyOf, write } from "../write.ts";

const defaultTtl = "1h";

export function sessionRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post("/sessions", (c) => open(cluster, c));
  routes.all("/sessions", onlyMethods("POST"));
  return routes;
}

/** The body is `{"ttl": "1h"}`, or nothing. A session lives that long beyond its last command. */
async function open(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { request, headers, target } = groupRequest(c);
  const idempotency = idempotencyOf(headers);
  const fields = new Fields(await readJsonBody(request), "", ["ttl"]);
  const ttlMs = ttlMsOf(fields.words("ttl") ?? defaultTtl, fields.refuse, maxSessionTtlMs);
  const { id, position } = await write(cluster, target, idempotency, "session", () => ({ kind: "sessionOpen", ttlMs }));
  return jsonResponse(201, { id, ttl_ms: ttlMs }, position);
}
