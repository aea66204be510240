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

/** `revision` is the store's after the transaction. */
export function txnResponseOf(txn: TxnResult, header: ResponseHeader, revision: number): TxnResponse {
  return new TxnAnswer(txn, revision).response(txn, header);
}

/** The answers inside a transaction: their headers have the store's revision and nothing else. */
class TxnAnswer {
  /** The revision after all of it. */
  private readonly last: number;
  /** It grows with the first write, and with no other. */
  private revision: number;

  constructor(txn: TxnResult, revision: number) {
    this.last = revision;
    this.revision = hasWritten(txn) ? revision - 1 : revision;
  }

  response({ succeeded, results }: TxnResult, header: ResponseHeader): TxnResponse {
    return { header, succeeded, responses: results.map((result) => this.responseOp(result)) };
  }

  private responseOp(result: OperationResult): ResponseOp {
    if (result.kind === "txn") return { response_txn: this.response(result, {}) };
    if (hasWritten(result)) this.revision = this.last;
    const header = { revision: this.revision };
    switch (result.kind) {
      case "range":
        return { response_range: rangeResponseOf(result, header) };
      case "put": {
        const { previous } = result;
        return { response_put: { header, ...(previous !== null && { prev_kv: keyValueOf(previous) }) } };
      }
      case "delete": {
        const { deleted, previous } = result;
        return { response_delete_range: { header, deleted, prev_kvs: previous.map(keyValueOf) } };
      }
      case "increment":
        // etcd has no such operation, and so nobody has asked for it here.
        return {};
    }
  }
}

function hasWritten(result: OperationResult): boolean {
  if (result.kind === "txn") return result.results.some(hasWritten);
  return result.kind === "delete" ? result.deleted > 0 : result.kind !== "range";
}
