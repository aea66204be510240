/** The public API as one hono app: which resources there are, who may call them, what becomes of errors. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "./app-types.ts";
import { refusalOf } from "./auth.ts";
import { keepBookmark } from "./bookmark.ts";
import { ClusterClient } from "./cluster.ts";
import { refuseConditions } from "./conditions.ts";
import { ApiError, errorResponse, internalError } from "./errors.ts";
import { etcdRoutes } from "./etcd/routes.ts";
import { batchRoutes } from "./routes/batch.ts";
import { clusterRoutes } from "./routes/cluster.ts";
import { compactRoutes } from "./routes/compact.ts";
import { electionRoutes } from "./routes/elections.ts";
import { livenessRoutes, readinessRoutes } from "./routes/health.ts";
import { kvRoutes } from "./routes/kv.ts";
import { leaseRoutes } from "./routes/leases.ts";
import { lockRoutes } from "./routes/locks.ts";
import { memberRoutes } from "./routes/members.ts";
import { metricsRoutes } from "./routes/metrics.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { recoverRoutes } from "./routes/recover.ts";
import { rootRoutes } from "./routes/root.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { txnRoutes } from "./routes/txn.ts";
import { watchRoutes } from "./routes/watch.ts";
import { rawPath, splitPath } from "./target.ts";

/** What an isolate has seen of its groups belongs to the app: make one an isolate. */
export function createApp(): Hono<ApiEnvironment> {
  const cluster = new ClusterClient();
  const app = new Hono<ApiEnvironment>({ getPath: rawPath });
  app.route("/", livenessRoutes(cluster));
  // Its clients send the token in their own ways, and know errors by their own texts.
  const etcd = etcdRoutes(cluster);
  app.route("/", etcd).route("/v1/groups/:group", etcd);
  app.use(async (c, next) => {
    // Which group and which key are meant is read from the whole address.
    if (c.req.path.indexOf("/v1/") > 0) throw new ApiError("not_found", misplaced);
    const refusal = await refusalOf(c.req.raw, c.env);
    if (refusal !== undefined) throw refusal;
    await next();
  });
  app.use(async (c, next) => {
    await next();
    // The headers of a connection that was handed on are not ours to change.
    const isOwn = c.res.status !== 101;
    // A bookmark of another group is not to be kept.
    const isForeign = c.error instanceof ApiError && c.error.code === "future_index";
    if (isOwn && !isForeign) keepBookmark(c.req.raw.headers, c.res.headers);
  });
  app.use(async (c, next) => {
    // A condition is never dropped silently.
    const isRead = c.req.method === "GET" || c.req.method === "HEAD";
    if (!isRead && !isOfKeys(c.req.path)) refuseConditions(c.req.raw.headers);
    await next();
  });
  const [readiness, metrics] = [readinessRoutes(cluster), metricsRoutes(cluster)];
  app.route("/", readiness).route("/", metrics).route("/", openApiRoutes()).route("/", rootRoutes());
  const ofData = [kvRoutes, txnRoutes, batchRoutes, compactRoutes, sessionRoutes, watchRoutes];
  const ofNodes = [clusterRoutes, memberRoutes, recoverRoutes];
  const resources = [...ofData, leaseRoutes, lockRoutes, electionRoutes, ...ofNodes].map((routes) => routes(cluster));
  for (const group of ["/v1", "/v1/groups/:group"]) {
    for (const routes of [...resources, readiness, metrics]) app.route(group, routes);
  }
  app.notFound((c) => {
    return respondTo(
      new ApiError(
        "not_found",
        "There is nothing at this address. GET / names those that there are; a slash within a name is %2F.",
      ),
      c,
      cluster,
    );
  });
  app.onError((error, c) => {
    return respondTo(error instanceof ApiError ? error : internalError(c.req.method), c, cluster);
  });
  return app;
}

const misplaced =
  "The API's addresses begin with /v1/: below another path, hono's mount() takes that path off, route() does not.";

/** Only keys have revisions to compare with. */
function isOfKeys(path: string): boolean {
  return /^kv(?:\/|$)/.test(splitPath(path).rest);
}

/** Whoever is kept out is not told where the group stands. */
function respondTo(error: ApiError, c: ApiContext, cluster: ClusterClient): Response {
  const keptOut = error.code === "unauthorized" || error.code === "no_token_configured";
  return errorResponse(error, keptOut ? undefined : cluster.lastPosition(splitPath(c.req.path).group));
}
