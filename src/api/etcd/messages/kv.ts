/** The messages of etcd's KV service. */

import { enumeration, lazy, message, repeated } from "../schema.ts";
import type { AnyMessageType, Received, Sent } from "../schema.ts";
import { keyValue, responseHeader } from "./common.ts";
import type { ResponseHeader } from "./common.ts";

export const rangeRequest = message("RangeRequest", {
  key: "bytes",
  range_end: "bytes",
  limit: "int64",
  revision: "int64",
  sort_order: enumeration("SortOrder", ["NONE", "ASCEND", "DESCEND"]),
  sort_target: enumeration("SortTarget", ["KEY", "VERSION", "CREATE", "MOD", "VALUE"]),
  serializable: "bool",
  keys_only: "bool",
  count_only: "bool",
  min_mod_revision: "int64",
  max_mod_revision: "int64",
  min_create_revision: "int64",
  max_create_revision: "int64",
});
export type RangeRequest = Received<typeof rangeRequest>;

export const rangeResponse = message("RangeResponse", {
  header: responseHeader,
  kvs: repeated(keyValue),
  more: "bool",
  count: "int64",
});
export type RangeResponse = Sent<typeof rangeResponse>;

export const putRequest = message("PutRequest", {
  key: "bytes",
  value: "bytes",
  lease: "int64",
  prev_kv: "bool",
  ignore_value: "bool",
  ignore_lease: "bool",
});
export type PutRequest = Received<typeof putRequest>;

export const putResponse = message("PutResponse", { header: responseHeader, prev_kv: keyValue });
export type PutResponse = Sent<typeof putResponse>;

export const deleteRangeRequest = message("DeleteRangeRequest", {
  key: "bytes",
  range_end: "bytes",
  prev_kv: "bool",
});
export type DeleteRangeRequest = Received<typeof deleteRangeRequest>;

export const deleteRangeResponse = message("DeleteRangeResponse", {
  header: responseHeader,
  deleted: "int64",
  prev_kvs: repeated(keyValue),
});
export type DeleteRangeResponse = Sent<typeof deleteRangeResponse>;

export const compare = message(
  "Compare",
  {
    result: enumeration("CompareResult", ["EQUAL", "GREATER", "LESS", "NOT_EQUAL"]),
    target: enumeration("CompareTarget", ["VERSION", "CREATE", "MOD", "VALUE", "LEASE"]),
    key: "bytes",
    range_end: "bytes",
    version: "int64",
    create_revision: "int64",
    mod_revision: "int64",
    value: "bytes",
    lease: "int64",
  },
  ["version", "create_revision", "mod_revision", "value", "lease"],
);
export type CompareRequest = Received<typeof compare>;

export interface TxnRequest {
  readonly compare: readonly CompareRequest[];
  readonly success: readonly RequestOp[];
  readonly failure: readonly RequestOp[];
}

export interface TxnResponse {
  readonly header?: ResponseHeader;
  readonly succeeded?: boolean;
  readonly responses?: readonly ResponseOp[];
}

const requestOp = message(
  "RequestOp",
  {
    request_range: rangeRequest,
    request_put: putRequest,
    request_delete_range: deleteRangeRequest,
    request_txn: lazy<TxnRequest, never>((): AnyMessageType => txnRequest),
  },
  ["request_range", "request_put", "request_delete_range", "request_txn"],
);
export type RequestOp = Received<typeof requestOp>;

const responseOp = message("ResponseOp", {
  response_range: rangeResponse,
  response_put: putResponse,
  response_delete_range: deleteRangeResponse,
  response_txn: lazy<never, TxnResponse>((): AnyMessageType => txnResponse),
});
export type ResponseOp = Sent<typeof responseOp>;

export const txnRequest = message("TxnRequest", {
  compare: repeated(compare),
  success: repeated(requestOp),
  failure: repeated(requestOp),
});

export const txnResponse = message("TxnResponse", {
  header: responseHeader,
  succeeded: "bool",
  responses: repeated(responseOp),
});

export const compactionRequest = message("CompactionRequest", { revision: "int64", physical: "bool" });
