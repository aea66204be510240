/** Whether reads that need not be the newest were as new as they were promised to be. */

import type { KeyValueOperation, StaleSeen } from "./record.ts";

/** @returns what is wrong, a line each */
export function checkStaleReads(reads: readonly StaleSeen[], operations: readonly KeyValueOperation[]): string[] {
  const written = firstWrites(operations);
  return reads.flatMap((read) => {
    const { client, key, value, revision, floor, atMs, promise } = read;
    const named = `${client} read ${key} = ${value ?? "missing"} at revision ${revision}`;
    if (revision < floor) return [`${named}, which was promised to hold ${promise}: revision ${floor}`];
    if (value !== null && !((written.get(value) ?? Number.POSITIVE_INFINITY) <= atMs)) {
      return [`${named}, which nobody had written`];
    }
    return [];
  });
}

/** When somebody first tried to write each value. */
function firstWrites(operations: readonly KeyValueOperation[]): Map<string, number> {
  const first = new Map<string, number>();
  const wrote = (value: string, atMs: number): void => {
    first.set(value, Math.min(first.get(value) ?? Number.POSITIVE_INFINITY, atMs));
  };
  for (const { call, invokedAtMs } of operations) {
    if (call.kind === "put") wrote(call.value, invokedAtMs);
    if (call.kind !== "transaction") continue;
    for (const step of call.success) if (step.kind === "put") wrote(step.value, invokedAtMs);
  }
  return first;
}
