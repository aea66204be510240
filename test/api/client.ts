/** Requests to an app over fake nodes, as a client would make them. */

import { createApp } from "../../src/api/app.ts";
import type { Env } from "../../src/env.ts";
import { FakeNamespace } from "./fake-group.ts";

export interface ErrorBody {
  readonly error: { readonly code: string; readonly message: string; readonly ambiguous: boolean };
}

/** One isolate with its own view of the groups. */
export class TestClient {
  readonly nodes: FakeNamespace;
  private readonly env: Env;
  private readonly app = createApp();

  constructor(nodes = new FakeNamespace(), env: Partial<Env> = {}) {
    this.nodes = nodes;
    this.env = nodes.env(env);
  }

  async send(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    const url = path.startsWith("/") ? `http://localhost${path}` : path;
    return await this.app.fetch(new Request(url, { ...init, method }), this.env);
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send("GET", path, { headers });
  }

  put(path: string, body: BodyInit, headers: Record<string, string> = {}): Promise<Response> {
    return this.send("PUT", path, { body, headers });
  }

  delete(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.send("DELETE", path, { headers });
  }
}

/** The status and the code of an error: what a client acts on. */
export async function failure(response: Response): Promise<{ status: number; code: string; ambiguous: boolean }> {
  const { error } = await response.json<ErrorBody>();
  return { status: response.status, code: error.code, ambiguous: error.ambiguous };
}

/** The revisions in an entity tag and in a body are numbers of this store: a client need not know which. */
export function tag(response: Response): string {
  return response.headers.get("etag") ?? "";
}
