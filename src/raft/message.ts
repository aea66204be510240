/** The messages between nodes: one-way values, requests and replies alike. */

import type { Configuration } from "./configuration.ts";
import type { Entry, NodeId } from "./entry.ts";

interface Envelope {
  readonly from: NodeId;
  readonly to: NodeId;
  /** The sender's term; in a pre-vote request and its grant, the term that the election would have. */
  readonly term: number;
}

/** Asks for a vote (Raft paper, section 5.4.1), or whether there would be one (thesis, section 9.6). */
export interface RequestVote extends Envelope {
  readonly type: "requestVote";
  readonly preVote: boolean;
  /** The leader asked for this election: who hears it may vote although that leader was heard lately. */
  readonly transfer: boolean;
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
  /** The last entry that the candidate knows to be committed. */
  readonly commitIndex: number;
  readonly commitTerm: number;
  /** The candidate's number for this question; the answer repeats it, and so tells how long it took. */
  readonly question: number;
}

export interface VoteReply extends Envelope {
  readonly type: "voteReply";
  readonly preVote: boolean;
  readonly granted: boolean;
  /** The last entry that the voter knows to be committed. */
  readonly commitIndex: number;
  readonly commitTerm: number;
  readonly question: number;
}

/** Replicates entries that follow `prevLogIndex` (Raft paper, section 5.3). */
export interface AppendEntries extends Envelope {
  readonly type: "appendEntries";
  readonly prevLogIndex: number;
  readonly prevLogTerm: number;
  readonly entries: readonly Entry[];
  readonly commitIndex: number;
  /** The leader's round of contact; the reply repeats it. */
  readonly round: number;
}

export interface AppendReply extends Envelope {
  readonly type: "appendReply";
  /** Accepted: the last index known to be equal to the leader's log. Rejected: the request's `prevLogIndex`. */
  readonly index: number;
  /**
   * Null when accepted. Otherwise where the logs may meet: the follower's last index up to `index` whose term is not
   * above the request's `prevLogTerm`, and that entry's term.
   */
  readonly rejection: { readonly hintIndex: number; readonly hintTerm: number } | null;
  readonly round: number;
}

/** Keeps followers from electing, spreads the commit index and confirms leadership. */
export interface Heartbeat extends Envelope {
  readonly type: "heartbeat";
  /** Never above what the receiver is known to store. */
  readonly commitIndex: number;
  readonly round: number;
  /** The cluster time. */
  readonly timeMs: number;
  /** The shortest election timeout by which the leader goes, in whole milliseconds. */
  readonly electionMinMs: number;
  /**
   * For so many milliseconds the receiver is to elect nobody else: the leader answers reads on the strength of it (thesis,
   * section 6.4.1). With 0 it does not, and gives back what was promised to it before.
   */
  readonly leaseMs: number;
  /** The group is idle: whoever has everything need not watch over the leader any more. */
  readonly quiesce: boolean;
}

export interface HeartbeatReply extends Envelope {
  readonly type: "heartbeatReply";
  readonly round: number;
  /** The sender rests. */
  readonly quiesced: boolean;
}

/** A point of the log and all of the state there that is the protocol's own (Raft paper, section 7). */
export interface Snapshot {
  /** The last entry that the state includes. */
  readonly index: number;
  /** That entry's term and stamp. */
  readonly term: number;
  readonly timeMs: number;
  /** The configuration in force there. */
  readonly configuration: Configuration;
}

/**
 * Replaces a log that ends before the leader's begins. The state machine's part travels beside this message: the
 * receiving host hands it over when it has that part too. It is answered like an append.
 */
export interface InstallSnapshot extends Envelope {
  readonly type: "installSnapshot";
  readonly snapshot: Snapshot;
  readonly round: number;
}

/** Asks the leader up to where reads that arrived at a follower must wait (thesis, section 6.4). */
export interface ReadIndexRequest extends Envelope {
  readonly type: "readIndexRequest";
  /** The follower's names for the reads, never used twice, not even by a later incarnation. */
  readonly contexts: readonly number[];
}

export interface ReadIndexReply extends Envelope {
  readonly type: "readIndexReply";
  readonly contexts: readonly number[];
  /** The leader's commit index at a time after the request arrived at which it still led. */
  readonly index: number;
}

/** Tells the receiver to stand for election at once (thesis, section 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: "timeoutNow";
}

export type Message =
  | RequestVote
  | VoteReply
  | AppendEntries
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | InstallSnapshot
  | ReadIndexRequest
  | ReadIndexReply
  | TimeoutNow;

/** True for what a leader sends to replicate and to stay in contact. */
export function isFromLeader(message: Message): message is AppendEntries | Heartbeat | InstallSnapshot {
  return message.type === "appendEntries" || message.type === "heartbeat" || message.type === "installSnapshot";
}

/** True for what promises nothing about the sender's own disk. */
export function mayLeaveEarly(message: Message): boolean {
  return message.type === "appendEntries" || message.type === "heartbeat";
}
