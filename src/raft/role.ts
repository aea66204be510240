/** What every role does: the part of a node that changes with it. */

import type { NodeId } from "./entry.ts";
import type { Message } from "./message.ts";

export type RoleName = "follower" | "preCandidate" | "candidate" | "leader";

export interface Role {
  readonly name: RoleName;
  /** The leader of the term as far as this node knows. */
  readonly leader: NodeId | null;
  /** True while it waits for no time because the group is idle. */
  readonly quiescent: boolean;
  /** When `tick` has something to do; infinite when never. */
  readonly deadlineMs: number;
  /** True while votes are refused because a leader was heard lately (thesis, section 4.2.3). */
  refusesVotes(nowMs: number): boolean;
  /** A peer has asked for votes and can't have them: it hears no leader, and won't be one. */
  missedBy(peer: NodeId, nowMs: number): void;
  /** The deadline has come. */
  expire(nowMs: number): void;
  /** A message of the node's own term, vote requests aside. */
  step(message: Message, nowMs: number): void;
  /** The end of a turn: whatever has gathered is sent. */
  emit(nowMs: number): void;
  /** Asks for the point that a read has to wait for; false when nobody can be asked. */
  readIndex(context: number, nowMs: number): boolean;
  /** Another configuration is in force. */
  reconfigured(nowMs: number): void;
}
