/** Turns the 64-bit numbers of etcd's API into those of the store. */

import type { LeaseId } from "../../kv/model.ts";

const most = BigInt(Number.MAX_SAFE_INTEGER);

/** Revisions, versions and counts end long before 2^53: what is beyond compares with all of them as 2^53 does. */
export function toNumber(value: bigint): number {
  if (value > most) return Number.MAX_SAFE_INTEGER;
  return value < -most ? Number.MIN_SAFE_INTEGER : Number(value);
}

/** Negative numbers of things mean none, and negative revisions the present one. */
export function toCount(value: bigint): number {
  return Math.max(0, toNumber(value));
}

/** All 64 bits of it. */
export function toLease(value: bigint): LeaseId {
  return String(value);
}
