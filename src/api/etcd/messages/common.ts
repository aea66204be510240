/** Messages of etcd's API that many others contain. */

import { message } from "../schema.ts";
import type { Sent } from "../schema.ts";

/** Who answers, and where the store stood. */
export const responseHeader = message("ResponseHeader", {
  cluster_id: "uint64",
  member_id: "uint64",
  revision: "int64",
  raft_term: "uint64",
});
export type ResponseHeader = Sent<typeof responseHeader>;

export const keyValue = message("KeyValue", {
  key: "bytes",
  create_revision: "int64",
  mod_revision: "int64",
  version: "int64",
  value: "bytes",
  lease: "int64",
});
export type KeyValue = Sent<typeof keyValue>;

/** What a call takes that takes nothing. */
export const emptyRequest = message("EmptyRequest", {});

/** What a call answers that has nothing to say but that it was done. */
export const headerResponse = message("HeaderResponse", { header: responseHeader });

export const emptyResponse = message("EmptyResponse", {});
