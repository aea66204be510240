/** Requests of etcd's clients to an app over a group of the real store. */

import { createApp } from "../../../src/api/app.ts";
import type { Env } from "../../../src/env.ts";
import { StoreGroup } from "../store-group.ts";

export type Json = Record<string, unknown>;

export interface Reply {
  readonly status: number;
  readonly body: Json;
}

/** One isolate of the Worker. */
export class EtcdApp {
  readonly group: StoreGroup;
  private readonly app = createApp();
  private readonly more: Partial<Env>;

  constructor(more: Partial<Env> = {}, group = new StoreGroup()) {
    this.more = more;
    this.group = group;
  }

  /** `body` is sent as it is when it is a text. */
  async fetch(path: string, body: unknown = {}, init: RequestInit = {}): Promise<Response> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const request = new Request(`http://localhost${path}`, { method: "POST", body: text, ...init });
    return await this.app.fetch(request, { ...this.group.env(), ...this.more });
  }

  /** The answer without its header, which is the same in most. */
  async call(method: string, body: unknown = {}, init: RequestInit = {}): Promise<Reply> {
    const response = await this.fetch(`/v3/${method}`, body, init);
    const { header: _, ...rest } = await response.json<Json>();
    return { status: response.status, body: rest };
  }

  async header(method: string, body: unknown = {}): Promise<Json> {
    const { header } = await (await this.fetch(`/v3/${method}`, body)).json<{ header: Json }>();
    return header;
  }

  /** The store's revision. */
  async revision(): Promise<number> {
    return Number((await this.header("kv/range", { key: "AA==" }))["revision"]);
  }

  async put(key: string, value: string, more: Json = {}): Promise<Reply> {
    return await this.call("kv/put", { key: base64(key), value: base64(value), ...more });
  }

  /** The value of a key; undefined for none. */
  async value(key: string): Promise<string | undefined> {
    const { body } = await this.call("kv/range", { key: base64(key) });
    const [item] = (body["kvs"] ?? []) as { value?: string }[];
    return item && atob(item.value ?? "");
  }

  async stream(method: string, body: unknown = {}): Promise<LineReader> {
    return new LineReader(await this.fetch(`/v3/${method}`, body));
  }
}

/** Reads a stream chunk by chunk, as etcd's clients do: each must be one line. */
export class LineReader {
  readonly response: Response;
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(response: Response) {
    this.response = response;
    this.reader = (response.body as ReadableStream<Uint8Array>).getReader();
  }

  /** What the next line says in `result`, or all of it when that is an error; undefined after the last. */
  async next(): Promise<Json | undefined> {
    const { done, value } = await this.reader.read();
    if (done) return undefined;
    const text = new TextDecoder().decode(value);
    if (text.indexOf("\n") !== text.length - 1) throw new Error(`a chunk that is not one line: ${text}`);
    const line = JSON.parse(text) as { result?: Json };
    return line.result ?? line;
  }

  async all(): Promise<Json[]> {
    const lines: Json[] = [];
    for (let line = await this.next(); line !== undefined; line = await this.next()) lines.push(line);
    return lines;
  }

  async cancel(): Promise<void> {
    await this.reader.cancel();
  }
}

export function base64(text: string): string {
  return btoa(text);
}

/** By which numbers a client knows an error. */
export function codes({ status, body }: Reply): unknown[] {
  return [status, body["code"]];
}

/** What an error's body says. */
export function told({ status, body }: Reply): unknown[] {
  return [status, body["code"], body["message"]];
}
