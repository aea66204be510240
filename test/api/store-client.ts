/** Requests to an app over a group of the real store, and streams read event by event. */

import { createApp } from "../../src/api/app.ts";
import { ClusterClient } from "../../src/api/cluster.ts";
import { Parameters } from "../../src/api/parameters.ts";
import { StoreClient } from "../../src/api/store.ts";
import { targetOf } from "../../src/api/target.ts";
import type { Operation } from "../../src/kv/model.ts";
import { deleteOf, putOf } from "../../src/kv/operations.ts";
import { oneKey } from "../../src/kv/span.ts";
import { EventReader } from "../support/event-reader.ts";
import { StoreGroup } from "./store-group.ts";

export interface Reply {
  readonly status: number;
  /** The body, or `error` of it. */
  readonly body: Record<string, unknown>;
}

/** One isolate of the Worker. */
export class StoreApp {
  readonly group: StoreGroup;
  readonly store: StoreClient;
  private readonly app = createApp();

  constructor(group = new StoreGroup()) {
    this.group = group;
    const target = targetOf(group.env(), "default", new Parameters("?timeout=2s", ["timeout"]));
    this.store = new StoreClient(new ClusterClient(), target);
  }

  async fetch(method: string, path: string, init: RequestInit = {}): Promise<Response> {
    return await this.app.fetch(new Request(`http://localhost/v1/${path}`, { ...init, method }), this.group.env());
  }

  async call(method: string, path: string, body?: string, init: RequestInit = {}): Promise<Reply> {
    const response = await this.fetch(method, path, { ...init, ...(body !== undefined && { body }) });
    const answer: { readonly error?: Record<string, unknown> } = await response.json();
    return { status: response.status, body: answer.error ?? answer };
  }

  /** Writes as any client might. */
  async put(key: string, value: string, lease = "0"): Promise<number> {
    const encoder = new TextEncoder();
    const put = putOf({ key: encoder.encode(key), value: encoder.encode(value), contentType: "text/plain", lease });
    return await this.write(put);
  }

  async delete(key: string): Promise<number> {
    return await this.write(deleteOf(oneKey(new TextEncoder().encode(key))));
  }

  private async write(operation: Operation): Promise<number> {
    const txn = { kind: "txn", compares: [], success: [operation], failure: [] } as const;
    return (await this.store.txn(txn, { idempotencyKey: crypto.randomUUID() })).revision;
  }

  /** Opens a stream of server-sent events, which must begin. */
  async events(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<EventReader> {
    const response = await this.fetch(method, path, { headers });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    return new EventReader(response);
  }
}
