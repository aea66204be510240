/** What makes a transaction no transaction, whatever the store holds. */

import { maxOperations, maxTxnDepth } from "../limits.ts";
import type { Operation, Refusal, TxnOperation } from "../model.ts";
import { isWithin, rangeOf, textOf } from "./key-text.ts";
import type { KeyRange, KeyText } from "./key-text.ts";

/** What a list of operations may change, whichever way its nested transactions go. */
interface Changes {
  readonly puts: Set<KeyText>;
  readonly deletions: KeyRange[];
}

const duplicate = "duplicate";

/** Null for a transaction that may be tried. */
export function refuseTxn(txn: TxnOperation): Refusal | null {
  if (isSimple(txn)) return null;
  if (depthOf(txn) > maxTxnDepth || !isShort(txn, maxOperations)) return { reason: "too_many_operations" };
  const isRepeated = changesOf(txn.success) === duplicate || changesOf(txn.failure) === duplicate;
  return isRepeated ? { reason: "duplicate_key" } : null;
}

/** What most transactions are: a single operation can't be in the way of another. */
function isSimple({ compares, success, failure }: TxnOperation): boolean {
  return compares.length <= maxOperations && success.length === 1 && failure.length === 0 && success[0]?.kind !== "txn";
}

function depthOf({ success, failure }: TxnOperation): number {
  const nested = [...success, ...failure].map((operation) => (operation.kind === "txn" ? depthOf(operation) : 0));
  return 1 + Math.max(0, ...nested);
}

/** Nested transactions share what the longest list of the outer one leaves. */
function isShort({ compares, success, failure }: TxnOperation, allowed: number): boolean {
  const left = allowed - Math.max(compares.length, success.length, failure.length);
  if (left < 0) return false;
  return [...success, ...failure].every((operation) => operation.kind !== "txn" || isShort(operation, left));
}

/**
 * etcd's rule (`checkIntervals`): no key is put twice, or put where a delete covers it, on any way through the operations;
 * the two branches of one transaction exclude each other. A delete covers puts of its own list and of nested ones, and
 * those of nested transactions behind it in the list, but not before it.
 */
function changesOf(operations: readonly Operation[]): Changes | typeof duplicate {
  const deletions = operations.flatMap((operation) => (operation.kind === "delete" ? [rangeOf(operation)] : []));
  const puts = new Set<KeyText>();
  for (const operation of operations) {
    if (operation.kind !== "txn") continue;
    const [success, failure] = [changesOf(operation.success), changesOf(operation.failure)];
    if (success === duplicate || failure === duplicate) return duplicate;
    const isTaken = (key: KeyText): boolean => puts.has(key) || isCovered(key, deletions);
    if ([...success.puts, ...failure.puts].some(isTaken)) return duplicate;
    for (const key of [...success.puts, ...failure.puts]) puts.add(key);
    deletions.push(...success.deletions, ...failure.deletions);
  }
  for (const operation of operations) {
    if (operation.kind !== "put" && operation.kind !== "increment") continue;
    const key = textOf(operation.key);
    if (puts.has(key) || isCovered(key, deletions)) return duplicate;
    puts.add(key);
  }
  return { puts, deletions };
}

function isCovered(key: KeyText, deletions: readonly KeyRange[]): boolean {
  return deletions.some((range) => isWithin(key, range));
}
