/** The watches of one stream: several of them may come and go on it, told apart by their ids. */

import { maxKeyBytes } from "../../../kv/limits.ts";
import type { WatchEvent } from "../../../kv/model.ts";
import { compareBytes } from "../../../bytes/compare.ts";
import { ApiError } from "../../errors.ts";
import type { Position } from "../../position.ts";
import { openWatch } from "../../watch/store-watch.ts";
import type { StoreWatch } from "../../watch/store-watch.ts";
import type { SeenEvent, SeenMessage } from "../../watch/watch-cursor.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import type { Send } from "../method.ts";
import type { event, WatchCreateRequest, WatchRequestMessage, WatchResponse } from "../messages/watch.ts";
import { toCount } from "../numbers.ts";
import { keyValueOf } from "../responses.ts";
import type { Sent } from "../schema.ts";

/** How many watches one stream has at most. */
export const maxWatches = 1000;
/** How often a node says how far a watch without events is. It costs little, and keeps what is asked for again recent. */
const progressMs = 10_000;
/** How often a client is told so that has asked for it, when nothing else is: as etcd does. */
const notifyMs = 600_000;
const invalidId = -1n;
const firstKey = new Uint8Array(1);

interface Watcher {
  readonly id: bigint;
  readonly watch: StoreWatch;
  readonly request: WatchCreateRequest;
  /** All events up to this revision have been sent. */
  revision: number;
  /** Events of a revision whose last ones have not come yet. */
  held: SeenEvent[];
  sentAtMs: number;
}

export class WatchSession {
  private readonly call: Call;
  private readonly send: Send<WatchResponse>;
  private readonly watchers = new Map<bigint, Watcher>();
  /** The newest revision and place that any of the watches has told of. */
  private newest: { revision: number; position: Position } | undefined;
  private nextId = 0n;
  private closed = false;
  /** When anything was sent last. */
  private sentAtMs = Date.now();
  private readonly fail: (error: unknown) => void;

  /** `fail` is told when a watch can't be served any longer. */
  constructor(call: Call, send: Send<WatchResponse>, fail: (error: unknown) => void) {
    this.call = call;
    this.send = (response) => {
      this.sentAtMs = Date.now();
      return send(response);
    };
    this.fail = fail;
  }

  /** Settled when the answer to the request has been sent. */
  async take(request: WatchRequestMessage): Promise<void> {
    if (request.create_request !== null) await this.create(request.create_request);
    else if (request.cancel_request !== null) await this.cancel(request.cancel_request.watch_id);
    else if (request.progress_request !== null) await this.tellProgress();
  }

  close(): void {
    this.closed = true;
    for (const { watch } of this.watchers.values()) void watch.close();
    this.watchers.clear();
  }

  private async create(request: WatchCreateRequest): Promise<void> {
    const refusal = this.refusalOf(request);
    if (refusal !== undefined) return this.refuse(refusal);
    const id = this.idFor(request);
    let watch: StoreWatch;
    try {
      watch = await this.open(request);
    } catch (error) {
      if (!(error instanceof ApiError) || error.code !== "compacted") throw error;
      return this.beginCompacted(id, Number(error.facts["compact_revision"]));
    }
    // What has ended meanwhile does not begin again.
    if (this.closed) return watch.close();
    const start = toCount(request.start_revision);
    const revision = start === 0 ? watch.revision : Math.min(start - 1, watch.revision);
    const watcher: Watcher = { id, watch, request, revision, held: [], sentAtMs: Date.now() };
    this.watchers.set(id, watcher);
    const { position } = watch;
    this.see(watch.revision, position);
    await this.send({ header: header(this.call, { position, revision: watch.revision }), watch_id: id, created: true });
    void this.follow(watcher).catch(this.fail);
  }

  private open({ key, range_end: end, start_revision: start, ...request }: WatchCreateRequest): Promise<StoreWatch> {
    const { cluster, target, signal } = this.call;
    return openWatch(cluster, target, {
      // Without a key, the first of all keys is meant.
      key: key.length === 0 ? firstKey : key,
      rangeEnd: end.length === 0 ? null : end,
      from: { revision: toCount(start), events: 0 },
      withPrevious: request.prev_kv,
      noPut: request.filters.includes("NOPUT"),
      noDelete: request.filters.includes("NODELETE"),
      progressMs,
      signal,
    });
  }

  private refusalOf({ key, range_end: end, watch_id: id }: WatchCreateRequest): string | undefined {
    if (this.watchers.has(id) && id !== 0n) return "mvcc: duplicate watch ID provided on the WatchStream";
    if (key.length > maxKeyBytes || end.length > maxKeyBytes + 1) return "etcdserver: request is too large";
    if (isEmptySpan(key, end)) return "mvcc: watcher range is empty";
    return this.watchers.size >= maxWatches ? "etcdserver: too many watches on one stream" : undefined;
  }

  private idFor({ watch_id: id }: WatchCreateRequest): bigint {
    if (id !== 0n) return id;
    while (this.watchers.has(this.nextId)) this.nextId += 1n;
    this.nextId += 1n;
    return this.nextId - 1n;
  }

  private async refuse(reason: string): Promise<void> {
    const { position, revision } = await this.standing();
    await this.send({
      header: header(this.call, { position, revision }),
      watch_id: invalidId,
      created: true,
      canceled: true,
      cancel_reason: reason,
    });
  }

