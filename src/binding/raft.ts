/** The store as a binding of other Workers: what the REST API does, in calls. */

import { WorkerEntrypoint } from "cloudflare:workers";
import type { StoreClient } from "../api/store.ts";
import type { Env } from "../env.ts";
import * as coordination from "./coordination.ts";
import { answering } from "./failure.ts";
import { RaftObserver } from "./observer.ts";
import * as reading from "./reading.ts";
import { type BindingProps, openStore } from "./session.ts";
import type * as types from "./types.ts";
import { openRaftWatch, type RaftWatch } from "./watch.ts";
import * as writing from "./writing.ts";

/**
 * To be bound by `[[services]]` in another Worker's wrangler.toml, with `entrypoint = "Raft"`. All methods throw a
 * `RaftError`, of which `code` says what is wrong, as in the REST API, and `ambiguous` whether it may still take effect.
 */
export class Raft extends WorkerEntrypoint<Env, BindingProps> {
  /** Null where there is no such key. */
  get(key: types.Bytes, options: types.ReadOptions = {}): Promise<types.Entry | null> {
    return this.call(async (store) => (await reading.getMany(store, [key], options))[0] ?? null);
  }

  /** The value as UTF-8; null where there is no such key. */
  async getText(key: types.Bytes, options: types.ReadOptions = {}): Promise<string | null> {
    return await this.call((store) => reading.getText(store, key, options));
  }

  /** The value as JSON; null where there is no such key. */
  getJson(key: types.Bytes, options: types.ReadOptions = {}): Promise<types.Json> {
    return this.call((store) => reading.getJson(store, key, options));
  }

  /** Up to 100 keys as they are at one revision, in their order. */
  getMany(keys: readonly types.Bytes[], options: types.ReadOptions = {}): Promise<(types.Entry | null)[]> {
    return this.call((store) => reading.getMany(store, keys, options));
  }

  /** A page of keys in the order of their bytes. */
  list(options: types.ListOptions = {}): Promise<types.ListResult> {
    return this.call((store) => reading.list(store, options));
  }

  put(
    key: types.Bytes,
    value: types.Bytes | ReadableStream<Uint8Array>,
    options: types.PutOptions = {},
  ): Promise<types.PutResult> {
    return this.call((store) => writing.put(store, key, value, options));
  }

  /** `deleted` is 0 where there was no such key. */
  delete(key: types.Bytes, options: types.DeleteOptions = {}): Promise<types.DeleteResult> {
    return this.call((store) => writing.remove(store, key, options));
  }

  /** All keys of a span, at one revision. */
  deleteMany(span: types.Span, options: types.WriteOptions = {}): Promise<types.DeleteResult> {
    return this.call((store) => writing.removeMany(store, span, options));
  }

  /** Adds to a number, a missing key being 0. */
  increment(
    key: types.Bytes,
    by: number | bigint = 1,
    options: types.WriteOptions & types.Conditions = {},
  ): Promise<types.IncrementResult> {
    return this.call((store) => writing.increment(store, key, by, options));
  }

  /** If all compares hold, `success` is done, else `failure`; all at one revision, or nothing at all. */
  txn(txn: types.Txn, options: types.WriteOptions = {}): Promise<types.TxnResult> {
    return this.call((store) => writing.transact(store, txn, options));
  }

  /** Changes as they happen, from when this is answered on. */
  watch(options: types.WatchOptions): Promise<RaftWatch> {
    return this.call((store) => openRaftWatch(store, options));
  }

  grantLease(ttlMs: number, options: { readonly id?: string } = {}): Promise<{ id: string; ttlMs: number }> {
    return this.call((store) => coordination.grantLease(store, ttlMs, options));
  }

  /** How long it lives from now on. */
  keepAlive(lease: string): Promise<number> {
    return this.call((store) => coordination.keepAlive(store, lease));
  }

  /** Deletes its keys, too. */
  revokeLease(lease: string): Promise<void> {
    return this.call((store) => coordination.revokeLease(store, lease));
  }

  /** Takes a lock, or waits for it. */
  lock(name: string, options: types.HoldOptions = {}): Promise<types.Held> {
    return this.hold("locks", name, options);
  }

  /** How long it is held from now on; fails with `lock_not_held` where it is not. */
  renewLock(name: string, place: types.PlaceName): Promise<number> {
    return this.call((store) => coordination.renewPlace(store, "locks", name, place));
  }

  /** False where it was not held any more. */
  unlock(name: string, place: types.PlaceName): Promise<boolean> {
    return this.call((store) => coordination.leavePlace(store, "locks", name, place));
  }

  /** Null for a free lock. */
  lockHolder(name: string): Promise<types.Holder | null> {
    return this.call((store) => coordination.holder(store, "locks", name));
  }

  /** Becomes a candidate, and leads or waits for it. */
  campaign(name: string, options: types.HoldOptions = {}): Promise<types.Held> {
    return this.hold("elections", name, options);
  }

  /** Gives the leader another value; fails with `not_elected` where the place does not lead. */
  proclaim(name: string, place: types.PlaceName, value: types.Bytes): Promise<void> {
    return this.call((store) => coordination.proclaim(store, name, place, value));
  }

  /** How long the candidacy lasts from now on; fails with `not_elected` where it has ended. */
  renewCandidacy(name: string, place: types.PlaceName): Promise<number> {
    return this.call((store) => coordination.renewPlace(store, "elections", name, place));
  }

  /** False where the candidacy had ended before. */
  resign(name: string, place: types.PlaceName): Promise<boolean> {
    return this.call((store) => coordination.leavePlace(store, "elections", name, place));
  }

  /** Null where nobody leads. */
  leader(name: string): Promise<types.Holder | null> {
    return this.call((store) => coordination.holder(store, "elections", name));
  }

  /** Who leads, now and whenever that changes. */
  observe(name: string): Promise<RaftObserver> {
    return this.call((store) =>
      Promise.resolve(new RaftObserver(store, coordination.placesOf(store, "elections", name))),
    );
  }

  private hold(kind: "locks" | "elections", name: string, options: types.HoldOptions): Promise<types.Held> {
    const background = (work: Promise<unknown>): void => this.ctx.waitUntil(work);
    return this.call((store) => coordination.hold(store, kind, name, options, background));
  }

  private call<Value>(work: (store: StoreClient) => Promise<Value>): Promise<Value> {
    return answering(() => work(openStore(this.env, this.ctx.props)));
  }
}
