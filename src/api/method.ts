/** Answers for methods that a resource does not have. */

import type { Handler } from "hono";
import { ApiError } from "./errors.ts";

/** Where a `GET` has no end, there is nothing that its headers alone could tell: hono takes `HEAD` for it. */
export function refuseHead({ method }: Request): void {
  if (method === "HEAD") throw notAllowed("GET");
}

/** To be registered behind a path's methods. `allowed` is the header's value. */
export function onlyMethods(allowed: string): Handler {
  return () => {
    throw notAllowed(allowed);
  };
}

function notAllowed(allowed: string): ApiError {
  return new ApiError("method_not_allowed", `This address is for ${allowed} alone.`, {
    headers: { allow: allowed },
  });
}
