/** Clients that watch all keys through any process, go on elsewhere when that ends, and note what they are told. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../../test/sim/random.ts";
import { send } from "./http.ts";
import type { Told, WatchEvent, WatchFace } from "./watch-face.ts";

/** What was told without a gap: all that happened after one revision, up to another. */
export interface Segment {
  readonly watcher: string;
  readonly afterRevision: number;
  /** Everything up to here has been told. */
  throughRevision: number;
  readonly events: WatchEvent[];
}

/** A stream that is silent for so long is given up. */
const silenceMs = 5000;
/** Streams are also left by themselves, after so long at most, so that what comes meanwhile must be caught up with. */
const mostStayMs = 10_000;
const mostAwayMs = 3000;
/** So long a stream that has ended is not missed. */
const mostPauseMs = 200;
const lookMs = 100;

export class Watcher {
  readonly segments: Segment[] = [];
  /** How many streams it has read, and how often what came next was forgotten. */
  readonly counts = { streams: 0, compacted: 0 };
  readonly id: string;
  private readonly face: WatchFace;
  private readonly random: Random;
  private readonly urls: () => readonly string[];
  private position: string | null = null;
  private segment: Segment | null = null;
  private stopped = false;
  private abort = new AbortController();

  constructor(id: string, face: WatchFace, random: Random, urls: () => readonly string[]) {
    this.id = id;
    this.face = face;
    this.random = random;
    this.urls = urls;
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      this.counts.streams += 1;
      const leaves = await this.follow(this.random.pick(this.urls())).catch(() => false);
      await sleep(this.random.between(20, leaves ? mostAwayMs : mostPauseMs));
    }
  }

  stop(): void {
    this.stopped = true;
    this.abort.abort();
  }

  /** Waits until everything up to a revision has been told, and answers how far it was told in time. */
  async until(revision: number, mostMs: number): Promise<number> {
    const told = (): number => this.segment?.throughRevision ?? 0;
    for (let waitedMs = 0; told() < revision && waitedMs < mostMs; waitedMs += lookMs) await sleep(lookMs);
    return told();
  }

  /** Reads one stream to its end, whichever that is. Answers whether it was left with no reason. */
  private async follow(url: string): Promise<boolean> {
    this.abort = new AbortController();
    let heardAtMs = performance.now();
    const untilMs = heardAtMs + this.random.between(0, mostStayMs);
    const hasStayed = (): boolean => performance.now() > untilMs;
    const guard = setInterval(() => {
      if (hasStayed() || performance.now() - heardAtMs > silenceMs) this.abort.abort();
    }, lookMs);
    try {
      for await (const told of this.face.open(url, this.position, this.abort.signal)) {
        heardAtMs = performance.now();
        if (told.kind === "compacted") return await this.beginAnew(url);
        this.take(told);
      }
      return false;
    } catch {
      return hasStayed();
    } finally {
      clearInterval(guard);
      this.abort.abort();
    }
  }

  /** What comes next is forgotten: goes on behind what can be read. */
  private async beginAnew(url: string): Promise<false> {
    const read = await send("GET", `${url}/v1/kv?limit=1&timeout=2s`);
    if (typeof read !== "object" || read.status !== 200) return false;
    const { revision } = JSON.parse(read.text) as { readonly revision: number };
    this.counts.compacted += 1;
    this.position = String(revision);
    this.begin(revision);
    return false;
  }

  private begin(afterRevision: number): void {
    this.segment = { watcher: this.id, afterRevision, throughRevision: afterRevision, events: [] };
    this.segments.push(this.segment);
  }

  private take(told: Told): void {
    if (told.kind === "created" && this.segment === null) {
      this.position = String(told.revision);
      this.begin(told.revision);
    }
    const { segment } = this;
    if (segment === null || (told.kind !== "event" && told.kind !== "progress")) return;
    this.position = told.position;
    if (told.kind === "event") segment.events.push(told.event);
    const through = told.kind === "progress" ? told.revision : told.isWhole ? told.event.revision : 0;
    segment.throughRevision = Math.max(segment.throughRevision, through);
  }
}