  /** What the watch was to begin with is forgotten: etcd creates it all the same, and then cancels it. */
  private async beginCompacted(id: bigint, compactRevision: number): Promise<void> {
    const found = await this.call.store.query("status", { kind: "status" });
    this.see(found.revision, found.position);
    await this.send({ header: header(this.call, found), watch_id: id, created: true });
    await this.sendCompacted(id, found.position, compactRevision);
  }

  private async sendCompacted(id: bigint, position: Position, compactRevision: number): Promise<void> {
    const canceled = { watch_id: id, canceled: true, compact_revision: compactRevision };
    await this.send({ header: header(this.call, { position }), ...canceled });
  }

  /** An unknown id is passed over in silence. */
  private async cancel(id: bigint): Promise<void> {
    const watcher = this.watchers.get(id);
    if (watcher === undefined) return;
    this.watchers.delete(id);
    await watcher.watch.close();
    const { position, revision } = await this.standing();
    await this.send({ header: header(this.call, { position, revision }), watch_id: id, canceled: true });
  }

  /** Up to where all watches of the stream have been told everything. */
  private async tellProgress(): Promise<void> {
    const standing = await this.standing();
    const revisions = [...this.watchers.values()].map(({ revision }) => revision);
    const revision = Math.min(standing.revision, ...revisions);
    await this.send({ header: header(this.call, { ...standing, revision }), watch_id: invalidId });
  }

  private async follow(watcher: Watcher): Promise<void> {
    for (;;) {
      const message = await watcher.watch.next();
      // Canceled, or the client is gone.
      if (this.watchers.get(watcher.id) !== watcher) return;
      if (message === undefined) {
        await this.end(watcher, "etcdserver: the watch was ended by the server");
        return;
      }
      this.see(message.revision, watcher.watch.position);
      if (message.type === "canceled") {
        await this.takeCanceled(watcher, message);
        return;
      }
      await this.pass(watcher, message);
    }
  }

  private async pass(watcher: Watcher, message: Exclude<SeenMessage, { type: "canceled" }>): Promise<void> {
    if (message.type === "events") await this.passEvents(watcher, message.revision, message.events);
    else watcher.revision = Math.max(watcher.revision, message.revision);
    const nowMs = Date.now();
    const isAwaited = watcher.request.progress_notify && nowMs - watcher.sentAtMs >= notifyMs;
    const { maxSilenceMs = Number.POSITIVE_INFINITY } = this.call;
    if (isAwaited || nowMs - this.sentAtMs >= maxSilenceMs) await this.tell(watcher, watcher.revision, {});
  }

  /** A revision's events come together, unless the client takes them in fragments. */
  private async passEvents(watcher: Watcher, revision: number, fresh: readonly SeenEvent[]): Promise<void> {
    const events = [...watcher.held, ...fresh];
    const last = events.at(-1);
    if (last === undefined) return;
    const isWhole = !last.id.includes(".");
    watcher.held = isWhole || watcher.request.fragment ? [] : events;
    watcher.revision = Math.max(watcher.revision, isWhole ? last.item.modRevision : last.item.modRevision - 1);
    if (watcher.held.length > 0) return;
    await this.tell(watcher, revision, { fragment: !isWhole, events: events.map(eventOf) });
  }

  private async tell(watcher: Watcher, revision: number, more: WatchResponse): Promise<void> {
    watcher.sentAtMs = Date.now();
    const { position } = watcher.watch;
    await this.send({ header: header(this.call, { position, revision }), watch_id: watcher.id, ...more });
  }

  private async takeCanceled(watcher: Watcher, message: Extract<SeenMessage, { type: "canceled" }>): Promise<void> {
    if (message.reason !== "compacted") {
      const why = message.reason === "slow" ? "the client reads too slowly" : "the server ended it";
      await this.end(
        watcher,
        `etcdserver: watch canceled, ${why}; nothing is missed from ${message.resumeRevision} on`,
      );
      return;
    }
    this.watchers.delete(watcher.id);
    await this.sendCompacted(watcher.id, watcher.watch.position, message.compactRevision);
  }

  private async end(watcher: Watcher, reason: string): Promise<void> {
    this.watchers.delete(watcher.id);
    await this.tell(watcher, watcher.revision, { canceled: true, cancel_reason: reason });
  }

  private see(revision: number, position: Position): void {
    if (this.newest === undefined || revision >= this.newest.revision) this.newest = { revision, position };
  }

  private async standing(): Promise<{ readonly revision: number; readonly position: Position }> {
    return this.newest ?? (await this.call.store.query("status", { kind: "status" }));
  }
}

/** A range that no key is in, which is another thing than one key, or all keys from one on. */
function isEmptySpan(key: Uint8Array, end: Uint8Array): boolean {
  return end.length > 0 && !(end.length === 1 && end[0] === 0) && compareBytes(end, key) <= 0;
}

function eventOf({ type, item, previous }: WatchEvent): Sent<typeof event> {
  const before = previous === null ? {} : { prev_kv: keyValueOf(previous) };
  if (type === "put") return { kv: keyValueOf(item), ...before };
  return { type: "DELETE", kv: { key: item.key, mod_revision: item.modRevision }, ...before };
}
