/** Turns what the store answers into the messages of etcd's KV service. */

import type { Item, OperationResult, RangeResult, TxnResult } from "../../kv/model.ts";
import type { KeyValue, ResponseHeader } from "./messages/common.ts";
import type { RangeResponse, ResponseOp, TxnResponse } from "./messages/kv.ts";

export function keyValueOf(item: Item): KeyValue {
  return {
    key: item.key,
    create_revision: item.createRevision,
    mod_revision: item.modRevision,
    version: item.version,
    value: item.value ?? undefined,
    lease: item.lease,
  };
}

export function rangeResponseOf({ items, more, count }: RangeResult, header: ResponseHeader): RangeResponse {
  return { header, kvs: items.map(keyValueOf), more, count };
}

/** `revision` is what the headers inside a transaction say, and all that they say. */
export function txnResponseOf(
  { succeeded, results }: TxnResult,
  header: ResponseHeader,
  revision: number,
): TxnResponse {
  return { header, succeeded, responses: results.map((result) => responseOpOf(result, revision)) };
}

function responseOpOf(result: OperationResult, revision: number): ResponseOp {
  switch (result.kind) {
    case "range":
      return { response_range: rangeResponseOf(result, { revision }) };
    case "put": {
      const { previous } = result;
      return { response_put: { header: { revision }, ...(previous !== null && { prev_kv: keyValueOf(previous) }) } };
    }
    case "delete":
      return {
        response_delete_range: {
          header: { revision },
          deleted: result.deleted,
          prev_kvs: result.previous.map(keyValueOf),
        },
      };
    case "txn":
      return { response_txn: txnResponseOf(result, {}, revision) };
    case "increment":
      // etcd has no such operation, and so nobody has asked for it here.
      return {};
  }
}
