/** Requests to a store, with what is usual for all that is not said. */

import type {
  Compare,
  DeleteOperation,
  IncrementOperation,
  Item,
  ListQuery,
  Operation,
  PutOperation,
  RangeOperation,
  TxnOperation,
  WatchRequest,
} from "../../../src/kv/model.ts";

export function bytes(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => character.charCodeAt(0));
}

export function text(value: Uint8Array | null): string {
  return value === null ? "" : String.fromCharCode(...value);
}

/** All keys from `key` on. */
export const onward = new Uint8Array(1);

export function put(key: string, value: string, more: Partial<PutOperation> = {}): PutOperation {
  return {
    kind: "put",
    key: bytes(key),
    value: bytes(value),
    contentType: "",
    metadata: "",
    lease: "0",
    ttlMs: 0,
    previous: "none",
    ignoreValue: false,
    ignoreLease: false,
    ...more,
  };
}

export function remove(key: string, end: string | null = null, more: Partial<DeleteOperation> = {}): DeleteOperation {
  return { kind: "delete", key: bytes(key), rangeEnd: end === null ? null : bytes(end), previous: "none", ...more };
}

export function range(key: string, end: string | null = null, more: Partial<RangeOperation> = {}): RangeOperation {
  return {
    kind: "range",
    key: bytes(key),
    rangeEnd: end === null ? null : bytes(end),
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
    ...more,
  };
}

export function increment(key: string, delta: string): IncrementOperation {
  return { kind: "increment", key: bytes(key), delta };
}

export function txn(
  success: readonly Operation[],
  compares: readonly Compare[] = [],
  failure: readonly Operation[] = [],
): TxnOperation {
  return { kind: "txn", compares, success, failure };
}

export function list(more: Partial<ListQuery> = {}): ListQuery {
  return {
    kind: "list",
    prefix: bytes(""),
    start: null,
    end: null,
    after: null,
    reverse: false,
    delimiter: bytes(""),
    limit: 100,
    keysOnly: false,
    revision: 0,
    ...more,
  };
}

export function watchOf(key: string, end: string | null, more: Partial<WatchRequest> = {}): WatchRequest {
  return {
    key: bytes(key),
    rangeEnd: end === null ? null : bytes(end),
    format: "binary",
    startRevision: 0,
    withPrevious: false,
    noPut: false,
    noDelete: false,
    progressMs: 0,
    fragment: false,
    ...more,
  };
}

/** An item in a line: `key=value@modRevision`. */
export function line({ key, value, modRevision }: Item): string {
  return `${text(key)}=${text(value)}@${modRevision}`;
}
