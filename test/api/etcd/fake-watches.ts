/** Streams of watch messages that a test writes itself, in place of those of nodes. */

import type { Call } from "../../../src/api/etcd/call.ts";
import type { ClusterClient, MessageStream } from "../../../src/api/cluster.ts";
import type { Position } from "../../../src/api/position.ts";
import type { StoreClient } from "../../../src/api/store.ts";
import type { SubscribeOptions } from "../../../src/api/subscription.ts";
import type { Item, WatchEvent, WatchMessage, WatchRequest } from "../../../src/kv/model.ts";
import { decodeWatchRequest, encodeWatchMessage } from "../../../src/kv/watch-codec.ts";
import { FakeNamespace } from "../fake-group.ts";

const position: Position = { node: "n2", term: "7", index: "9", leader: "n1", generation: 0 };

/** A stream as a node would send it. */
export class FakeStream implements MessageStream {
  readonly position = position;
  readonly request: WatchRequest;
  closed = false;
  private readonly messages: Uint8Array[] = [];
  private wake: () => void = () => undefined;

  constructor({ request }: SubscribeOptions) {
    this.request = decodeWatchRequest(request)!;
  }

  write(...messages: readonly WatchMessage[]): void {
    this.messages.push(...messages.map(encodeWatchMessage));
    this.wake();
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (this.messages.length === 0 && !this.closed) await new Promise<void>((resolve) => (this.wake = resolve));
    const value = this.messages.shift();
    return value === undefined || this.closed ? { done: true, value: undefined } : { done: false, value };
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.closed = true;
    this.wake();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

/** Everything that a call needs to watch. */
export class FakeWatches {
  readonly streams: FakeStream[] = [];
  readonly call: Call;
  /** What every stream begins with. */
  begin: readonly WatchMessage[] = [{ type: "created", revision: 5 }];

  constructor(signal: AbortSignal) {
    const subscribe = (_: unknown, options: SubscribeOptions): Promise<MessageStream> => {
      const stream = new FakeStream(options);
      stream.write(...this.begin);
      this.streams.push(stream);
      return Promise.resolve(stream);
    };
    this.call = {
      cluster: { subscribe } as unknown as ClusterClient,
      store: { query: () => Promise.resolve({ revision: 5, position }) } as unknown as StoreClient,
      target: { env: new FakeNamespace().env(), group: "default", members: [], timeoutMs: 1000 },
      url: "http://localhost",
      signal,
      background: () => undefined,
    };
  }

  get stream(): FakeStream {
    return this.streams.at(-1)!;
  }
}

export function putEvent(key: string, modRevision: number): WatchEvent {
  return { type: "put", item: itemOf(key, modRevision, "v"), previous: null };
}

export function deleteEvent(key: string, modRevision: number): WatchEvent {
  return { type: "delete", item: itemOf(key, modRevision, ""), previous: itemOf(key, modRevision - 1, "v") };
}

function itemOf(key: string, modRevision: number, value: string): Item {
  const [bytes, content] = [new TextEncoder().encode(key), new TextEncoder().encode(value)];
  const revisions = { createRevision: 2, modRevision, version: 1 };
  const texts = { lease: "0", contentType: "", metadata: "" };
  return { key: bytes, ...revisions, ...texts, valueBytes: content.length, value: content };
}
