/** What the Worker in front and the nodes tell each other about who belongs to a group: changes, transfers, joining, recovery. */

/** One change of a group's members. */
export type RequestedChange =
  | {
      readonly action: "add";
      readonly id: string;
      readonly role: "voter" | "learner";
      /** Whether a learner becomes a voter by itself, as soon as it has caught up. */
      readonly promote: boolean;
      /** Near which region its object is created, as Cloudflare names regions. */
      readonly locationHint?: string;
    }
  | { readonly action: "remove" | "promote" | "demote"; readonly id: string };

/** The body of a `members` call: all of it happens, as one change, or nothing. */
export interface ChangeRequest {
  readonly changes: readonly RequestedChange[];
  /** Do what costs fault tolerance or availability, too. What would be unsafe is refused all the same. */
  readonly force: boolean;
}

/** The body of a `transfer` call. */
export interface TransferRequest {
  /** The node that is to lead; null for the most up-to-date voter. */
  readonly to: string | null;
}

/** The body of the answer to a `transfer` call. */
export interface TransferAnswer {
  readonly leader: string;
  readonly term: number;
}

/** The body of a `join` call, which a leader makes to a node that is to become a member. */
export interface JoinRequest {
  readonly groupId: string;
  /** The configuration that the group began with: its log tells what has changed since. */
  readonly first: { readonly voters: readonly string[]; readonly learners: readonly string[] };
  /** The members' storages, by node id, as far as the leader knows them. */
  readonly storageIds: Readonly<Record<string, string>>;
  /** The called node is no member at this index of the group's log. */
  readonly appliedIndex: number;
  /** Whether the node may lose what it holds of another group. */
  readonly force: boolean;
}

/** The body of the answer to a `join` call: which storage is to become a member. */
export interface JoinAnswer {
  readonly storageId: string;
}

/** What a recovered group begins with: the body of the answer to a `recover` call. */
export interface RecoverAnswer {
  readonly node: string;
  readonly groupId: string;
  /** The last entry of the survivor's log: everything up to it counts as committed. */
  readonly lastIndex: number;
  /** Entries that were not known to be committed, and now are. */
  readonly newlyCommitted: number;
}

/** The most voters of a group: each one more makes every commit wait for more nodes, and nine bear four faults. */
export const maxVoters = 9;
/** The most learners of a group: the leader sends everything to each of them. */
export const maxLearners = 16;

/** What has to be repeated to make a group of one survivor. */
export const recoveryConfirmation = "the majority is gone for good and committed writes may be lost";

/** Why a group's members were not changed. Nothing has happened. */
export type MembershipRefusalCode =
  /** The request does not make sense in itself. */
  | "invalid_change"
  | "unknown_node"
  | "member_exists"
  | "role_unchanged"
  /** An earlier change is not in force yet. */
  | "change_pending"
  /** An earlier change of several members is still being completed. */
  | "joint_change"
  | "transferring"
  | "no_voters"
  | "too_many_members"
  /** A group of two voters bears no fault. Can be forced. */
  | "two_voters"
  /** Too few of the voters that would be left are in contact with the leader. Can be forced. */
  | "quorum_at_risk"
  /** The learner lacks too much of the log. Can be forced. */
  | "not_caught_up"
  /** The node that is to be added does not answer. */
  | "node_unreachable"
  /** The node that is to be added holds the data of another group. Can be forced. */
  | "node_in_use"
  | "not_a_voter"
  /** Leadership stayed where it was, or went elsewhere. */
  | "transfer_failed"
  /** The request does not name the called node and repeat `recoveryConfirmation`. */
  | "not_confirmed";

/** Whether a node belongs to its group. */
export type Standing =
  /** It was told of the group, which has not made it a member yet. */
  | "joining"
  | "member"
  /** It was a member. */
  | "removed"
  /** Its storage is not the one that the group knows: what it had promised is lost, and so it must not promise anything. */
  | "fenced"
  /** Its group lost its majority and was made anew without it. */
  | "superseded";
