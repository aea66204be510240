/** The messages of etcd's Cluster service. */

import { message, repeated } from "../schema.ts";
import type { Sent } from "../schema.ts";
import { responseHeader } from "./common.ts";

const member = message("Member", {
  ID: "uint64",
  name: "string",
  peerURLs: repeated("string"),
  clientURLs: repeated("string"),
  isLearner: "bool",
});
export type MemberMessage = Sent<typeof member>;

export const memberAddRequest = message("MemberAddRequest", { peerURLs: repeated("string"), isLearner: "bool" });

export const memberRequest = message("MemberRequest", { ID: "uint64" });

export const memberListRequest = message("MemberListRequest", { linearizable: "bool" });

/** Of all calls that answer with the members; `member` is the one that was added. */
export const membersResponse = message("MembersResponse", {
  header: responseHeader,
  member,
  members: repeated(member),
});
