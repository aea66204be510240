/** What every request for a group's data has: its group, its parameters, the rest of its path. */

import type { ApiContext } from "./app-types.ts";
import { Parameters } from "./parameters.ts";
import { splitPath, targetOf } from "./target.ts";
import type { Target } from "./target.ts";

export interface GroupRequest {
  readonly request: Request;
  readonly headers: Headers;
  readonly target: Target;
  /** The path behind that of the group, percent-encoded as it was sent. */
  readonly rest: string;
  readonly parameters: Parameters;
}

/** Throws for parameters that are not among the `known`; `timeout` is known to all. */
export function groupRequest(c: ApiContext, known: readonly string[] = []): GroupRequest {
  const request = c.req.raw;
  const { group, rest } = splitPath(c.req.path);
  const parameters = new Parameters(request.url, [...new Set(["timeout", ...known])]);
  return { request, headers: request.headers, target: targetOf(c.env, group, parameters), rest, parameters };
}
