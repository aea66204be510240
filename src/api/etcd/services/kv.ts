/** etcd's KV service: range, put, delete, transactions and compaction. */

import { encodeQuery } from "../../../kv/query-codec.ts";
import type { Operation, RangeOperation } from "../../../kv/model.ts";
import { foundIn } from "../../store.ts";
import type { Found } from "../../store.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import type { ResponseHeader } from "../messages/common.ts";
import type {
  DeleteRangeRequest,
  DeleteRangeResponse,
  PutRequest,
  PutResponse,
  RangeRequest,
  RangeResponse,
  ResponseOp,
  TxnRequest,
  TxnResponse,
} from "../messages/kv.ts";
import { toNumber } from "../numbers.ts";
import { alone, deleteOperation, putOperation, rangeOperation, txnOperation } from "../operations.ts";
import { rangeResponseOf, txnResponseOf } from "../responses.ts";

/** `serializable` is etcd's word for what any node holds, without asking the others. */
export async function range(call: Call, request: RangeRequest): Promise<RangeResponse> {
  const operation = rangeOperation(request);
  const found = request.serializable ? await rangeAnywhere(call, operation) : await call.store.range(operation);
  return rangeResponseOf(found.range, header(call, found));
}

export async function put(call: Call, request: PutRequest): Promise<PutResponse> {
  const { response, ...answer } = await write(call, putOperation(request));
  return { ...response.response_put, header: answer.header };
}

export async function deleteRange(call: Call, request: DeleteRangeRequest): Promise<DeleteRangeResponse> {
  const { response, ...answer } = await write(call, deleteOperation(request));
  return { ...response.response_delete_range, header: answer.header };
}

export async function txn(call: Call, request: TxnRequest): Promise<TxnResponse> {
  const outcome = await call.store.txn(txnOperation(request));
  return txnResponseOf(outcome.txn, header(call, outcome), outcome.revision);
}

export async function compact(
  call: Call,
  request: { readonly revision: bigint },
): Promise<{ readonly header: ResponseHeader }> {
  const outcome = await call.store.command("compacted", { kind: "compact", revision: toNumber(request.revision) });
  return { header: header(call, outcome) };
}

async function rangeAnywhere(call: Call, operation: RangeOperation): Promise<Found<"range">> {
  const { cluster, target } = call;
  const answer = await cluster.queryNodes(target, {
    query: encodeQuery(operation),
    members: cluster.members(target),
    consistency: "stale",
  });
  return foundIn("range", answer);
}

async function write(
  call: Call,
  operation: Operation,
): Promise<{ readonly header: ResponseHeader; readonly response: ResponseOp }> {
  const outcome = await call.store.txn(alone(operation));
  const { responses = [] } = txnResponseOf(outcome.txn, {}, outcome.revision);
  return { header: header(call, outcome), response: responses[0] ?? {} };
}
