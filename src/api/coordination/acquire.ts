/** Takes a place and waits for its turn: what a lock and a candidacy have in common. */

import type { LeaseId } from "../../kv/model.ts";
import { type ApiError, storeRefusal } from "../errors.ts";
import { hexOfLease } from "../lease-id.ts";
import type { Position } from "../position.ts";
import type { Repetition, StoreClient } from "../store.ts";
import type { Place, Places, Ticket } from "./places.ts";
import { untilFirst } from "./turn.ts";

/**
 * The lease that a place is to have: the place lasts as long as that does, and is found again when it is asked for again.
 * Or how long one of its own lives: that is renewed while the place waits, and ends if its turn does not come.
 */
export type PlaceLease = LeaseId | { readonly ttlMs: number };

export interface AcquireRequest {
  readonly value: Uint8Array;
  readonly lease: PlaceLease;
  /** How long to wait; 0 takes what is free, and no place behind others. */
  readonly waitMs: number;
  /** Whoever asks has gone. */
  readonly signal?: AbortSignal;
  /** Takes care of work that nobody waits for. */
  background(work: Promise<unknown>): void;
}

export type Acquired =
  | { readonly held: true; readonly place: Place; readonly revision: number; readonly position: Position }
  | {
      readonly held: false;
      /** The place that is kept, if one is. */
      readonly place: Place | undefined;
      /** How many come before. */
      readonly ahead: number;
      readonly position: Position;
    };

/** How often a lease is renewed within its time. */
const renewals = 3;
const timeIsOver = new Error("the time to wait is over");

/**
 * Throws `lease_not_found` where the lease is unknown or ends meanwhile, and when the store does not answer. For whoever
 * has gone nothing is held: its own lease would end, but that takes its time.
 */
export async function acquire(store: StoreClient, places: Places, request: AcquireRequest): Promise<Acquired> {
  const acquired = await tryOrWait(store, places, request);
  const isForNobody = request.signal?.aborted === true && typeof request.lease === "object";
  if (acquired.held && isForNobody) request.background(places.leave(acquired.place).catch(() => undefined));
  return acquired;
}

async function tryOrWait(store: StoreClient, places: Places, request: AcquireRequest): Promise<Acquired> {
  const [ticket, repetition] = [ticketOf(places, request), repetitionOf(request)];
  const tries = request.waitMs === 0;
  const entered = await (tries ? places.enterAlone(ticket, repetition) : places.enter(ticket, repetition));
  const { first, revision, position } = entered;
  const place = entered.place && (await withValue(places, entered.place, request.value));
  if (place === undefined) return { held: false, place, ahead: (await places.list(1)).count, position };
  if (place.token === first?.token) return { held: true, place, revision, position };
  return tries ? await behindOthers(places, place, true) : await awaitTurn(store, places, place, request);
}

function ticketOf(places: Places, { value, lease }: AcquireRequest): Ticket {
  const isOwn = typeof lease === "object";
  const key = places.keyOf(isOwn ? crypto.randomUUID() : hexOfLease(lease));
  return { key, value, lease, metadata: "" };
}

/**
 * A key with a lease of its own is a new one, so it may be sent twice: one that arrives after its place was given up stays
 * until that lease ends. With another lease it might stay for as long as somebody keeps that alive.
 */
function repetitionOf({ lease }: AcquireRequest): Repetition {
  return typeof lease === "object" ? { harmless: true } : { idempotencyKey: `place ${crypto.randomUUID()}` };
}

/** A place that was there before may have come with another value. */
async function withValue(places: Places, place: Place, value: Uint8Array): Promise<Place> {
  if (value.length === place.value.length && value.every((byte, at) => byte === place.value[at])) return place;
  const { txn, revision } = await places.change(place, value, { idempotencyKey: `value ${crypto.randomUUID()}` });
  return txn.succeeded ? { ...place, value, modRevision: revision } : place;
}

async function behindOthers(places: Places, place: Place, keeps: boolean): Promise<Acquired> {
  const ahead = await places.ahead(place.token);
  return { held: false, place: keeps ? place : undefined, ahead: ahead.places.length, position: ahead.position };
}

async function awaitTurn(store: StoreClient, places: Places, place: Place, request: AcquireRequest): Promise<Acquired> {
  const isOwn = typeof request.lease === "object";
  const over = new AbortController();
  const timer = setTimeout(() => over.abort(timeIsOver), request.waitMs);
  const signals = request.signal === undefined ? [over.signal] : [over.signal, request.signal];
  const stopRenewing = keepRenewing(store, place, request.lease, () => over.abort(leaseEnded()));
  try {
    const patient = store.withTimeout(Math.max(store.target.timeoutMs, request.waitMs));
    const turn = await untilFirst(patient, places.through(patient), place, AbortSignal.any(signals));
    if (turn === undefined || (isOwn && !(await isRenewed(store, place)))) throw leaseEnded();
    return { held: true, place, revision: turn.revision, position: turn.position };
  } catch (error) {
    if (isOwn) request.background(places.leave(place).catch(() => undefined));
    if (error !== timeIsOver && request.signal?.aborted !== true) throw error;
    return await behindOthers(places, place, !isOwn);
  } finally {
    clearTimeout(timer);
    stopRenewing();
  }
}

/** Renews a place's own lease while it waits; whoever brings a lease keeps it alive himself. */
function keepRenewing(store: StoreClient, place: Place, lease: PlaceLease, onEnd: () => void): () => void {
  if (typeof lease !== "object") return () => undefined;
  const renew = async (): Promise<void> => {
    // Without a leader no lease ends, so there is time to try again.
    const isAlive = await isRenewed(store, place).catch(() => true);
    if (!isAlive) onEnd();
  };
  const timer = setInterval(() => void renew(), lease.ttlMs / renewals);
  return () => clearInterval(timer);
}

async function isRenewed(store: StoreClient, { lease }: Place): Promise<boolean> {
  const { ttlsMs } = await store.keepAlive([lease]);
  return ttlsMs[0] !== null;
}

function leaseEnded(): ApiError {
  return storeRefusal({ reason: "lease_not_found" });
}
