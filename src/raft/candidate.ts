/** The candidate: it asks for votes, or first whether it would get them. */

import { isVoter, members } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { Message, VoteReply } from "./message.ts";
import { type VoteResult, voteResult } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import type { Role } from "./role.ts";

export class Candidate implements Role {
  readonly name: "preCandidate" | "candidate";
  readonly leader = null;
  readonly quiescent = false;
  readonly deadlineMs: number;
  private readonly raft: Raft;
  private readonly transfer: boolean;
  private readonly votes = new Map<NodeId, boolean>();

  /** @param transfer the leader asked for this election */
  constructor(raft: Raft, preVote: boolean, transfer: boolean, nowMs: number) {
    this.raft = raft;
    this.transfer = transfer;
    this.name = preVote ? "preCandidate" : "candidate";
    this.deadlineMs = nowMs + raft.drawElectionTimeoutMs();
    this.votes.set(raft.id, true);
  }

  get result(): VoteResult {
    return voteResult(this.raft.configuration, (voter) => this.votes.get(voter));
  }

  refusesVotes(): boolean {
    return false;
  }

  missedBy(): void {}

  expire(nowMs: number): void {
    // It may no longer be a voter, and would then wait as a follower.
    this.raft.becomeFollower(this.raft.term, null, nowMs);
    this.raft.campaign(nowMs);
  }

  /** The next term in a pre-vote, the node's own in an election. */
  private get askedTerm(): number {
    return this.name === "preCandidate" ? this.raft.term + 1 : this.raft.term;
  }

  /** Asks all other voters. */
  requestVotes(question: number): void {
    const { raft } = this;
    for (const to of members(raft.configuration)) {
      if (to === raft.id || !isVoter(raft.configuration, to)) continue;
      raft.send({
        type: "requestVote",
        from: raft.id,
        to,
        term: this.askedTerm,
        preVote: this.name === "preCandidate",
        transfer: this.transfer,
        lastLogIndex: raft.log.lastIndex,
        lastLogTerm: raft.log.lastTerm,
        ...raft.log.commitPoint,
        question,
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
      case "installSnapshot":
        // Another candidate has won this term.
        this.raft.becomeFollower(this.raft.term, message.from, nowMs).step(message, nowMs);
        break;
      case "requestVote":
      case "appendReply":
      case "heartbeatReply":
      case "readIndexRequest":
      case "readIndexReply":
      case "timeoutNow":
        break;
    }
  }

  emit(): void {}

  readIndex(): boolean {
    return false;
  }

  reconfigured(nowMs: number): void {
    this.raft.settleElection(this, nowMs);
  }

  private count({ from, preVote, granted, term, question }: VoteReply, nowMs: number): void {
    this.raft.answeredVote(question, nowMs);
    // A late answer of a pre-vote says nothing about an election, nor about a pre-vote for another term.
    if (preVote !== (this.name === "preCandidate")) return;
    if (granted && term !== this.askedTerm) return;
    // The first answer stands.
    if (!this.votes.has(from)) this.votes.set(from, granted);
    this.raft.settleElection(this, nowMs);
  }
}
