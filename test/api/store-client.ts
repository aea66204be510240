/** Requests to an app over a group of the real store, and streams read event by event. */

import { createApp } from "../../src/api/app.ts";
import { ClusterClient } from "../../src/api/cluster.ts";
import { Parameters } from "../../src/api/parameters.ts";
import { StoreClient } from "../../src/api/store.ts";
import { targetOf } from "../../src/api/target.ts";
import type { Operation } from "../../src/kv/model.ts";
import { deleteOf, putOf } from "../../src/kv/operations.ts";
import { oneKey } from "../../src/kv/span.ts";
import { StoreGroup } from "./store-group.ts";

export interface Reply {
  readonly status: number;
  /** The body, or `error` of it. */
  readonly body: Record<string, unknown>;
}

/** A message of a stream of server-sent events. */
export interface Told {
  readonly event: string;
  readonly id: string | undefined;
  readonly data: Record<string, unknown>;
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
  async events(path: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const response = await this.fetch("GET", path, { headers });
    if (response.status !== 200) throw new Error(`HTTP ${response.status}: ${await response.text()}`);
    return new EventReader(response);
  }
}

export class EventReader {
  readonly response: Response;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly decoder = new TextDecoder();
  private text = "";

  constructor(response: Response) {
    this.response = response;
    if (response.body === null) throw new Error("a stream without a body");
    this.reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  /** The next event; undefined when the stream has ended. Comments and the time to wait are left out. */
  async next(): Promise<Told | undefined> {
    for (;;) {
      const end = this.text.indexOf("\n\n");
      if (end !== -1) {
        const block = this.text.slice(0, end);
        this.text = this.text.slice(end + 2);
        const told = readEvent(block);
        if (told !== undefined) return told;
        continue;
      }
      const { done, value } = await this.reader.read();
      if (done) return undefined;
      this.text += this.decoder.decode(value, { stream: true });
    }
  }

  async take(count: number): Promise<Told[]> {
    const taken: Told[] = [];
    while (taken.length < count) {
      const told = await this.next();
      if (told === undefined) throw new Error(`the stream ended after ${taken.length} of ${count} events`);
      taken.push(told);
    }
    return taken;
  }

  async cancel(): Promise<void> {
    await this.reader.cancel();
  }
}

function readEvent(block: string): Told | undefined {
  const fields = new Map(
    block.split("\n").map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).replace(/^ /, "")];
    }),
  );
  const [event, data] = [fields.get("event"), fields.get("data")];
  if (event === undefined || data === undefined) return undefined;
  return { event, id: fields.get("id"), data: JSON.parse(data) as Record<string, unknown> };
}
