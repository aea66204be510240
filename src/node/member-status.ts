/** The members of a configuration, as callers are told of them. */

import type { MemberStatus } from "../internal.ts";
import { type Configuration, members } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";
import { attributesOf } from "./attributes.ts";

/** Where wrangler.toml says that a node's object is to be. */
export type HintOf = (id: NodeId) => string | undefined;

/** Where a node's object is, or is to be: as the group was told when it was added, or as wrangler.toml says. */
export function locationHintOf(configuration: Configuration, id: NodeId, listed: HintOf): string | undefined {
  const attributes = attributesOf(configuration, id);
  return attributes === null ? listed(id) : attributes.locationHint;
}

/** In a joint configuration, who is to vote at its end counts as a voter, and so does who votes only until then. */
export function memberStatuses(configuration: Configuration, listed: HintOf): readonly MemberStatus[] {
  const { voters, outgoing, learnersNext, promoting } = configuration;
  return members(configuration).map((id) => {
    const votes = voters.includes(id) || (outgoing.includes(id) && !learnersNext.includes(id));
    const status: MemberStatus = { id, role: votes ? "voter" : "learner", promoting: promoting.includes(id) };
    const locationHint = locationHintOf(configuration, id, listed);
    return locationHint === undefined ? status : { ...status, locationHint };
  });
}
