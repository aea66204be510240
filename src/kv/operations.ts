/** Operations as most callers want them: with what they do not care about left out. */

import { noLease } from "./model.ts";
import type {
  Compare,
  DeleteOperation,
  KeySpan,
  Operation,
  PutOperation,
  RangeOperation,
  TxnOperation,
} from "./model.ts";
import { oneKey } from "./span.ts";

type Given<Kind extends Operation, Needed extends keyof Kind> = Pick<Kind, Needed> & Partial<Omit<Kind, "kind">>;

/** The present items of a span, whole and in the order of their keys, but for what is given. */
export function rangeOf(given: Given<RangeOperation, "key" | "rangeEnd">): RangeOperation {
  return {
    kind: "range",
    limit: 0,
    revision: 0,
    sortTarget: "key",
    sortOrder: "none",
    keysOnly: false,
    countOnly: false,
    minModRevision: 0,
    maxModRevision: 0,
    minCreateRevision: 0,
    maxCreateRevision: 0,
    ...given,
  };
}

/** The cheapest of reads: whoever answers it serves, whether or not there is such a key. */
export const probe = rangeOf({ ...oneKey(new Uint8Array(1)), countOnly: true });

/** A put without lease, content type and metadata, but for what is given. */
export function putOf(given: Given<PutOperation, "key" | "value">): PutOperation {
  return {
    kind: "put",
    contentType: "",
    metadata: "",
    lease: noLease,
    ttlMs: 0,
    previous: "none",
    ignoreValue: false,
    ignoreLease: false,
    ...given,
  };
}

export function deleteOf(span: KeySpan, previous: DeleteOperation["previous"] = "none"): DeleteOperation {
  return { kind: "delete", key: span.key, rangeEnd: span.rangeEnd, previous };
}

/** Does `operation` if `compares` hold; else tells the revisions of `key`. */
export function conditional(operation: Operation, compares: readonly Compare[], key: Uint8Array): TxnOperation {
  const failure = compares.length === 0 ? [] : [rangeOf({ ...oneKey(key), keysOnly: true })];
  return { kind: "txn", compares, success: [operation], failure };
}
