/** How a reader of some part of a request refuses what it finds there. */

import { ApiError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";

/** Throws an error about the named value; `rule` goes on behind the name. */
export type Refuse = (name: string, rule: string) => never;

export function refuseWith(code: ErrorCode): Refuse {
  return (name, rule) => {
    throw new ApiError(code, `${name} ${rule}.`);
  };
}
