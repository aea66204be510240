/** What became of operations, as JSON: in the words in which they were asked for. */

import type { Operation, OperationResult, TxnOperation, TxnResult } from "../../kv/model.ts";
import { itemJson, keyJson, leaseJson, revisionsJson } from "../../kv/item-json.ts";

interface TxnJson {
  /** Whether all compares held, and so the operations of `then` were done. */
  readonly succeeded: boolean;
  /** In the order of the operations. */
  readonly results: readonly unknown[];
}

export function txnJson({ succeeded, results }: TxnResult, { success, failure }: TxnOperation): TxnJson {
  const operations = succeeded ? success : failure;
  return { succeeded, results: results.map((result, at) => resultJson(result, operations[at])) };
}

/** Results do not repeat the keys that their operations name. */
export function resultJson(result: OperationResult, operation: Operation | undefined): object {
  switch (result.kind) {
    case "put": {
      const previous = result.previous === null ? {} : { previous: itemJson(result.previous) };
      const { created, lease } = result;
      return { put: { ...keyOf(operation), created, ...revisionsJson(result), ...leaseJson(lease), ...previous } };
    }
    case "range":
      return {
        get: { items: result.items.map((item) => itemJson(item)), count: result.count, more: result.more },
      };
    case "delete": {
      const asked = operation?.kind === "delete" && operation.previous !== "none";
      const previous = asked ? { previous: result.previous.map((item) => itemJson(item)) } : {};
      return { delete: { deleted: result.deleted, ...previous } };
    }
    case "increment": {
      const { created, value } = result;
      return { increment: { ...keyOf(operation), value, created, ...revisionsJson(result) } };
    }
    case "txn":
      return { txn: operation?.kind === "txn" ? txnJson(result, operation) : { succeeded: result.succeeded } };
  }
}

function keyOf(operation: Operation | undefined): object {
  return operation !== undefined && "key" in operation ? keyJson(operation.key) : {};
}
