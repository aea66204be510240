/** A baseline: a Worker that reads the request and answers by itself, the most that workerd and the load generator reach. */

import { Hono } from "hono";

const value = new Uint8Array(100);

const app = new Hono();
app.put("/v1/kv/:key{.+}", async ({ req }) => {
  await req.arrayBuffer();
  return new Response(null, { status: 204 });
});
app.get("/v1/kv/:key{.+}", () => new Response(value));

export default app;
