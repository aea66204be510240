/** `GET /metrics`: what all nodes of a group count, for Prometheus. */

import { Hono } from "hono";
import { internalPath } from "../../internal.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { mergeExpositions } from "../exposition.ts";
import { onlyMethods } from "../method.ts";
import { Parameters } from "../parameters.ts";
import { headersWith, uncached } from "../respond.ts";
import { splitPath, targetOf } from "../target.ts";

/** Prometheus gives a scrape ten seconds unless told otherwise. */
const maxMetricsMs = 2000;
const up = "durable_raft_node_up";
const decoder = new TextDecoder();

export function metricsRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/metrics", (c) => scrape(cluster, c));
  routes.all("/metrics", onlyMethods("GET, HEAD"));
  return routes;
}

async function scrape(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { group } = splitPath(c.req.path);
  const target = targetOf(c.env, group, new Parameters(c.req.raw.url, ["timeout"]));
  const attempts = await cluster.callAll(target, internalPath.metrics, maxMetricsMs);
  const texts = attempts.flatMap(({ attempt }) => (attempt.kind === "answer" ? [decoder.decode(attempt.body)] : []));
  const reachable = attempts.map(({ member, attempt }) => {
    return `${up}{group="${group}",node="${member.id}"} ${attempt.kind === "answer" ? 1 : 0}\n`;
  });
  const help = `# HELP ${up} Whether the node answered this scrape.\n# TYPE ${up} gauge\n`;
  const headers = headersWith(cluster.lastPosition(group), {
    "content-type": "text/plain; version=0.0.4; charset=utf-8",
    "cache-control": uncached,
  });
  return new Response(mergeExpositions([help + reachable.join(""), ...texts]), { headers });
}
