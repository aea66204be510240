/** etcd's Auth service: there are no users or roles here, only the token of the deployment. */

import { areEqual } from "../../auth.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import type { authenticateRequest, authenticateResponse, authStatusResponse } from "../messages/auth.ts";
import type { ResponseHeader } from "../messages/common.ts";
import type { Received, Sent } from "../schema.ts";
import { invalidArgument, StatusError, unimplemented } from "../status.ts";

/** The token is everybody's password: whoever has it is given it back, as the token that the other calls take. */
export async function authenticate(
  call: Call,
  { password }: Received<typeof authenticateRequest>,
): Promise<Sent<typeof authenticateResponse>> {
  const token = tokenOf(call);
  if (token === undefined) throw new StatusError("failedPrecondition", "etcdserver: authentication is not enabled");
  if (!(await areEqual(password, token))) {
    throw invalidArgument("etcdserver: authentication failed, invalid user ID or password");
  }
  return { ...(await nothing(call)), token };
}

export async function authStatus(call: Call): Promise<Sent<typeof authStatusResponse>> {
  return { ...(await nothing(call)), enabled: tokenOf(call) !== undefined };
}

/** Where there is no such thing, etcd answers a header alone. */
export async function nothing(call: Call): Promise<{ readonly header: ResponseHeader }> {
  return { header: header(call, await call.store.query("status", { kind: "status" })) };
}

/** Every user or role that is named is one that does not exist. */
export function unknownName(kind: "user" | "role"): () => Promise<never> {
  return () => Promise.reject(new StatusError("failedPrecondition", `etcdserver: ${kind} name not found`));
}

export function noRoot(): Promise<never> {
  return Promise.reject(new StatusError("failedPrecondition", "etcdserver: root user does not exist"));
}

export function noAccounts(): Promise<never> {
  return Promise.reject(unimplemented("there are no users and roles here, only the token of the deployment"));
}

function tokenOf({ target }: Call): string | undefined {
  const token = target.env.API_TOKEN;
  return token === "" ? undefined : token;
}
