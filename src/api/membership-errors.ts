/** What can go wrong with a group's members, in the public API: the HTTP status of each code. */

import type { MembershipRefusalCode } from "../membership.ts";

export const membershipStatus = {
  invalid_change: 400,
  not_confirmed: 400,
  unknown_node: 404,
  member_exists: 409,
  role_unchanged: 409,
  change_pending: 409,
  joint_change: 409,
  transferring: 409,
  no_voters: 409,
  too_many_members: 409,
  two_voters: 409,
  quorum_at_risk: 409,
  not_caught_up: 409,
  node_in_use: 409,
  not_a_voter: 409,
  node_unreachable: 503,
  transfer_failed: 503,
} as const satisfies Record<MembershipRefusalCode, number>;

/** True for a reason that a node has for not changing its group. */
export function isMembershipRefusal(code: string): code is MembershipRefusalCode {
  return Object.hasOwn(membershipStatus, code);
}
