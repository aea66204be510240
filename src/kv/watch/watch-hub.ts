/** Everybody who watches the store on this node. */

import type { Sink, Subscription } from "../../machine.ts";
import type { StoreParts } from "../store/store-parts.ts";
import { Allowance } from "./allowance.ts";
import { Audiences } from "./audiences.ts";
import { tellBacklog } from "./backlog.ts";
import { tellLive } from "./live-feed.ts";
import { encodeMessage } from "./messages.ts";
import { placeOf } from "./place.ts";
import type { Extent, Place } from "./place.ts";
import { decodeBeginning, encodeResumption } from "./resumption.ts";
import type { WatchLimits } from "./watch-limits.ts";
import { Watcher } from "./watcher.ts";

/**
 * A watch is live, or behind. A live one is told of changes as they are published. One whose reader does not keep up falls
 * behind: it gets nothing more until its reader has taken what it has, and then what it missed, from the history and a part at
 * a time. So what waits for readers is bounded, however many changes there are, and nothing is lost or told twice, as each
 * watch knows its place in the history.
 */
export class WatchHub {
  private readonly parts: StoreParts;
  private readonly limits: WatchLimits;
  private readonly audiences = new Audiences();
  /** Those whose turn to be read is next are first. */
  private readonly behind = new Set<Watcher>();
  /** They begin in the future. */
  private readonly waiting = new Set<Watcher>();
  /** What live watches were told of. */
  private published: Extent;
  /** Messages about what is not stored yet. */
  private held: { readonly watcher: Watcher; readonly message: Uint8Array | string }[] = [];
  private totalPendingBytes = 0;
  private lookedAtMs = Number.NEGATIVE_INFINITY;
  /** What is left to be read for those behind, until something is published or time has passed. */
  private turn: Allowance;

  constructor(parts: StoreParts, limits: WatchLimits) {
    this.parts = parts;
    this.limits = limits;
    this.published = extentOf(parts);
    this.turn = this.newTurn();
  }

  subscribe(bytes: Uint8Array, sink: Sink): Subscription {
    const beginning = decodeBeginning(bytes);
    if (beginning === undefined) return this.refuse(sink);
    const { request, isResumed, rows } = beginning;
    const onPending = (more: number): void => {
      this.totalPendingBytes += more;
    };
    const watcher = new Watcher(request, sink, onPending);
    this.begin(watcher, request.startRevision, rows, isResumed);
    return {
      resumption: () => this.resumption(watcher),
      tick: (nowMs) => this.tick(watcher, nowMs),
      close: () => this.remove(watcher),
    };
  }

  /** Whether there is more to read for some watches, as time passes. */
  get owesMessages(): boolean {
    return this.behind.size > 0;
  }

  /** History is about to be forgotten in the turn that makes it: what live watches are to be told of it is kept. */
  hold(): void {
    this.tellLive((watcher, message) => this.held.push({ watcher, message }));
  }

  publish(): void {
    for (const { watcher, message } of this.held) if (watcher.progress.kind !== "ended") watcher.write(message);
    this.held = [];
    this.tellLive((watcher, message) => watcher.write(message));
    for (const watcher of this.waiting) {
      const { progress } = watcher;
      if (progress.kind !== "waiting" || progress.revision > this.published.revision) continue;
      this.fallBehind(watcher, placeOf(this.parts.history, progress.revision, progress.rows, this.published));
    }
    this.catchUpAll();
  }

  private tellLive(write: (watcher: Watcher, message: Uint8Array | string) => void): void {
    const extent = extentOf(this.parts);
    const { history } = this.parts;
    tellLive(history, this.audiences, this.published, extent, {
      limits: this.limits,
      write,
      isFull: (watcher) => this.isFull(watcher),
      fallBehind: (watcher, place) => this.fallBehind(watcher, place),
    });
    this.published = extent;
  }

  private begin(watcher: Watcher, startRevision: number, rows: number, isResumed: boolean): void {
    const { published } = this;
    if (startRevision > 0 && startRevision < this.parts.meta.compactRevision) {
      this.cancel(watcher, "compacted", startRevision);
      return;
    }
    if (!isResumed) watcher.say({ type: "created", revision: published.revision });
    if (startRevision === 0 || (startRevision === published.revision + 1 && rows === 0)) this.join(watcher);
    else if (startRevision > published.revision) {
      watcher.progress = { kind: "waiting", revision: startRevision, rows };
      this.waiting.add(watcher);
    } else {
      this.fallBehind(watcher, placeOf(this.parts.history, startRevision, rows, published));
      this.catchUp(watcher);
    }
  }

  /** For bytes that ask for nothing. */
  private refuse(sink: Sink): Subscription {
    const { revision } = this.published;
    const { compactRevision } = this.parts.meta;
    const [type, reason] = ["canceled", "ended"] as const;
    sink.write(encodeMessage({ type, revision, reason, compactRevision, resumeRevision: revision + 1 }, "binary"));
    sink.end();
    return { resumption: () => new Uint8Array(0), close: () => undefined };
  }

