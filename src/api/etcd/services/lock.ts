/** etcd's Lock service. */

import { maxKeyBytes } from "../../../kv/limits.ts";
import { acquire } from "../../coordination/acquire.ts";
import type { Acquired } from "../../coordination/acquire.ts";
import { Places } from "../../coordination/places.ts";
import { ApiError } from "../../errors.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import type { lockRequest, lockResponse, unlockRequest } from "../messages/concurrency.ts";
import type { ResponseHeader } from "../messages/common.ts";
import { toLease } from "../numbers.ts";
import type { Received, Sent } from "../schema.ts";
import { invalidArgument, StatusError } from "../status.ts";

/** How long a place lives that comes without a lease. */
const ownTtlMs = 60_000;
/** etcd's clients wait until they have what they want, or leave; timers count no further. */
const forEverMs = 2 ** 31 - 1;

/** Answered when the lock is held, with the key that shows it. */
export async function lock(call: Call, request: Received<typeof lockRequest>): Promise<Sent<typeof lockResponse>> {
  const { place, ...acquired } = await takeTurn(call, request, new Uint8Array(0));
  return { header: header(call, acquired), key: place.key };
}

/** Well, too, if the key has gone before. */
export async function unlock(
  call: Call,
  { key }: Received<typeof unlockRequest>,
): Promise<{ readonly header: ResponseHeader }> {
  if (key.length === 0) throw new StatusError("unknown", "etcdserver: key is not provided");
  const places = new Places(call.store, key);
  const [place] = (await places.at(key)).places;
  if (place !== undefined) await places.leave(place);
  return { header: header(call, await call.store.query("status", { kind: "status" })) };
}

/** Waits until it is the caller's turn at a name. */
export async function takeTurn(
  call: Call,
  { name, lease }: { readonly name: Uint8Array; readonly lease: bigint },
  value: Uint8Array,
): Promise<Extract<Acquired, { held: true }>> {
  // The place's key has the name, a slash, and sixteen digits of its lease or a UUID.
  if (name.length > maxKeyBytes - 40) throw invalidArgument("etcdserver: request is too large");
  const { store, signal, background } = call;
  const placeLease = lease === 0n ? { ttlMs: ownTtlMs } : toLease(lease);
  const request = { value, lease: placeLease, waitMs: forEverMs, signal, background };
  const acquiring = acquire(store, new Places(store, name), request);
  // Where the client leaves, this call must live for long enough to give its place up.
  background(acquiring.catch(() => undefined));
  const acquired = await acquiring.catch(leaseUnknown);
  if (acquired.held) return acquired;
  throw new StatusError("unknown", "context canceled");
}

/** In these services etcd loses the code of this one. */
function leaseUnknown(error: unknown): never {
  if (!(error instanceof ApiError) || error.code !== "lease_not_found") throw error;
  throw new StatusError("unknown", "etcdserver: requested lease not found");
}
