/** What each error of this deployment is called in etcd's API: the one table of codes and texts. */

import { ApiError } from "../errors.ts";
import type { ErrorCode } from "../errors.ts";
import { StatusError } from "./status.ts";
import type { StatusCode } from "./status.ts";

type Row = readonly [code: StatusCode, text: string];

/** Errors for which etcd has a text of its own. The others keep ours, which say more than any of etcd's would. */
const texts: Partial<Record<ErrorCode, Row>> = {
  duplicate_key: ["invalidArgument", "etcdserver: duplicate key given in txn request"],
  too_many_operations: ["invalidArgument", "etcdserver: too many operations in txn request"],
  compacted: ["outOfRange", "etcdserver: mvcc: required revision has been compacted"],
  future_revision: ["outOfRange", "etcdserver: mvcc: required revision is a future revision"],
  lease_not_found: ["notFound", "etcdserver: requested lease not found"],
  lease_exists: ["failedPrecondition", "etcdserver: lease already exists"],
  key_not_found: ["invalidArgument", "etcdserver: key not found"],
  too_large: ["invalidArgument", "etcdserver: request is too large"],
  overloaded: ["resourceExhausted", "etcdserver: too many requests"],
  no_leader: ["unavailable", "etcdserver: no leader"],
  timeout: ["unavailable", "etcdserver: request timed out"],
  unavailable: ["unavailable", "etcdserver: request timed out, possibly due to connection lost"],
  unknown_node: ["notFound", "etcdserver: member not found"],
  member_exists: ["failedPrecondition", "etcdserver: Peer URLs already exists"],
  role_unchanged: ["failedPrecondition", "etcdserver: can only promote a learner member"],
  not_caught_up: ["failedPrecondition", "etcdserver: can only promote a learner member which is in sync with leader"],
  too_many_members: ["failedPrecondition", "etcdserver: too many learner members in cluster"],
  quorum_at_risk: ["failedPrecondition", "etcdserver: re-configuration failed due to not enough started members"],
  not_a_voter: ["failedPrecondition", "etcdserver: bad leader transferee"],
  transfer_failed: ["unavailable", "etcdserver: request timed out, leader transfer took too long"],
};

/** The codes of errors that keep our text. */
const codes: Partial<Record<ErrorCode, StatusCode>> = {
  answer_too_large: "resourceExhausted",
  too_many_leases: "resourceExhausted",
  invalid_group: "invalidArgument",
  invalid_change: "invalidArgument",
  unauthorized: "unauthenticated",
  no_token_configured: "permissionDenied",
  misconfigured: "unavailable",
  node_unreachable: "unavailable",
  change_pending: "failedPrecondition",
  joint_change: "failedPrecondition",
  transferring: "failedPrecondition",
  no_voters: "failedPrecondition",
  two_voters: "failedPrecondition",
  node_in_use: "failedPrecondition",
};

/** A request that is not known to have had no effect: etcd's word for it, on which clients read what they wrote. */
const inDoubt: Row = ["unavailable", "etcdserver: request timed out, possibly due to previous leader failure"];

export function statusOf(error: unknown): StatusError {
  if (error instanceof StatusError) return error;
  // A mistake in this code is not told to anybody.
  if (!(error instanceof ApiError)) return new StatusError("unknown", "etcdserver: internal error");
  const text = error.ambiguous && error.code === "no_leader" ? inDoubt : texts[error.code];
  if (text !== undefined) return new StatusError(...text);
  return new StatusError(codes[error.code] ?? "unknown", `etcdserver: ${error.message}`);
}
