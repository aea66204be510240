/** The follower: it takes entries from the leader, and calls an election when it hears from none. */

import type { NodeId } from "./entry.ts";
import type { AppendEntries, Heartbeat, Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import type { Role } from "./role.ts";

export class Follower implements Role {
  readonly name = "follower";
  leader: NodeId | null;
  deadlineMs: number;
  /** When the leader of this term was last heard; null when it was not. */
  lastContactMs: number | null = null;
  private readonly raft: Raft;

  constructor(raft: Raft, leader: NodeId | null, electionTimeoutMs: number, nowMs: number) {
    this.raft = raft;
    this.leader = leader;
    // Only a voter may campaign.
    this.deadlineMs = raft.isVoter ? nowMs + electionTimeoutMs : Number.POSITIVE_INFINITY;
  }

  refusesVotes(nowMs: number): boolean {
    const { checkQuorum, electionMinMs } = this.raft.options;
    return checkQuorum && this.lastContactMs !== null && nowMs - this.lastContactMs < electionMinMs;
  }

  expire(nowMs: number): void {
    this.raft.campaign(nowMs);
  }

  step(message: Message, nowMs: number): void {
    switch (message.type) {
      case "appendEntries":
        this.contact(message.from, nowMs);
        this.append(message);
        break;
      case "heartbeat":
        this.contact(message.from, nowMs);
        this.heartbeat(message);
        break;
      case "requestVote":
      case "voteReply":
      case "appendReply":
      case "heartbeatReply":
        // Answers to what this node asked in a role that it no longer has.
        break;
    }
  }

  /** Waits a whole timeout again: the node granted its vote, and the candidate deserves its time. */
  restartTimer(nowMs: number): void {
    if (this.raft.isVoter) this.deadlineMs = nowMs + this.raft.drawElectionTimeoutMs();
  }

  private contact(leader: NodeId, nowMs: number): void {
    this.leader = leader;
    this.lastContactMs = nowMs;
    this.restartTimer(nowMs);
  }

  private append(message: AppendEntries): void {
    const { raft } = this;
    const { log } = raft;
    const { prevLogIndex, prevLogTerm, entries, from, round } = message;
    const reply = { type: "appendReply", from: raft.id, to: from, term: raft.term, round } as const;
    if (prevLogIndex < log.commitIndex) {
      // What is committed is equal everywhere: nothing to compare, and nothing that a late message could undo.
      raft.send({ ...reply, index: log.commitIndex, rejection: null });
      return;
    }
    if (log.term(prevLogIndex) !== prevLogTerm) {
      const hint = log.lastAtMost(Math.min(prevLogIndex, log.lastIndex), prevLogTerm);
      raft.send({ ...reply, index: prevLogIndex, rejection: { hintIndex: hint.index, hintTerm: hint.term } });
      return;
    }
    log.merge(entries);
    // Beyond the last entry of this message the log may still hold another leader's entries.
    const verifiedIndex = prevLogIndex + entries.length;
    log.commitTo(Math.min(message.commitIndex, verifiedIndex));
    raft.send({ ...reply, index: verifiedIndex, rejection: null });
  }

  private heartbeat(message: Heartbeat): void {
    const { raft } = this;
    raft.log.commitTo(message.commitIndex);
    raft.send({ type: "heartbeatReply", from: raft.id, to: message.from, term: raft.term, round: message.round });
  }
}
