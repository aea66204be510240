/** Who may call etcd's API: whoever has the deployment's token, in any of the ways in which etcd's clients send one. */

import type { Env } from "../../env.ts";
import { areEqual, isOpen, localOnly } from "../auth.ts";
import { invalidArgument, StatusError } from "./status.ts";

const authorization = /^(?:Bearer +)?(\S+)$/i;
/** A browser can't set headers of a WebSocket, so the token comes as its second subprotocol. */
const subprotocols = /^ *Bearer *, *(\S+) *$/i;

/** Throws a `StatusError` for a request that may not pass. */
export async function admit(request: Request, env: Env): Promise<void> {
  if (await isStranger(request, env)) throw userNameEmpty();
}

/** By these words clients know that they have to authenticate. */
export function userNameEmpty(): StatusError {
  return invalidArgument("etcdserver: user name is empty");
}

/**
 * Whether somebody calls who has sent no token where one is needed. Throws a `StatusError` for a wrong one, and where there
 * is none to be had.
 */
export async function isStranger(request: Request, env: Env): Promise<boolean> {
  const token = env.API_TOKEN;
  if (token === undefined || token === "") {
    if (isOpen(request, env)) return false;
    const reason = env.RAFT_OPEN === "loopback" ? localOnly : "This deployment has no API token.";
    throw new StatusError("permissionDenied", `etcdserver: permission denied. ${reason}`);
  }
  const given = tokenOf(request.headers);
  if (given === undefined) return true;
  if (!(await areEqual(given, token))) throw new StatusError("unauthenticated", "etcdserver: invalid auth token");
  return false;
}

/** What a WebSocket that was opened with a token must be told; undefined without one. */
export function subprotocolOf(headers: Headers): string | undefined {
  return subprotocols.test(headers.get("sec-websocket-protocol") ?? "") ? "Bearer" : undefined;
}

function tokenOf(headers: Headers): string | undefined {
  const header = authorization.exec(headers.get("authorization") ?? "");
  return (header ?? subprotocols.exec(headers.get("sec-websocket-protocol") ?? ""))?.[1];
}
