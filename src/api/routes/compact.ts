/** `POST /compact`: history before a revision is forgotten. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { groupRequest } from "../group-request.ts";
import { Fields, readJsonBody } from "../json-fields.ts";
import { onlyMethods } from "../method.ts";
import { jsonResponse } from "../respond.ts";
import { idempotencyOf, write } from "../write.ts";

export function compactRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post("/compact", (c) => compact(cluster, c));
  routes.all("/compact", onlyMethods("POST"));
  return routes;
}

/** The body is `{"revision": 7}`. The state at that revision, and all since, can still be read. */
async function compact(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { request, headers, target } = groupRequest(c);
  const idempotency = idempotencyOf(headers);
  const fields = new Fields(await readJsonBody(request), "", ["revision"]);
  const compactRevision = fields.number("revision");
  if (compactRevision < 1) fields.refuse("revision", "must be a whole number from 1 on");
  const body = { kind: "compact", revision: compactRevision } as const;
  const { revision, position } = await write(cluster, target, idempotency, "compacted", () => body);
  return jsonResponse(200, { compact_revision: compactRevision, revision }, position);
}