  /** Once a turn, those that are behind are read on. */
  private tick(watcher: Watcher, nowMs: number): void {
    if (nowMs !== this.lookedAtMs) {
      this.lookedAtMs = nowMs;
      this.catchUpAll();
    }
    const isStuck = watcher.progress.kind === "behind" && this.isFull(watcher);
    watcher.fullSinceMs = isStuck ? (watcher.fullSinceMs ?? nowMs) : null;
    if (watcher.fullSinceMs !== null && nowMs - watcher.fullSinceMs >= this.limits.maxFullMs) {
      this.cancel(watcher, "slow", this.nextOf(watcher).revision);
    } else this.tellProgress(watcher, nowMs);
  }

  private tellProgress(watcher: Watcher, nowMs: number): void {
    const { kind } = watcher.progress;
    const { progressMs } = watcher.request;
    if (kind === "ended" || kind === "behind" || progressMs === 0) return;
    watcher.silentSinceMs ??= nowMs;
    if (nowMs - watcher.silentSinceMs < progressMs || this.isFull(watcher)) return;
    watcher.say({ type: "progress", revision: this.published.revision });
    watcher.silentSinceMs = nowMs;
  }

  /** Reads on all that are behind, as far as a turn allows. */
  private catchUpAll(): void {
    this.turn = this.newTurn();
    const queue = [...this.behind];
    for (const watcher of queue) {
      if (this.turn.isSpent) return;
      // Whoever is still behind after this is the last to be read again.
      this.behind.delete(watcher);
      this.behind.add(watcher);
      this.catchUp(watcher);
    }
  }

  private catchUp(watcher: Watcher): void {
    const { progress } = watcher;
    if (progress.kind !== "behind" || this.turn.isSpent || this.isFull(watcher)) return;
    if (progress.place.revision < this.parts.meta.compactRevision) {
      this.cancel(watcher, "compacted", progress.place.revision);
      return;
    }
    const place = this.hasMissed(watcher, progress.place) ? this.tell(watcher, progress.place) : null;
    if (place === null || place.position > this.published.lastPosition) this.join(watcher);
    else watcher.progress = { kind: "behind", place };
  }

  private tell(watcher: Watcher, place: Place): Place {
    const { limits } = this;
    const allowance = new Allowance(limits.watchRows, limits.watchBytes).within(this.turn);
    const isFull = (): boolean => this.isFull(watcher);
    return tellBacklog(this.parts.history, watcher, place, this.published, allowance, { limits, isFull });
  }

  private newTurn(): Allowance {
    return new Allowance(this.limits.turnRows, this.limits.turnBytes);
  }

  /** Of a single key the index knows whether it has changed. */
  private hasMissed({ request, range }: Watcher, place: Place): boolean {
    if (request.rangeEnd !== null) return true;
    const newest = this.parts.index.newest(range.from);
    return newest !== undefined && newest.modRevision >= place.revision;
  }

  private isFull(watcher: Watcher): boolean {
    const { pendingBytes } = watcher;
    const { maxPendingBytes, maxTotalPendingBytes } = this.limits;
    return pendingBytes > maxPendingBytes || (pendingBytes > 0 && this.totalPendingBytes > maxTotalPendingBytes);
  }

  private join(watcher: Watcher): void {
    this.behind.delete(watcher);
    watcher.progress = { kind: "live" };
    this.audiences.join(watcher);
  }

  private fallBehind(watcher: Watcher, place: Place): void {
    this.audiences.leave(watcher);
    this.waiting.delete(watcher);
    watcher.progress = { kind: "behind", place };
    this.behind.add(watcher);
  }

  private remove(watcher: Watcher): void {
    this.audiences.leave(watcher);
    this.behind.delete(watcher);
    this.waiting.delete(watcher);
    watcher.leave();
  }

  private cancel(watcher: Watcher, reason: "compacted" | "slow", nextRevision: number): void {
    const { compactRevision } = this.parts.meta;
    this.remove(watcher);
    const resumeRevision = Math.max(nextRevision, compactRevision);
    watcher.end({ type: "canceled", revision: this.published.revision, reason, compactRevision, resumeRevision });
  }

  private resumption(watcher: Watcher): Uint8Array {
    const { revision, rows } = this.nextOf(watcher);
    return encodeResumption({ ...watcher.request, startRevision: revision }, rows);
  }

  /** What a watch is to be told of next. */
  private nextOf({ progress }: Watcher): { readonly revision: number; readonly rows: number } {
    switch (progress.kind) {
      case "behind":
        return progress.place;
      case "waiting":
        return progress;
      case "live":
      case "ended":
        return { revision: this.published.revision + 1, rows: 0 };
    }
  }
}

function extentOf({ meta: { revision, lastPosition } }: StoreParts): Extent {
  return { revision, lastPosition };
}
