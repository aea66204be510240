/** What requests about places say in their addresses: for how long, for which lease, and which place. */

import type { LeaseId } from "../../kv/model.ts";
import { maxTtlMs } from "../../kv/limits.ts";
import { ApiError } from "../errors.ts";
import { parseLeaseId } from "../lease-id.ts";
import type { Parameters } from "../parameters.ts";
import { parseDurationMs, parseTtlMs } from "../parse-time.ts";
import type { PlaceLease } from "./acquire.ts";

export const acquireParameters = ["timeout", "ttl", "lease", "wait"] as const;
export const placeParameters = ["timeout", "token", "lease"] as const;

/** That of etcd's locks. */
const defaultTtlMs = 60_000;
/** A shorter one would end before it can be renewed across continents. */
const minTtlMs = 1000;

/** Undefined unless given. */
export function leaseIdOf(parameters: Parameters, name = "lease"): LeaseId | undefined {
  const text = parameters.text(name);
  if (text === undefined) return undefined;
  const id = parseLeaseId(text);
  if (id !== undefined) return id;
  throw new ApiError("invalid_parameter", `${name} must be a whole number of 64 bits, in decimal digits, and not 0.`);
}

/** The time to live that a lease is to have; undefined unless given. */
export function ttlMsOf(parameters: Parameters): number | undefined {
  const text = parameters.text("ttl");
  if (text === undefined) return undefined;
  const ttlMs = parseTtlMs(text);
  if (ttlMs !== undefined && ttlMs >= minTtlMs && ttlMs <= maxTtlMs) return ttlMs;
  const rule = `must be a whole number of s, ms, m, h or d, from 1s to ${maxTtlMs / 1000}s`;
  throw new ApiError("invalid_parameter", `ttl ${rule}.`);
}

/** The lease by which a place is to be held. */
export function placeLeaseOf(parameters: Parameters): PlaceLease {
  const [lease, ttlMs] = [leaseIdOf(parameters), ttlMsOf(parameters)];
  if (lease === undefined) return { ttlMs: ttlMs ?? defaultTtlMs };
  if (ttlMs === undefined) return lease;
  throw new ApiError("invalid_parameter", "Use either lease or ttl: a lease has its own time to live.");
}

export function waitMsOf(parameters: Parameters, maxWaitMs: number): number {
  const waitMs = parseDurationMs(parameters.text("wait") ?? "0s", ["ms", "s", "m"]);
  if (waitMs !== undefined && waitMs <= maxWaitMs) return waitMs;
  const longest = `${maxWaitMs / 1000}s`;
  throw new ApiError("invalid_parameter", `wait must be a whole number of ms, s or m, up to ${longest}.`);
}

/** The place that is meant: by its token, or by its lease. */
export function placeNamed(parameters: Parameters): { readonly token: number } | { readonly lease: LeaseId } {
  const [lease, token] = [leaseIdOf(parameters), parameters.text("token")];
  if (lease !== undefined && token === undefined) return { lease };
  if (lease === undefined && token !== undefined && /^[1-9]\d{0,14}$/.test(token)) return { token: Number(token) };
  throw new ApiError("invalid_parameter", "Say which place is meant: token=, a whole number, or lease=.");
}
