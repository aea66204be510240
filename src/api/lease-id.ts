/** Ids of leases: how they are drawn, read, and written into keys. */

import { type LeaseId, noLease } from "../kv/model.ts";

const canonical = /^(?:-?[1-9]\d{0,18})$/;
const wordBits = 0x1_0000_0000;
const highBits = 0x1f_ffff;

/** A new id, which nobody else has chosen: positive, and below 2^53, as some clients read JSON into doubles. */
export function drawLeaseId(): LeaseId {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  const id = (high & highBits) * wordBits + low;
  return id === 0 ? drawLeaseId() : String(id);
}

/** Undefined for what is no whole number of 64 bits in decimal digits, and for 0. */
export function parseLeaseId(text: string): LeaseId | undefined {
  if (!canonical.test(text)) return undefined;
  const id = BigInt(text);
  return BigInt.asIntN(64, id) === id && text !== noLease ? text : undefined;
}

/** As etcd writes an id at the end of a lock's key: in hexadecimal digits, with its sign. */
export function hexOfLease(id: LeaseId): string {
  return BigInt(id).toString(16);
}
