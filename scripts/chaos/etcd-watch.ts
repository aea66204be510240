/** A watch over etcd's v3 API: a stream of JSON lines. */

import { request } from "undici";
import { nameIn } from "./face.ts";
import { split } from "./watch-face.ts";
import type { Told, WatchFace } from "./watch-face.ts";

/** The first of all keys and, as the end of a range, that which has none. */
const zero = btoa("\0");

export const etcdWatch: WatchFace = {
  name: "etcd",

  async *open(url, position, signal) {
    const start = position === null ? {} : { start_revision: String(Number(position) + 1) };
    const create = { create_request: { key: zero, range_end: zero, progress_notify: true, ...start } };
    const { statusCode, body } = await request(`${url}/v3/watch`, {
      method: "POST",
      body: JSON.stringify(create),
      signal,
    });
    if (statusCode !== 200) return await body.dump();
    for await (const line of split(body, "\n")) yield* toldBy(JSON.parse(line) as Line);
  },
};

interface Line {
  /** Missing in the line that ends a stream that has failed. */
  readonly result?: {
    readonly header: { readonly revision: string };
    readonly created?: boolean;
    readonly canceled?: boolean;
    readonly compact_revision?: string;
    readonly events?: readonly Event[];
  };
}

interface Event {
  readonly type?: "PUT" | "DELETE";
  readonly kv: { readonly key: string; readonly value?: string; readonly mod_revision: string };
}

function* toldBy({ result }: Line): Generator<Told> {
  if (result === undefined) return;
  const { header, created = false, compact_revision: compacted = "0", events = [] } = result;
  if (compacted !== "0") yield { kind: "compacted" };
  else if (created) yield { kind: "created", revision: Number(header.revision) };
  for (const [at, { type = "PUT", kv }] of events.entries()) {
    const revision = Number(kv.mod_revision);
    const event = { revision, key: atob(kv.key), value: type === "PUT" ? nameIn(atob(kv.value ?? "")) : null };
    // A response that is not divided has all events of each of its revisions.
    const isWhole = events[at + 1]?.kv.mod_revision !== kv.mod_revision;
    yield { kind: "event", event, position: String(isWhole ? revision : revision - 1), isWhole };
  }
}
