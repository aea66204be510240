/** The internal calls between the Worker in front and the Durable Objects that are the nodes: paths, headers, answers. */

import type { MembershipRefusalCode, Standing } from "./membership.ts";

/**
 * All calls are `POST https://node.internal/<path>` on an object stub; none of these paths exists on the public Worker.
 * `propose` and `query` carry the command's or query's bytes and are answered with the result's bytes.
 */
export const internalOrigin = "https://node.internal";
export const internalPath = {
  /** Frames between nodes. */
  raft: "/raft",
  /** Pages of a snapshot between nodes. */
  snapshot: "/snapshot",
  /** Replicates a command; answered when it is committed and applied. Leader only. */
  propose: "/propose",
  /** Replicates many commands, each an entry of its own: parts in, parts out (`parts.ts`). Leader only. */
  proposeAll: "/propose-all",
  /**
   * Opens a subscription of the state machine: the request's bytes in, a stream of parts out, from any node. With
   * `Upgrade: websocket` it is a WebSocket instead, and the request is in the header `x-raft-subscription`.
   */
  subscribe: "/subscribe",
  /** Reads. `x-raft-consistency` says how. Linearizable reads are answered by the leader only. */
  query: "/query",
  /** Proves that the node leads, and wakes its group if that rests; answered with nothing. Leader only. */
  confirm: "/confirm-leadership",
  /** This node as JSON, `NodeStatus`. */
  status: "/status",
  /** This node's metrics as Prometheus text. */
  metrics: "/metrics",
  /** Changes the members: `ChangeRequest`. Answered with the node's status when the change is in force. Leader only. */
  members: "/change-members",
  /** Hands leadership over: `TransferRequest`, `TransferAnswer`. Leader only. */
  transfer: "/transfer-leadership",
  /** Makes this object a node that waits to become a member: `JoinRequest`, `JoinAnswer`. From a leader. */
  join: "/join",
  /** Makes a group of this node alone: answered with a `RecoverAnswer`. */
  recover: "/recover-alone",
} as const;

export const internalHeader = {
  /** Request: the group that the object is to belong to. */
  group: "x-raft-group",
  /**
   * Request: the node id that the object is to have. Answer: the id of the node that answered. An answer without it was
   * not made by a node: whatever made it, the node is unreachable.
   */
  node: "x-raft-node",
  /** Request: how long the caller still waits, in whole milliseconds. */
  timeoutMs: "x-raft-timeout-ms",
  /**
   * Request to `status`: a leader that could not be reached, or empty. A node of an idle group that knows no other leader
   * stands for election.
   */
  suspect: "x-raft-suspect",
  /** Request to `subscribe` a WebSocket: the subscription's request in base64url. */
  subscription: "x-raft-subscription",
  /** Request to `query`: `linearizable` or `stale`. */
  consistency: "x-raft-consistency",
  /** Request to `query` with `stale`: the state may be that old, in milliseconds; missing: as old as it is. */
  maxStalenessMs: "x-raft-max-staleness-ms",
  /** Request to `query`: the state must include the entry at this index. */
  minIndex: "x-raft-min-index",
  /** Answer: the node's term. */
  term: "x-raft-term",
  /** Answer: the index at which the command was applied, or up to which the read state had been applied. */
  index: "x-raft-index",
  /** Answer: how many recoveries led to the node's group; missing when none did. */
  generation: "x-raft-generation",
  /** Answer: the leader's node id as far as this node knows; missing when it knows none. */
  leader: "x-raft-leader",
} as const;

export type Consistency = "linearizable" | "stale";

/** The name of the Durable Object that is a group's node. Neither part may contain a slash. */
export function objectName(group: string, node: string): string {
  return `${group}/${node}`;
}

/** The HTTP status of every refusal; its body is a `Refusal`. */
export const refusalStatus = 421;

