/** etcd's JSON gateway as a hono app: its paths, methods and headers, and what becomes of errors. */

import { Hono } from "hono";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { Parameters } from "../parameters.ts";
import { uncached } from "../respond.ts";
import { StoreClient } from "../store.ts";
import { defaultGroup, targetOf } from "../target.ts";
import { admit, isStranger, subprotocolOf, userNameEmpty } from "./access.ts";
import type { Call } from "./call.ts";
import { statusOf } from "./failures.ts";
import { lineStream } from "./line-stream.ts";
import type { Method, StreamMethod } from "./method.ts";
import { authenticatePath, methods, strangersMethods } from "./methods.ts";
import { readDocument, readDocuments } from "./request-body.ts";
import { socketStream } from "./socket-stream.ts";
import { StatusError } from "./status.ts";
import { etcdClusterVersion, etcdVersion } from "./version.ts";

/** What stands before `/v3/`, which is also where a client goes on from. */
const prefix = /^\/v1\/groups\/([^/]+)/;
const method = /\/v3(?:alpha|beta)?\/(.*)$/;
/** Pages of any origin may call: there is no right that a browser would add by itself. */
const allowOrigin = { "access-control-allow-origin": "*" };
/** Proxies take a connection for dead on which nothing comes for a minute or more. */
const maxSilenceMs = 50_000;
const corsHeaders = {
  ...allowOrigin,
  "access-control-allow-methods": "POST, GET, OPTIONS, PUT, DELETE",
  "access-control-allow-headers": "accept, content-type, authorization",
};

export function etcdRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  for (const version of ["v3", "v3beta", "v3alpha"]) {
    routes.all(`/${version}/*`, (c) => answer(cluster, c, method.exec(c.req.path)?.[1] ?? ""));
  }
  // Where antietcd's command line opens its WebSocket; below a group, the address is that of our own API.
  routes.get("/watch", (c, next) => (c.req.path === "/watch" && isUpgrade(c) ? answer(cluster, c, "watch") : next()));
  routes.get("/version", () => json({ etcdserver: etcdVersion, etcdcluster: etcdClusterVersion }));
  routes.get("/health", (c) => health(cluster, c));
  return routes;
}

async function answer(cluster: ClusterClient, c: ApiContext, path: string): Promise<Response> {
  const called = methods.get(path);
  if (c.req.method === "OPTIONS") return new Response(null, { headers: corsHeaders });
  if (called === undefined) return text(404, "Not Found");
  const isSocket = called.kind !== "unary" && c.req.method === "GET" && isUpgrade(c);
  if (c.req.method !== "POST" && !isSocket) return text(405, "Method Not Allowed");
  try {
    const allowed = await allowedMethod(c, path, called);
    const call = callOf(cluster, c);
    if (allowed.kind === "unary") return json(await allowed.answer(call, await readDocument(c.req.raw)));
    return isSocket ? overSocket(allowed, call, c.req.raw) : await overHttp(allowed, call, c.req.raw);
  } catch (error) {
    return failure(error, called.kind !== "unary");
  }
}

/** What a path stands for to this caller. Throws a `StatusError` where that is nothing. */
async function allowedMethod(c: ApiContext, path: string, called: Method): Promise<Method> {
  // Whoever authenticates may do so because his token is no good any more.
  if (path === authenticatePath) return called;
  if (!(await isStranger(c.req.raw, c.env))) return called;
  const open = strangersMethods.get(path);
  if (open === undefined) throw userNameEmpty();
  return open;
}

function isUpgrade(c: ApiContext): boolean {
  return c.req.header("upgrade")?.toLowerCase() === "websocket";
}

function overSocket(called: StreamMethod, call: Call, request: Request): Response {
  const serve = (requests: AsyncIterable<unknown>, send: (text: string) => Promise<void>, signal: AbortSignal) =>
    called.serve({ ...call, signal }, requests, send);
  return socketStream(serve, subprotocolOf(request.headers));
}

async function overHttp(called: StreamMethod, call: Call, request: Request): Promise<Response> {
  // One message and nothing else is read before a stream begins that takes no more than one.
  const requests = called.kind === "oneToMany" ? just(await readDocument(request)) : readDocuments(request);
  return await lineStream(
    (send, left) =>
      called.serve({ ...call, maxSilenceMs, signal: AbortSignal.any([call.signal, left]) }, requests, send),
    // Without the encoding, a Worker on a laptop compresses JSON for clients that can read that, and holds lines back.
    { ...headers(), "content-encoding": "identity" },
  );
}

async function* just(value: unknown): AsyncGenerator {
  yield value;
}

function callOf(cluster: ClusterClient, c: ApiContext): Call {
  const [start = "", group = defaultGroup] = prefix.exec(c.req.path) ?? [];
  const target = targetOf(c.env, group, new Parameters("", []));
  const store = new StoreClient(cluster, target);
  const url = new URL(c.req.raw.url).origin + start;
  return {
    cluster,
    store,
    target,
    url,
    signal: c.req.raw.signal,
    background: (work) => keepAlive(c, work),
  };
}

/** Lets work outlive the answer, where the platform might end it with that. */
function keepAlive(c: ApiContext, work: Promise<unknown>): void {
  try {
    c.executionCtx.waitUntil(work);
  } catch {
    // Without a context nothing ends it.
  }
}

/** Healthy is a group whose leader confirms that it leads. */
async function health(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  try {
    await admit(c.req.raw, c.env);
  } catch (error) {
    return failure(error, false);
  }
  try {
    await callOf(cluster, c).store.query("status", { kind: "status" });
    return json({ health: "true", reason: "" });
  } catch (error) {
    return json({ health: "false", reason: statusOf(error).message }, 503);
  }
}

/** Of a stream that has not begun: by a failure of the service, or by a message that was none. */
function failure(error: unknown, isStream: boolean): Response {
  const status = statusOf(error);
  const isOwn = !isStream || error instanceof StatusError;
  const retry = status.httpStatus === 503 || status.httpStatus === 429 ? { "retry-after": "1" } : {};
  return json(isOwn ? status.body() : status.streamBody(), status.httpStatus, retry);
}

function json(body: unknown, status = 200, more: Readonly<Record<string, string>> = {}): Response {
  const written = typeof body === "string" ? body : JSON.stringify(body);
  return new Response(written, { status, headers: { ...headers(), ...more } });
}

function headers(): Record<string, string> {
  return { "content-type": "application/json", "cache-control": uncached, ...allowOrigin };
}

function text(status: number, body: string): Response {
  return new Response(body, { status, headers: { "content-type": "text/plain; charset=utf-8", ...allowOrigin } });
}
