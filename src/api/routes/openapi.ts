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
  // Not made before somebody asks: an isolate has little time to start.
  let document: object | undefined;
  routes.get("/openapi.json", (c) => {
    refuseParameters(c.req.raw.url);
    document ??= describeApi(resources);
    return jsonResponse(200, document, undefined, { "cache-control": "no-cache" });
  });
  routes.all("/openapi.json", onlyMethods("GET, HEAD"));
  return routes;
}
