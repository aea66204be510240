/** Turns requests of etcd's KV service into operations of the store, as etcd checks them. */

import { maxKeyBytes, maxOperations, maxTxnDepth, maxValueBytes } from "../../kv/limits.ts";
import { deleteOf, putOf, rangeOf } from "../../kv/operations.ts";
import { maxReadOperations } from "../../kv/operation-codec.ts";
import type {
  Compare,
  DeleteOperation,
  KeySpan,
  Operation,
  PutOperation,
  RangeOperation,
  TxnOperation,
} from "../../kv/model.ts";
import type {
  CompareRequest,
  DeleteRangeRequest,
  PutRequest,
  RangeRequest,
  RequestOp,
  TxnRequest,
} from "./messages/kv.ts";
import { toCount, toLease, toNumber } from "./numbers.ts";
import { invalidArgument } from "./status.ts";

const sortTargets = { KEY: "key", VERSION: "version", CREATE: "create", MOD: "mod", VALUE: "value" } as const;
const sortOrders = { NONE: "none", ASCEND: "ascend", DESCEND: "descend" } as const;
const compareResults = { EQUAL: "equal", GREATER: "greater", LESS: "less", NOT_EQUAL: "notEqual" } as const;

export function rangeOperation(request: RangeRequest): RangeOperation {
  // A target without an order means the smallest first.
  const order = request.sort_order === "NONE" && request.sort_target !== "KEY" ? "ASCEND" : request.sort_order;
  return rangeOf({
    ...spanOf(request.key, request.range_end),
    limit: toCount(request.limit),
    revision: toCount(request.revision),
    sortTarget: sortTargets[request.sort_target],
    sortOrder: sortOrders[order],
    keysOnly: request.keys_only,
    countOnly: request.count_only,
    minModRevision: toNumber(request.min_mod_revision),
    maxModRevision: toNumber(request.max_mod_revision),
    minCreateRevision: toNumber(request.min_create_revision),
    maxCreateRevision: toNumber(request.max_create_revision),
  });
}

export function putOperation(request: PutRequest): PutOperation {
  const { key, value, lease } = request;
  demandKey(key);
  if (request.ignore_value && value.length > 0) throw invalidArgument("etcdserver: value is provided");
  if (request.ignore_lease && lease !== 0n) throw invalidArgument("etcdserver: lease is provided");
  if (value.length > maxValueBytes) throw tooLarge();
  return putOf({
    key,
    value,
    lease: toLease(lease),
    previous: request.prev_kv ? "values" : "none",
    ignoreValue: request.ignore_value,
    ignoreLease: request.ignore_lease,
  });
}

export function deleteOperation(request: DeleteRangeRequest): DeleteOperation {
  return deleteOf(spanOf(request.key, request.range_end), request.prev_kv ? "values" : "none");
}

/** Throws a `StatusError` for what etcd refuses before it looks at the store. */
export function txnOperation(request: TxnRequest): TxnOperation {
  return txnWithin(request, { operations: maxOperations, depth: 1, total: { left: maxReadOperations } });
}

/** One operation as the store takes it: alone in a transaction. */
export function alone(operation: Operation): TxnOperation {
  return { kind: "txn", compares: [], success: [operation], failure: [] };
}

/** A nested transaction may have what the longest list of the one around it leaves. */
interface Budget {
  readonly operations: number;
  readonly depth: number;
  /** Shared by all of a request. */
  readonly total: { left: number };
}

function txnWithin({ compare, success, failure }: TxnRequest, budget: Budget): TxnOperation {
  const longest = Math.max(compare.length, success.length, failure.length);
  budget.total.left -= compare.length + success.length + failure.length;
  if (longest > budget.operations || budget.depth > maxTxnDepth || budget.total.left < 0) {
    throw invalidArgument("etcdserver: too many operations in txn request");
  }
  const within = { ...budget, operations: budget.operations - longest, depth: budget.depth + 1 };
  return {
    kind: "txn",
    compares: compare.map(compareOf),
    success: success.map((operation) => operationOf(operation, within)),
    failure: failure.map((operation) => operationOf(operation, within)),
  };
}

function operationOf(operation: RequestOp, budget: Budget): Operation {
  if (operation.request_range !== null) return rangeOperation(operation.request_range);
  if (operation.request_put !== null) return putOperation(operation.request_put);
  if (operation.request_delete_range !== null) return deleteOperation(operation.request_delete_range);
  if (operation.request_txn !== null) return txnWithin(operation.request_txn, budget);
  throw invalidArgument("etcdserver: key not found");
}

/** Only the operand that the target names counts: any other leaves it at its default. */
function compareOf(compare: CompareRequest): Compare {
  const span = spanOf(compare.key, compare.range_end);
  const result = compareResults[compare.result];
  switch (compare.target) {
    case "VERSION":
      return { ...span, result, target: "version", operand: toNumber(compare.version) };
    case "CREATE":
      return { ...span, result, target: "create", operand: toNumber(compare.create_revision) };
    case "MOD":
      return { ...span, result, target: "mod", operand: toNumber(compare.mod_revision) };
    case "VALUE":
      if (compare.value.length > maxValueBytes) throw tooLarge();
      return { ...span, result, target: "value", operand: compare.value };
    case "LEASE":
      return { ...span, result, target: "lease", operand: toLease(compare.lease) };
  }
}

function spanOf(key: Uint8Array, rangeEnd: Uint8Array): KeySpan {
  demandKey(key);
  // The end may be the very next key behind a longest one.
  if (rangeEnd.length > maxKeyBytes + 1) throw tooLarge();
  return { key, rangeEnd: rangeEnd.length === 0 ? null : rangeEnd };
}

function demandKey(key: Uint8Array): void {
  if (key.length === 0) throw invalidArgument("etcdserver: key is not provided");
  if (key.length > maxKeyBytes) throw tooLarge();
}

function tooLarge(): Error {
  return invalidArgument("etcdserver: request is too large");
}
