/** `POST /txn`: compares, and what is done if they hold or do not, all at one revision or not at all. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { groupRequest } from "../group-request.ts";
import { readJsonBody } from "../json-fields.ts";
import { onlyMethods } from "../method.ts";
import { OperationReader } from "../operations/read-operation.ts";
import { txnJson } from "../operations/show-result.ts";
import { jsonResponse } from "../respond.ts";
import { idempotencyOf, write } from "../write.ts";

export function txnRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post("/txn", (c) => transact(cluster, c));
  routes.all("/txn", onlyMethods("POST"));
  return routes;
}

/** 200 whether or not the compares held: `succeeded` says which. */
async function transact(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { request, headers, target } = groupRequest(c);
  const idempotency = idempotencyOf(headers);
  const body = await readJsonBody(request);
  const asked = (nowMs: number) => new OperationReader(nowMs).txn(body, "");
  const { txn, revision, position } = await write(cluster, target, idempotency, "txn", asked);
  return jsonResponse(200, { ...txnJson(txn, asked(0)), revision }, position);
}
