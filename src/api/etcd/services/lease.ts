/** etcd's Lease service. */

import { maxTtlMs } from "../../../kv/limits.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import type { Send } from "../method.ts";
import type {
  leaseGrantRequest,
  leaseGrantResponse,
  leaseKeepAliveResponse,
  leaseLeasesResponse,
  leaseRequest,
  leaseTimeToLiveRequest,
  leaseTimeToLiveResponse,
} from "../messages/lease.ts";
import type { ResponseHeader } from "../messages/common.ts";
import { toLease } from "../numbers.ts";
import type { Received, Sent } from "../schema.ts";
import { StatusError } from "../status.ts";

/** etcd's least TTL with its default timeouts: shorter ones are raised to it. */
const minTtlSeconds = 2n;
const maxTtlSeconds = BigInt(maxTtlMs / 1000);

type GrantRequest = Received<typeof leaseGrantRequest>;
type Request = Received<typeof leaseRequest>;

export async function grant(call: Call, request: GrantRequest): Promise<Sent<typeof leaseGrantResponse>> {
  if (request.TTL > maxTtlSeconds) throw new StatusError("outOfRange", "etcdserver: too large lease TTL");
  const seconds = request.TTL < minTtlSeconds ? minTtlSeconds : request.TTL;
  const outcome = await call.store.grantLease(toLease(request.ID), Number(seconds) * 1000);
  return { header: header(call, outcome), ID: outcome.id, TTL: wholeSeconds(outcome.ttlMs) };
}

export async function revoke(call: Call, request: Request): Promise<{ readonly header: ResponseHeader }> {
  return { header: header(call, await call.store.revokeLease(toLease(request.ID))) };
}

/** One answer a request; that for an unknown lease has no TTL. */
export async function keepAlive(
  call: Call,
  requests: AsyncIterable<Request>,
  send: Send<Sent<typeof leaseKeepAliveResponse>>,
): Promise<void> {
  for await (const { ID } of requests) {
    const outcome = await call.store.keepAlive([toLease(ID)]);
    const ttlMs = outcome.ttlsMs[0] ?? null;
    await send({ header: header(call, outcome), ID, TTL: ttlMs === null ? undefined : wholeSeconds(ttlMs) });
  }
}

export async function timeToLive(
  call: Call,
  request: Received<typeof leaseTimeToLiveRequest>,
): Promise<Sent<typeof leaseTimeToLiveResponse>> {
  const id = toLease(request.ID);
  const found = await call.store.query("lease", { kind: "lease", id, withKeys: request.keys });
  const { lease, keys } = found;
  if (lease === null) return { header: header(call, found), ID: id, TTL: -1 };
  return {
    header: header(call, found),
    ID: id,
    // What is left is rounded down: a lease lives at least as long as was said.
    TTL: Math.floor(lease.remainingMs / 1000),
    grantedTTL: wholeSeconds(lease.grantedTtlMs),
    keys,
  };
}

export async function leases(call: Call): Promise<Sent<typeof leaseLeasesResponse>> {
  const found = await call.store.query("leases", { kind: "leases" });
  return { header: header(call, found), leases: found.ids.map((ID) => ({ ID })) };
}

/** A lease that was granted elsewhere may have a fraction of a second: it is told as less, but never as none. */
function wholeSeconds(ttlMs: number): number {
  return Math.max(1, Math.floor(ttlMs / 1000));
}
