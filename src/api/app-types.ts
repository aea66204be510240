/** The types that hono gives the handlers of this API. */

import type { Context } from "hono";
import type { Env } from "../env.ts";

export interface ApiEnvironment {
  Bindings: Env;
}

export type ApiContext = Context<ApiEnvironment>;
