/** The messages of etcd's Watch service. */

import { enumeration, message, repeated } from "../schema.ts";
import type { Received, Sent } from "../schema.ts";
import { keyValue, responseHeader } from "./common.ts";

export const watchCreateRequest = message("WatchCreateRequest", {
  key: "bytes",
  range_end: "bytes",
  start_revision: "int64",
  progress_notify: "bool",
  filters: repeated(enumeration("FilterType", ["NOPUT", "NODELETE"])),
  prev_kv: "bool",
  watch_id: "int64",
  fragment: "bool",
});
export type WatchCreateRequest = Received<typeof watchCreateRequest>;

export const watchRequest = message(
  "WatchRequest",
  {
    create_request: watchCreateRequest,
    cancel_request: message("WatchCancelRequest", { watch_id: "int64" }),
    progress_request: message("WatchProgressRequest", {}),
  },
  ["create_request", "cancel_request", "progress_request"],
);
export type WatchRequestMessage = Received<typeof watchRequest>;

export const event = message("Event", {
  type: enumeration("EventType", ["PUT", "DELETE"]),
  kv: keyValue,
  prev_kv: keyValue,
});

export const watchResponse = message("WatchResponse", {
  header: responseHeader,
  watch_id: "int64",
  created: "bool",
  canceled: "bool",
  compact_revision: "int64",
  cancel_reason: "string",
  fragment: "bool",
  events: repeated(event),
});
export type WatchResponse = Sent<typeof watchResponse>;
