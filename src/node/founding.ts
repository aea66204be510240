/** How an object's storage becomes a node's: at its first use, when a leader asks it to join, when its group is recovered. */

import type { Env } from "../env.ts";
import { readMembers } from "../env.ts";
import { type JoinRequest, recoveryConfirmation, type RecoverAnswer, type Standing } from "../membership.ts";
import { simpleConfiguration } from "../raft/configuration.ts";
import type { ConfigurationChange } from "../raft/configuration-change.ts";
import type { Entry } from "../raft/entry.ts";
import { encodeAttributes } from "./attributes.ts";
import { firstConfiguration, joiningIdentity, newIdentity, recoveredGroupId } from "./identity.ts";
import type { MembershipStorage } from "./membership-storage.ts";
import type { SqlStorage } from "./sql-storage.ts";
import type { StoredNode } from "./storage.ts";

/** Makes a node of a new group, as wrangler.toml lists it. Answers what is wrong if it must not be made. */
export function found(
  storage: SqlStorage,
  membership: MembershipStorage,
  env: Env,
  group: string,
  node: string,
): string | null {
  const configuration = firstConfiguration(readMembers(env));
  if (![...configuration.voters, ...configuration.learners].includes(node)) return "RAFT_MEMBERS lists no such node.";
  storage.transaction(() => {
    storage.create(newIdentity(group, node, configuration, Math.random), configuration);
    membership.create(false, configuration);
  });
  return null;
}

/**
 * Makes a node that waits to become a member. It begins where its group began, and the log or a snapshot tells it the
 * rest; until the group has made this very storage a member, it stands for no election.
 */
export function join(
  storage: SqlStorage,
  membership: MembershipStorage,
  { group, node }: { readonly group: string; readonly node: string },
  request: JoinRequest,
): void {
  const first = simpleConfiguration(request.first.voters, request.first.learners);
  storage.transaction(() => {
    storage.create(joiningIdentity(group, node, request.groupId, Math.random), first);
    membership.create(true, first);
    for (const [id, storageId] of Object.entries(request.storageIds)) membership.savePeer(id, storageId);
  });
}

/** What becomes of an object that is asked to join and holds a node already; in the last two cases nothing. */
export type Claim = "keep" | "replace" | "other group" | "knows more";

/**
 * A node that waits for the same group keeps its storage: the leader asks again, not knowing that it was heard. One that
 * the group has removed, or that holds nothing, is made anew. Whatever may still be needed is left alone.
 */
export function claimOn(node: Claimed, { groupId, appliedIndex, force }: JoinRequest): Claim {
  if (node.standing === "removed" || node.standing === "fenced" || node.standing === "superseded") return "replace";
  if (node.groupId !== groupId) return force || node.lastIndex === 0 ? "replace" : "other group";
  if (node.standing === "joining") return "keep";
  // It believes to be a member; the caller knows the log further, and there it is none.
  return node.appliedIndex < appliedIndex ? "replace" : "knows more";
}

/** Why an object does not become a new node, and what can be done about it. */
export function claimRefusal(claim: Exclude<Claim, "keep" | "replace">, node: string): string {
  return claim === "other group"
    ? `${node} holds data of another group by this name. With force=true it gives that up.`
    : `${node} is a member as far as it knows, and has applied as much as the leader that asked. Try again.`;
}

/** What an object holds that is asked to join. */
export interface Claimed {
  readonly groupId: string;
  readonly standing: Standing;
  readonly appliedIndex: number;
  readonly lastIndex: number;
}

/**
 * Makes a group of a survivor alone. To be used when a majority of the voters is gone for good, and on the survivor whose
 * log is the longest:
 *
 * - Everything in its log counts as committed from now on. Part of it may not have been; and what a majority that is lost
 *   had committed without this node is lost with it.
 * - The group has another identity: frames of the former one are refused, and whoever sends them learns that there was a
 *   recovery and takes no part any more, should it come back.
 * - Other survivors are not taken along. They are added like any new node, by name, with `force` because they hold data of
 *   the former group; what they hold is then replaced by what this node has.
 *
 * The log goes on. Changes of the members that were not in force yet are struck from it, and a change that no leader could
 * propose says that this node is the only member: so whoever is brought up by this log comes to the same group.
 */
export function recover(
  storage: SqlStorage,
  membership: MembershipStorage,
  stored: StoredNode,
  now: { readonly term: number; readonly appliedIndex: number; readonly lastIndex: number; readonly timeMs: number },
): RecoverAnswer {
  const { identity } = stored;
  const { node, storageId } = identity;
  const groupId = recoveredGroupId(identity.groupId, Math.random);
  const term = now.term + 1;
  const attributes = encodeAttributes({ storageId });
  const change: ConfigurationChange = { changes: [{ type: "addVoter", id: node, attributes }], transition: "forced" };
  const index = now.lastIndex + 1;
  const forced: Entry = { index, term, kind: "configuration", timeMs: now.timeMs, data: new Uint8Array(0), change };
  storage.transaction(() => {
    storage.saveEntries(withoutChanges(storage, now.appliedIndex, now.lastIndex));
    storage.saveEntries([forced]);
    storage.saveHardState({ term, vote: null });
    storage.saveConfiguration({ ...simpleConfiguration([node]), attributes: { [node]: attributes } });
    storage.saveGroupId(groupId);
    storage.saveQuiescent(false);
    membership.forgetPeers();
  });
  return { node, groupId, lastIndex: now.lastIndex, newlyCommitted: now.lastIndex - now.appliedIndex };
}

/** The end of the log from the first change on that is not in force, with nothing in the place of such changes. */
function withoutChanges(storage: SqlStorage, appliedIndex: number, lastIndex: number): readonly Entry[] {
  if (appliedIndex === lastIndex) return [];
  const entries = storage.entries(appliedIndex + 1, lastIndex, Number.POSITIVE_INFINITY);
  const first = entries.findIndex(({ kind }) => kind === "configuration");
  return first < 0 ? [] : entries.slice(first).map((entry) => (entry.kind === "configuration" ? noopIn(entry) : entry));
}

function noopIn({ index, term, timeMs, data }: Entry): Entry {
  return { index, term, kind: "noop", timeMs, data };
}

/** Whether a recovery was meant, and meant for this node. */
export function isConfirmed(request: unknown, node: string): boolean {
  const { node: named, confirm } = (request ?? {}) as { readonly node?: unknown; readonly confirm?: unknown };
  return named === node && confirm === recoveryConfirmation;
}
