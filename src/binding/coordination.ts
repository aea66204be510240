/** Leases, locks and elections that come over a binding. */

import { acquire, type PlaceLease } from "../api/coordination/acquire.ts";
import { checkedName, storedName } from "../api/coordination/names.ts";
import { type Place, Places } from "../api/coordination/places.ts";
import { renew } from "../api/coordination/renew.ts";
import { ApiError, storeRefusal } from "../api/errors.ts";
import { Fields } from "../api/json-fields.ts";
import { parseLeaseId } from "../api/lease-id.ts";
import { parseTtlMs } from "../api/parse-time.ts";
import type { StoreClient } from "../api/store.ts";
import type { LeaseId } from "../kv/model.ts";
import { maxTtlMs } from "../kv/limits.ts";
import { textOf } from "./entries.ts";
import type { Bytes, Held, Holder, HoldOptions, PlaceName } from "./types.ts";
import { bytesOf } from "./bytes.ts";
import { wordsOf } from "./words.ts";

export type PlaceKind = "locks" | "elections";

const defaultTtlMs = 60_000;
const minTtlMs = 1000;
/** An invocation that waits longer may be ended by the platform. */
const maxWaitMs = 10 * 60 * 1000;
const nothing = new Uint8Array(0);

export async function grantLease(
  store: StoreClient,
  ttlMs: number,
  options: { readonly id?: string },
): Promise<{ id: string; ttlMs: number }> {
  const fields = new Fields(wordsOf({ ...options, ttlMs }), "", ["id", "ttl"]);
  const chosen = leaseIn(fields, "id");
  const lifeMs = ttlIn(fields) ?? fields.refuse("ttlMs", "is needed");
  const granted = await (chosen === undefined ? store.grantNewLease(lifeMs) : store.grantLease(chosen, lifeMs));
  return { id: granted.id, ttlMs: granted.ttlMs };
}

export async function keepAlive(store: StoreClient, lease: string): Promise<number> {
  const { ttlsMs, position } = await store.keepAlive([leaseOf(lease)]);
  const [ttlMs] = ttlsMs;
  if (ttlMs === undefined || ttlMs === null) throw storeRefusal({ reason: "lease_not_found" }, { position });
  return ttlMs;
}

export async function revokeLease(store: StoreClient, lease: string): Promise<void> {
  await store.revokeLease(leaseOf(lease));
}

export function placesOf(store: StoreClient, kind: PlaceKind, name: string): Places {
  return new Places(store, storedName(kind, checkedName(name)));
}

export async function hold(
  store: StoreClient,
  kind: PlaceKind,
  name: string,
  options: HoldOptions,
  background: (work: Promise<unknown>) => void,
): Promise<Held> {
  const fields = new Fields(wordsOf(options), "", ["ttl", "lease", "wait_ms", "value"]);
  const waitMs = fields.number("wait_ms");
  if (waitMs > maxWaitMs) fields.refuse("wait_ms", `is at most ${maxWaitMs}`);
  const value = fields.bytes("value", "encoding") ?? nothing;
  const request = { value, lease: placeLeaseIn(fields), waitMs, background };
  const acquired = await acquire(store, placesOf(store, kind, name), request);
  if (!acquired.held) return { held: false, ahead: acquired.ahead };
  const { token, lease, key } = acquired.place;
  return { held: true, token, lease, key: textOf(key) };
}

/** How long it lasts from now on. */
export async function renewPlace(store: StoreClient, kind: PlaceKind, name: string, named: PlaceName): Promise<number> {
  const renewed = await renew(store, placesOf(store, kind, name), placeIn(named));
  if (renewed === undefined) throw notThere(kind);
  return renewed.ttlMs;
}

export async function leavePlace(
  store: StoreClient,
  kind: PlaceKind,
  name: string,
  named: PlaceName,
): Promise<boolean> {
  const places = placesOf(store, kind, name);
  const place = await places.find(placeIn(named));
  return place !== undefined && (await places.leave(place)).wasThere;
}

export async function proclaim(store: StoreClient, name: string, named: PlaceName, value: Bytes): Promise<void> {
  const bytes = bytesOf(value);
  if (bytes === undefined) throw new ApiError("invalid_body", "A value is text or bytes.");
  const places = placesOf(store, "elections", name);
  const place = await places.find(placeIn(named));
  const leads = place !== undefined && (await places.ahead(place.token)).places.length === 0;
  if (!leads || !(await places.change(place, bytes, {})).txn.succeeded) throw notThere("elections");
}

export async function holder(store: StoreClient, kind: PlaceKind, name: string): Promise<Holder | null> {
  const [first] = (await placesOf(store, kind, name).first()).places;
  return first === undefined ? null : holderOf(first);
}

export function holderOf({ token, lease, key, value }: Place): Holder {
  return { token, lease, key: textOf(key), value: value.slice() };
}

function notThere(kind: PlaceKind): ApiError {
  return kind === "locks"
    ? new ApiError("lock_not_held", "The lock is not held so any more.")
    : new ApiError("not_elected", "The candidate does not lead, or is none any more.");
}

function placeIn(named: PlaceName): { readonly token: number } | { readonly lease: LeaseId } {
  const fields = new Fields(wordsOf(named), "", ["token", "lease"]);
  const lease = leaseIn(fields, "lease");
  if (lease !== undefined && !fields.has("token")) return { lease };
  const token = fields.number("token");
  if (lease === undefined && token > 0) return { token };
  return fields.refuse("token", "or lease: one of them says which place is meant");
}

function placeLeaseIn(fields: Fields): PlaceLease {
  const [lease, ttlMs] = [leaseIn(fields, "lease"), ttlIn(fields)];
  if (lease === undefined) return { ttlMs: ttlMs ?? defaultTtlMs };
  return ttlMs === undefined ? lease : fields.refuse("lease", "has a time to live of its own");
}

function leaseOf(lease: unknown): LeaseId {
  const fields = new Fields({ lease }, "", ["lease"]);
  return leaseIn(fields, "lease") ?? fields.refuse("lease", "is needed");
}

function leaseIn(fields: Fields, name: string): LeaseId | undefined {
  const text = fields.text(name);
  if (text === undefined) return undefined;
  return parseLeaseId(text) ?? fields.refuse(name, "must be the id of a lease: a whole number in decimal digits");
}

function ttlIn(fields: Fields): number | undefined {
  const text = fields.words("ttl");
  if (text === undefined) return undefined;
  const ttlMs = parseTtlMs(text);
  if (ttlMs !== undefined && ttlMs >= minTtlMs && ttlMs <= maxTtlMs) return ttlMs;
  return fields.refuse("ttlMs", `must be a whole number from ${minTtlMs} to ${maxTtlMs}`);
}
