/** A baseline: the same PUT and GET by key, kept by one plain Durable Object without Raft. */

import { DurableObject } from "cloudflare:workers";
import { Hono } from "hono";

interface Environment {
  readonly PLAIN_OBJECT: DurableObjectNamespace;
}

export class PlainObject extends DurableObject<Environment> {
  constructor(ctx: DurableObjectState, env: Environment) {
    super(ctx, env);
    ctx.storage.sql.exec(
      "CREATE TABLE IF NOT EXISTS pairs (key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL) WITHOUT ROWID",
    );
  }

  override async fetch(request: Request): Promise<Response> {
    const key = new URL(request.url).pathname;
    return request.method === "PUT" ? this.put(key, await request.arrayBuffer()) : this.get(key);
  }

  private put(key: string, value: ArrayBuffer): Response {
    const [row] = this.ctx.storage.sql
      .exec<{ version: number }>(
        `INSERT INTO pairs VALUES (?, ?, 1)
         ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = version + 1 RETURNING version`,
        key,
        value,
      )
      .toArray();
    return new Response(null, { status: 204, headers: { etag: `"${row?.version ?? 0}"` } });
  }

  private get(key: string): Response {
    const [row] = this.ctx.storage.sql
      .exec<{ value: ArrayBuffer; version: number }>("SELECT value, version FROM pairs WHERE key = ?", key)
      .toArray();
    if (row === undefined) return new Response(null, { status: 404 });
    return new Response(row.value, { headers: { etag: `"${row.version}"` } });
  }
}

const app = new Hono<{ Bindings: Environment }>();
app.on(["PUT", "GET"], "/v1/kv/:key{.+}", ({ env, req }) => env.PLAIN_OBJECT.getByName("plain").fetch(req.raw));

export default app;