/** Why a node did not do what it was asked to. */
export type RefusalCode =
  /** It does not lead. The command was not accepted: nothing happened, and asking the named leader is safe. */
  | "not_leader"
  /** It leads, but another leader's entry took the command's place in the log. Nothing happened; asking again is safe. */
  | "superseded"
  /** Too many bytes wait for their commit. Nothing happened; ask again later. */
  | "overloaded"
  /** The caller's time is over. A command may still take effect; a read has not been answered. */
  | "timeout"
  /** The index that a read is to include is one that the group has not come to: nobody can have seen it. */
  | "future_index"
  /** The command or query exceeds what one entry may hold. Nothing happened. */
  | "too_large"
  /** The request's headers or path are not those of this protocol, or name another group or node than this object's. */
  | "bad_request"
  /** It is not a member of the group any more; `members` of the refusal are. */
  | "removed"
  /** It is not a member of the group yet. */
  | "joining"
  /** It must not take part: its storage was lost, or its group was made anew without it. */
  | "fenced"
  | MembershipRefusalCode;

/** The body of an answer with `refusalStatus`. */
export interface Refusal {
  readonly code: RefusalCode;
  readonly message: string;
  /** True if a command may still take effect. */
  readonly ambiguous: boolean;
  /** Who belongs to the group, from a node that does not. */
  readonly members?: readonly MemberStatus[];
}

/** Whether a node takes part in votes and commits, or only receives the log (thesis section 4.2.1). */
export type MemberRole = "voter" | "learner";

/** One node of a new group, as wrangler.toml lists it. */
export interface MemberSpecification {
  readonly id: string;
  /** Near which region its object is created, as Cloudflare names regions (`weur`, `enam`, …). */
  readonly locationHint?: string;
  readonly role: MemberRole;
}

/** A member of a group, as the node that answers knows the group. */
export interface MemberStatus extends MemberSpecification {
  /** True for a learner that becomes a voter as soon as it has caught up. */
  readonly promoting: boolean;
}

/** What a leader knows of one peer. */
export interface PeerStatus {
  readonly id: string;
  /** The highest index known to be stored there. */
  readonly matchIndex: number;
  readonly state: "probe" | "replicate" | "snapshot";
  /** How many entries it is behind the leader's log. */
  readonly lagEntries: number;
  /** Milliseconds since the leader last heard from it; null when not yet in this term. */
  readonly lastContactMs: number | null;
  /** Within this time 99 in 100 answers come back; 0 until that is known. */
  readonly roundTripMs: number;
}

/** One node, as it sees itself: the answer to `status`. */
export interface NodeStatus {
  readonly id: string;
  readonly group: string;
  readonly role: "follower" | "preCandidate" | "candidate" | "leader";
  readonly term: number;
  readonly leader: string | null;
  readonly log: {
    readonly firstIndex: number;
    readonly lastIndex: number;
    readonly lastTerm: number;
    readonly commitIndex: number;
    readonly appliedIndex: number;
  };
  /** True while the group is idle and this node waits for no time. */
  readonly quiescent: boolean;
  /** The timing in force, in milliseconds: as configured, or slower where measured round trips ask for it. */
  readonly timing: {
    readonly heartbeatMs: number;
    readonly electionMinMs: number;
    readonly electionMaxMs: number;
  };
  /** Present where the configuration says that reads are answered by a lease, which trusts the clocks. */
  readonly lease?: {
    /** By how much a lease ends before the promises that it rests on, in milliseconds. */
    readonly maxClockDriftMs: number;
    /** For how long this node may yet answer reads without asking anybody, in milliseconds; 0 when it may not. */
    readonly remainingMs: number;
  };
  /** Milliseconds since it last heard from its leader; null for a leader, and when it has heard from none. */
  readonly lastContactMs: number | null;
  readonly members: readonly MemberStatus[];
  /** True while a change of several members is being completed, which needs majorities of those before and after it. */
  readonly joint: boolean;
  /** Whether it is one of them itself. */
  readonly standing: Standing;
  /** Why it is not; null for a member. */
  readonly standingReason: string | null;
  /** Tells groups that share a name apart; another one after each recovery. */
  readonly groupId: string;
  /** How many recoveries led to this group. */
  readonly generation: number;
  /** Tells storages of a node apart. */
  readonly storageId: string;
  /** Present while it leads. */
  readonly peers?: readonly PeerStatus[];
}
