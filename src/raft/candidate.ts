/** The candidate: it asks for votes, or first whether it would get them. */

import type { NodeId } from "./entry.ts";
import type { Message, VoteReply } from "./message.ts";
import { type VoteResult, voteResult } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import type { Role } from "./role.ts";

export class Candidate implements Role {
  readonly name: "preCandidate" | "candidate";
  readonly leader = null;
  readonly deadlineMs: number;
  private readonly raft: Raft;
  private readonly votes = new Map<NodeId, boolean>();

  constructor(raft: Raft, preVote: boolean, nowMs: number) {
    this.raft = raft;
    this.name = preVote ? "preCandidate" : "candidate";
    this.deadlineMs = nowMs + raft.drawElectionTimeoutMs();
    this.votes.set(raft.id, true);
  }

  get result(): VoteResult {
    return voteResult(this.raft.configuration.voters, (voter) => this.votes.get(voter));
  }

  refusesVotes(): boolean {
    return false;
  }

  expire(nowMs: number): void {
    this.raft.campaign(nowMs);
  }

  /** The next term in a pre-vote, the node's own in an election. */
  private get askedTerm(): number {
    return this.name === "preCandidate" ? this.raft.term + 1 : this.raft.term;
  }

  /** Asks all other voters. */
  requestVotes(): void {
    const { raft } = this;
    for (const to of raft.configuration.voters) {
      if (to === raft.id) continue;
      raft.send({
        type: "requestVote",
        from: raft.id,
        to,
        term: this.askedTerm,
        preVote: this.name === "preCandidate",
        lastLogIndex: raft.log.lastIndex,
        lastLogTerm: raft.log.lastTerm,
      });
    }
  }

  step(message: Message, nowMs: number): void {
    switch (message.type) {
      case "voteReply":
        this.count(message, nowMs);
        break;
      case "appendEntries":
      case "heartbeat":
        // Another candidate has won this term.
        this.raft.becomeFollower(this.raft.term, message.from, nowMs).step(message, nowMs);
        break;
      case "requestVote":
      case "appendReply":
      case "heartbeatReply":
        break;
    }
  }

  private count({ from, preVote, granted, term }: VoteReply, nowMs: number): void {
    // A late answer of a pre-vote says nothing about an election, nor about a pre-vote for another term.
    if (preVote !== (this.name === "preCandidate")) return;
    if (granted && term !== this.askedTerm) return;
    // The first answer stands.
    if (!this.votes.has(from)) this.votes.set(from, granted);
    this.raft.settleElection(this, nowMs);
  }
}
