/** `GET /openapi.json`: the whole API as machines read it. */

import { Hono } from "hono";
import type { ApiEnvironment } from "../app-types.ts";
import { onlyMethods } from "../method.ts";
import { describeApi } from "../openapi/document.ts";
import { resources } from "../openapi/resources.ts";
import { refuseParameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";

export function openApiRoutes(): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  const document = describeApi(resources);
  routes.get("/openapi.json", (c) => {
    refuseParameters(c.req.raw.url);
    return jsonResponse(200, document, undefined, { "cache-control": "no-cache" });
  });
  routes.all("/openapi.json", onlyMethods("GET, HEAD"));
  return routes;
}
