/** How long a key lives: by a time of its own, until a moment, or as long as a lease. */

import { maxTtlMs } from "../kv/limits.ts";
import { noLease } from "../kv/model.ts";
import type { PutOperation } from "../kv/model.ts";
import { parseMomentMs, parseTtlMs } from "./parse-time.ts";
import { parseLeaseId } from "./lease-id.ts";
import type { Refuse } from "./refuse.ts";

/** What a client says, in an address or in JSON; undefined where it says nothing. */
export interface LifetimeWords {
  readonly ttl: string | undefined;
  readonly expires_at: string | undefined;
  readonly lease: string | undefined;
  readonly keep_lease: boolean;
}

export type Lifetime = Pick<PutOperation, "ttlMs" | "lease" | "ignoreLease">;

/** `nowMs` is the time from which a moment becomes a duration. A moment that has passed is refused. */
export function lifetimeOf(words: LifetimeWords, nowMs: number, refuse: Refuse): Lifetime {
  const given = (["ttl", "expires_at", "lease"] as const).filter((name) => words[name] !== undefined);
  const [name] = words.keep_lease ? [...given, "keep_lease"] : given;
  if (given.length + (words.keep_lease ? 1 : 0) > 1) {
    return refuse("Of ttl, expires_at, lease and keep_lease", "one is enough");
  }
  const { ttl = "", expires_at: expiresAt = "", lease = "" } = words;
  switch (name) {
    case "ttl":
      return { ttlMs: ttlMsOf(ttl, refuse), lease: noLease, ignoreLease: false };
    case "expires_at":
      return { ttlMs: remainingMs(expiresAt, nowMs, refuse), lease: noLease, ignoreLease: false };
    case "lease":
      return { ttlMs: 0, lease: parseLeaseId(lease) ?? refuse("lease", "must be a lease's id"), ignoreLease: false };
    default:
      return { ttlMs: 0, lease: noLease, ignoreLease: words.keep_lease };
  }
}

/** From one millisecond to etcd's longest. */
export function ttlMsOf(text: string, refuse: Refuse, maxMs = maxTtlMs): number {
  const ttlMs = parseTtlMs(text);
  if (ttlMs !== undefined && ttlMs >= 1 && ttlMs <= maxMs) return ttlMs;
  return refuse("ttl", `must be a whole number of s, ms, m, h or d, up to ${maxMs / 1000} s`);
}

function remainingMs(text: string, nowMs: number, refuse: Refuse): number {
  const atMs = parseMomentMs(text) ?? refuse("expires_at", "must be RFC 3339, or milliseconds since 1970");
  const ttlMs = atMs - nowMs;
  if (ttlMs <= 0) refuse("expires_at", "has passed");
  return ttlMs <= maxTtlMs ? ttlMs : refuse("expires_at", "is too far away");
}
