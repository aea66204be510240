/** The resource of keys and values: which method of which path does what. */

import { Hono } from "hono";
import type { ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { onlyMethods } from "../method.ts";
import { deleteKeys } from "./kv-delete-range.ts";
import { getKeys } from "./kv-get.ts";
import { listKeys } from "./kv-list.ts";
import { getKey } from "./kv-read.ts";
import { deleteKey, incrementKey, putKey } from "./kv-write.ts";

export function kvRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  // The wildcard matches the path without it, too: so the list comes first. HEAD is GET without the body.
  routes.get("/kv", (c) => listKeys(cluster, c));
  routes.delete("/kv", (c) => deleteKeys(cluster, c));
  routes.all("/kv", onlyMethods("GET, HEAD, DELETE"));
  routes.get("/kv/*", (c) => getKey(cluster, c));
  routes.put("/kv/*", (c) => putKey(cluster, c));
  routes.delete("/kv/*", (c) => deleteKey(cluster, c));
  // Whatever a key ends with, POST means one thing: the last segment of the path says which.
  routes.post("/kv/*", (c) => incrementKey(cluster, c));
  routes.all("/kv/*", onlyMethods("GET, HEAD, PUT, DELETE, POST"));
  routes.post("/get", (c) => getKeys(cluster, c));
  routes.all("/get", onlyMethods("POST"));
  return routes;
}
