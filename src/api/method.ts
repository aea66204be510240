/** Answers for methods that a resource does not have. */

import type { Handler } from "hono";
import { ApiError } from "./errors.ts";

/** To be registered behind a path's methods. `allowed` is the header's value. */
export function onlyMethods(allowed: string): Handler {
  return () => {
    throw new ApiError("method_not_allowed", `The methods of this address are ${allowed}.`, {
      headers: { allow: allowed },
    });
  };
}
