/** Who may call the public API. */

import type { Env } from "../env.ts";
import { ApiError } from "./errors.ts";

const bearer = /^Bearer +(\S+)$/i;
const loopback = /^https?:\/\/(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d+)?(?:[/?#]|$)/i;
const encoder = new TextEncoder();

/** What keeps a request out; undefined for one that may pass. */
export async function refusalOf(request: Request, env: Env): Promise<ApiError | undefined> {
  const token = env.API_TOKEN;
  if (token === undefined || token === "") return isOpen(request, env) ? undefined : noToken(env);
  const [, given] = bearer.exec(request.headers.get("authorization") ?? "") ?? [];
  if (given !== undefined && (await areEqual(given, token))) return undefined;
  const headers = { "www-authenticate": 'Bearer realm="durable-raft"' };
  return new ApiError("unauthorized", "This API needs the header Authorization: Bearer <API_TOKEN>.", { headers });
}

/**
 * Whether requests pass without a token. A web page that has its own name resolve to this machine still sends that name: so
 * the name must be a loopback one. A page from elsewhere that calls this machine by its name says where it is from: so that
 * must be a loopback one, too.
 */
export function isOpen(request: Request, env: Env): boolean {
  const origin = request.headers.get("origin");
  return env.RAFT_OPEN === "loopback" && loopback.test(request.url) && (origin === null || loopback.test(origin));
}

function noToken(env: Env): ApiError {
  return new ApiError("no_token_configured", env.RAFT_OPEN === "loopback" ? localOnly : closed);
}

const closed =
  "This deployment has no API token, so it refuses everything but /healthz. Set one: npx wrangler secret put API_TOKEN";
/** Whoever runs it on his machine has no token to set, but another name to call it by. */
export const localOnly =
  "This server runs without a token, so it answers no host name but localhost and 127.0.0.1, and no page but theirs.";

/** Takes the same time whatever the texts have in common: their digests say nothing about them. */
export async function areEqual(one: string, other: string): Promise<boolean> {
  const [left, right] = await Promise.all([digest(one), digest(other)]);
  let difference = 0;
  for (const [at, byte] of left.entries()) difference |= byte ^ (right[at] ?? 0);
  return difference === 0;
}

async function digest(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", encoder.encode(text)));
}
