/** Clients that watch all keys through any process, go on elsewhere when that ends, and note what they are told. */

import { request } from "undici";
import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../test/sim/random.ts";
import { nameIn } from "./face.ts";
import { send } from "./http.ts";

export interface WatchEvent {
  readonly revision: number;
  readonly key: string;
  /** Null for a delete. */
  readonly value: string | null;
}

/** What was told without a gap: all that happened after one revision, up to another. */
export interface Segment {
  readonly watcher: string;
  readonly afterRevision: number;
  /** Everything up to here has been told. */
  throughRevision: number;
  readonly events: WatchEvent[];
}

/** A stream that is silent for so long is given up; it was asked to say once a second how far it is. */
const silenceMs = 5000;

export class Watcher {
  readonly segments: Segment[] = [];
  /** How often a stream has ended, and how often what came next was forgotten. */
  readonly counts = { streams: 0, compacted: 0 };
  private readonly id: string;
  private readonly random: Random;
  private readonly urls: () => readonly string[];
  private lastEventId: string | null = null;
  private segment: Segment | null = null;
  private stopped = false;
  private abort = new AbortController();

  constructor(id: string, random: Random, urls: () => readonly string[]) {
    this.id = id;
    this.random = random;
    this.urls = urls;
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      this.counts.streams += 1;
      await this.follow(this.random.pick(this.urls())).catch(() => {});
      await sleep(this.random.between(20, 200));
    }
  }

  stop(): void {
    this.stopped = true;
    this.abort.abort();
  }

  /** Reads one stream to its end, whichever that is. */
  private async follow(url: string): Promise<void> {
    this.abort = new AbortController();
    let heardAtMs = performance.now();
    const guard = setInterval(() => {
      if (performance.now() - heardAtMs > silenceMs) this.abort.abort();
    }, 500);
    try {
      const headers = this.lastEventId === null ? {} : { "last-event-id": this.lastEventId };
      const { signal } = this.abort;
      const { statusCode, body } = await request(`${url}/v1/watch?progress=1s&timeout=2s`, { headers, signal });
      if (statusCode !== 200) return await this.refused(url, await body.text());
      let rest = "";
      body.setEncoding("utf8");
      for await (const text of body as AsyncIterable<string>) {
        heardAtMs = performance.now();
        const messages = (rest + text).split("\n\n");
        rest = messages.pop() ?? "";
        for (const message of messages) this.take(parseMessage(message));
      }
    } finally {
      clearInterval(guard);
    }
  }

  /** What comes next is forgotten: begins anew behind what can be read. */
  private async refused(url: string, text: string): Promise<void> {
    if (!text.includes('"compacted"')) return;
    await this.beginAnew(url);
  }

  private async beginAnew(url: string): Promise<void> {
    const read = await send("GET", `${url}/v1/kv?limit=1&timeout=2s`);
    if (typeof read !== "object" || read.status !== 200) return;
    const { revision } = JSON.parse(read.text) as { readonly revision: number };
    this.counts.compacted += 1;
    this.lastEventId = String(revision);
    this.begin(revision);
  }

  private begin(afterRevision: number): void {
    this.segment = { watcher: this.id, afterRevision, throughRevision: afterRevision, events: [] };
    this.segments.push(this.segment);
  }

  private take({ event, id, data }: Message): void {
    if (event === "created" && this.segment === null) this.begin(Number(id));
    if (event === "compacted") {
      // The next attempt is refused, and that is where it begins anew.
      this.abort.abort();
      return;
    }
    if (id !== null) this.lastEventId = id;
    const { segment } = this;
    if (segment === null) return;
    const told = JSON.parse(data) as Told;
    if (event === "progress") segment.throughRevision = Math.max(segment.throughRevision, told.revision ?? 0);
    if (event !== "put" && event !== "delete") return;
    const { key, value, mod_revision: revision } = told;
    segment.events.push({ revision, key, value: event === "put" ? nameIn(value ?? "") : null });
    // An id without a part is behind all of its revision.
    if (id !== null && /^\d+$/.test(id)) segment.throughRevision = Math.max(segment.throughRevision, revision);
  }
}

interface Told {
  readonly key: string;
  readonly value?: string;
  readonly mod_revision: number;
  readonly revision?: number;
}

interface Message {
  readonly event: string;
  readonly id: string | null;
  readonly data: string;
}

/** One server-sent event. */
function parseMessage(text: string): Message {
  const field = (name: string): string | null => {
    const line = text.split("\n").find((one) => one.startsWith(`${name}: `));
    return line === undefined ? null : line.slice(name.length + 2);
  };
  return { event: field("event") ?? "", id: field("id"), data: field("data") ?? "{}" };
}
