/** The messages between nodes: one-way values, requests and replies alike. */

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
  readonly lastLogIndex: number;
  readonly lastLogTerm: number;
}

export interface VoteReply extends Envelope {
  readonly type: "voteReply";
  readonly preVote: boolean;
  readonly granted: boolean;
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
}

export interface HeartbeatReply extends Envelope {
  readonly type: "heartbeatReply";
  readonly round: number;
}

export type Message = RequestVote | VoteReply | AppendEntries | AppendReply | Heartbeat | HeartbeatReply;

/** True for what only the leader of the message's term can have sent. */
export function isFromLeader(message: Message): message is AppendEntries | Heartbeat {
  return message.type === "appendEntries" || message.type === "heartbeat";
}
