/** What the store says, as other Workers get it. */

import { parseMetadata } from "../kv/item-json.ts";
import { type Item, type LeaseId, noLease, type OperationResult, type TxnResult } from "../kv/model.ts";
import type * as types from "./types.ts";

const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

export function textOf(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** With bytes of its own: those of the item are part of a whole answer, which would go along. */
export function entryOf(item: Item): types.Entry {
  const { key, value, valueBytes, contentType, metadata, createRevision, modRevision, version, lease } = item;
  return {
    key: textOf(key),
    keyBytes: key.slice(),
    value: value === null ? null : value.slice(),
    valueBytes,
    contentType,
    metadata: parseMetadata(metadata) ?? null,
    createRevision,
    modRevision,
    version,
    lease: leaseOf(lease),
  };
}

export function optionalEntry(item: Item | null): types.Entry | null {
  return item === null ? null : entryOf(item);
}

export function txnOf({ succeeded, results }: TxnResult, revision: number): types.TxnResult {
  return { succeeded, results: results.map(resultOf), revision };
}

export function resultOf(result: OperationResult): types.OperationResult {
  switch (result.kind) {
    case "put": {
      const { kind, created, createRevision, modRevision, version, lease, previous } = result;
      const revisions = { createRevision, modRevision, version };
      return { kind, created, ...revisions, lease: leaseOf(lease), previous: optionalEntry(previous) };
    }
    case "delete":
      return { kind: "delete", deleted: result.deleted, previous: result.previous.map(entryOf) };
    case "increment": {
      const { kind, created, value, modRevision } = result;
      return { kind, created, value: BigInt(value), modRevision };
    }
    case "range":
      return { kind: "get", entries: result.items.map(entryOf), count: result.count, more: result.more };
    case "txn":
      return { kind: "txn", succeeded: result.succeeded, results: result.results.map(resultOf) };
  }
}

function leaseOf(lease: LeaseId): string | null {
  return lease === noLease ? null : lease;
}
