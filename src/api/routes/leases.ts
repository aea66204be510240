/** `/leases`: times to live that keys share. */

import { Hono } from "hono";
import { keyJson } from "../../kv/item-json.ts";
import { type LeaseId, noLease } from "../../kv/model.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { leaseIdOf, ttlMsOf } from "../coordination/place-request.ts";
import { ApiError, storeRefusal } from "../errors.ts";
import { groupRequest } from "../group-request.ts";
import { parseLeaseId } from "../lease-id.ts";
import { onlyMethods } from "../method.ts";
import type { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import { StoreClient } from "../store.ts";
import { idempotencyKeyOf } from "../write-request.ts";

export function leaseRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/leases", (c) => listLeases(cluster, c));
  routes.post("/leases", (c) => grantLease(cluster, c));
  routes.all("/leases", onlyMethods("GET, HEAD, POST"));
  routes.get("/leases/:id", (c) => showLease(cluster, c));
  routes.delete("/leases/:id", (c) => revokeLease(cluster, c));
  routes.all("/leases/:id", onlyMethods("GET, HEAD, DELETE"));
  routes.post("/leases/:id/keepalive", (c) => keepAlive(cluster, c));
  routes.all("/leases/:id/keepalive", onlyMethods("POST"));
  return routes;
}

/** `ttl=` is needed; `id=` chooses an id that no lease has. */
async function grantLease(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { store, parameters } = requestOf(cluster, c, ["timeout", "ttl", "id"]);
  const [ttlMs, id] = [ttlMsOf(parameters), leaseIdOf(parameters, "id")];
  if (ttlMs === undefined) throw new ApiError("invalid_parameter", "A lease needs a time to live, such as ttl=30s.");
  const idempotencyKey = idempotencyKeyOf(c.req.raw.headers);
  const isPlain = id === undefined && idempotencyKey === null;
  // A request that is sent again under its key must be the same, so the store chooses the id then.
  const granting = isPlain ? store.grantNewLease(ttlMs) : store.grantLease(id ?? noLease, ttlMs, { idempotencyKey });
  const granted = await granting;
  return jsonResponse(201, { id: granted.id, ttl_ms: granted.ttlMs, revision: granted.revision }, granted.position);
}

async function listLeases(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { store } = requestOf(cluster, c, ["timeout"]);
  const { ids, revision, position } = await store.query("leases", { kind: "leases" });
  return jsonResponse(200, { leases: ids.map((id) => ({ id })), revision }, position);
}

/** `keys=true` lists the keys that the lease has. */
async function showLease(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { store, parameters, id } = leaseOf(cluster, c, ["timeout", "keys"]);
  const withKeys = parameters.flag("keys");
  const { lease, keys, revision, position } = await store.query("lease", { kind: "lease", id, withKeys });
  if (lease === null) throw storeRefusal({ reason: "lease_not_found" }, { position });
  const body = {
    id,
    granted_ttl_ms: lease.grantedTtlMs,
    remaining_ms: lease.remainingMs,
    ...(withKeys && { keys: keys.map(keyJson) }),
    revision,
  };
  return jsonResponse(200, body, position);
}

/** The lease has all of its time again. */
async function keepAlive(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { store, id } = leaseOf(cluster, c, ["timeout"]);
  const { ttlsMs, position } = await store.keepAlive([id]);
  const [ttlMs] = ttlsMs;
  if (ttlMs === undefined || ttlMs === null) throw storeRefusal({ reason: "lease_not_found" }, { position });
  return jsonResponse(200, { id, ttl_ms: ttlMs }, position);
}

/** Deletes the lease's keys, too. */
async function revokeLease(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { store, id } = leaseOf(cluster, c, ["timeout"]);
  const { revision, position } = await store.revokeLease(id);
  return jsonResponse(200, { id, revision }, position);
}

interface LeaseRequest {
  readonly store: StoreClient;
  readonly parameters: Parameters;
}

function requestOf(cluster: ClusterClient, c: ApiContext, known: readonly string[]): LeaseRequest {
  const { target, parameters } = groupRequest(c, known);
  return { parameters, store: new StoreClient(cluster, target) };
}

function leaseOf(
  cluster: ClusterClient,
  c: ApiContext,
  known: readonly string[],
): LeaseRequest & { readonly id: LeaseId } {
  const request = requestOf(cluster, c, known);
  const id = parseLeaseId(c.req.param("id") ?? "");
  if (id !== undefined) return { ...request, id };
  throw new ApiError("invalid_parameter", "A lease is a whole number of 64 bits in decimal digits, and not 0.");
}
