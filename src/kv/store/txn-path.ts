/** Which way a transaction goes, and whether anything on it refuses the whole. */

import { noLease } from "../model.ts";
import type { IncrementOperation, Operation, Refusal, TxnOperation } from "../model.ts";
import { holds } from "./compare.ts";
import { textOf } from "./key-text.ts";
import { add, maxNumberBytes } from "./numbers.ts";
import type { StoreParts } from "./store-parts.ts";

export type Step = Exclude<Operation, TxnOperation>;

/** A transaction whose compares were looked at: what it does, nested ones too. */
export interface Path {
  readonly kind: "path";
  readonly succeeded: boolean;
  readonly steps: readonly (Step | Path)[];
}

/** All compares see the state before the transaction, those of nested ones too. */
export function choosePath(parts: StoreParts, { compares, success, failure }: TxnOperation): Path {
  const succeeded = compares.every((compare) => holds(parts.history, parts.index, compare));
  const steps = (succeeded ? success : failure).map((operation) =>
    operation.kind === "txn" ? choosePath(parts, operation) : operation,
  );
  return { kind: "path", succeeded, steps };
}

/** Null when every step can be done. */
export function refusePath(parts: StoreParts, path: Path): Refusal | null {
  const steps = flatten(path);
  for (const refuse of [refuseIncrement, refusePut, refuseRange]) {
    for (const step of steps) {
      const refusal = refuse(parts, step);
      if (refusal !== null) return refusal;
    }
  }
  return null;
}

export function refuseRevision(
  { revision: newest, compactRevision }: { readonly revision: number; readonly compactRevision: number },
  revision: number,
): Refusal | null {
  if (revision > newest) return { reason: "future_revision" };
  return revision > 0 && revision < compactRevision ? { reason: "compacted", compactRevision } : null;
}

/** What an increment makes of its key; a text says why nothing. */
export function sumOf({ index, history }: StoreParts, { key, delta }: IncrementOperation): ReturnType<typeof add> {
  const before = index.get(textOf(key));
  if (before === undefined) return add(null, BigInt(delta));
  // What is too long for a number need not be read.
  if (before.valueBytes > maxNumberBytes) return "not_a_number";
  return add(history.content(before.position).value, BigInt(delta));
}

function flatten({ steps }: Path): Step[] {
  return steps.flatMap((step) => (step.kind === "path" ? flatten(step) : [step]));
}

// A key that is put in a transaction is, until then, as it was before it: nothing else in the transaction touches it.

function refuseIncrement(parts: StoreParts, step: Step): Refusal | null {
  const sum = step.kind === "increment" ? sumOf(parts, step) : 0n;
  return typeof sum === "bigint" ? null : { reason: sum };
}

function refusePut({ index, leases }: StoreParts, step: Step): Refusal | null {
  if (step.kind !== "put") return null;
  const key = textOf(step.key);
  if ((step.ignoreValue || step.ignoreLease) && index.get(key) === undefined) return { reason: "key_not_found" };
  return step.lease === noLease || leases.takes(step.lease, key) ? null : { reason: "lease_not_found" };
}

function refuseRange({ meta }: StoreParts, step: Step): Refusal | null {
  return step.kind === "range" ? refuseRevision(meta, step.revision) : null;
}
