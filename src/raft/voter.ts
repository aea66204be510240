/** The voter: whom this node helps to elect, whatever its own role is. */

import type { Ballot } from "./ballot.ts";
import { type Heartbeat, isFromLeader, type Message, type RequestVote, type VoteReply } from "./message.ts";
import type { Raft } from "./raft.ts";
import type { Role } from "./role.ts";

/** What becomes of a message: it is dealt with, or the role has to look at it. */
type Verdict = "done" | "pass";

export class Voter {
  private readonly raft: Raft;
  private readonly ballot: Ballot;
  /** Until then this node helps to elect nobody: the lease of this term's leader may rest on that. */
  private promise = { term: 0, round: 0, untilMs: Number.NEGATIVE_INFINITY };
  /** What it had promised to the leader of this term before it started. */
  private readonly earlier: { readonly term: number; readonly promiseMs: number; readonly untilMs: number };

  constructor(raft: Raft, ballot: Ballot, nowMs: number) {
    this.raft = raft;
    this.ballot = ballot;
    const { term, promiseMs } = ballot;
    this.earlier = { term, promiseMs, untilMs: nowMs + promiseMs };
  }

  /**
   * Promises what a leader asks for, whatever becomes of this node's role and term, and whatever its own options are. The
   * newest word counts: heartbeats may come late. A leader takes back what it has asked for when it rests, and a leader of
   * a later term was elected because no lease of an earlier one was left.
   */
  promiseTo({ term, round, leaseMs }: Heartbeat, nowMs: number): void {
    const { promise, earlier } = this;
    const isNewTerm = term > promise.term;
    if (!isNewTerm && round < promise.round) return;
    const untilMs = leaseMs > 0 ? nowMs + leaseMs : Number.NEGATIVE_INFINITY;
    this.promise = { term, round, untilMs };
    this.ballot.promise(Math.max(leaseMs, this.isEarlierHeld(nowMs) ? earlier.promiseMs : 0));
  }

  /** Whether it may help to elect anybody, itself included. */
  isFree(nowMs: number): boolean {
    return nowMs >= this.promise.untilMs && !this.isEarlierHeld(nowMs);
  }

  private isEarlierHeld(nowMs: number): boolean {
    return nowMs < this.earlier.untilMs && this.promise.term <= this.earlier.term;
  }

  /** Looks at a message before the role does: at its term, and whether it asks for a vote. */
  consider(message: Message, role: Role, nowMs: number): Verdict {
    const { term } = this.ballot;
    if (message.type === "requestVote" && !message.transfer) {
      if (!this.isFree(nowMs)) return "done";
      // Whoever has a leader lets nobody depose it, and does not even answer (thesis, section 4.2.3).
      if (message.term > term && role.refusesVotes(nowMs)) {
        role.missedBy(message.from, nowMs);
        return "done";
      }
    }
    if (message.term > term && !asksOnly(message)) {
      this.raft.becomeFollower(message.term, isFromLeader(message) ? message.from : null, nowMs);
    } else if (message.term < term) {
      this.answerStale(message);
      return "done";
    }
    const election = message.type === "requestVote" || message.type === "voteReply";
    // A leader commits by its own count.
    if (election && role.name !== "leader") this.learnChange(message);
    if (message.type !== "requestVote") return "pass";
    this.answer(message, role, nowMs);
    return "done";
  }

  /** The voter's side of an election (Raft paper, sections 5.2 and 5.4.1). */
  private answer(request: RequestVote, role: Role, nowMs: number): void {
    const { raft, ballot } = this;
    const { from, preVote, term, question } = request;
    const free =
      ballot.vote === from || (ballot.vote === null && raft.leader === null) || (preVote && term > ballot.term);
    const upToDate = raft.log.isUpToDate(request.lastLogIndex, request.lastLogTerm);
    const granted = free && upToDate;
    if (!upToDate) role.missedBy(from, nowMs);
    if (granted && !preVote) {
      ballot.voteFor(from);
      raft.voted(nowMs);
    }
    const answerTerm = granted ? term : ballot.term;
    const point = raft.log.commitPoint;
    raft.send({ type: "voteReply", from: raft.id, to: from, term: answerTerm, preVote, granted, ...point, question });
  }

  /**
   * The other may know that a change is committed which this node has, and does not know to be. Elections go by the
   * configuration that is known: of two nodes, one may have the longest log and, not knowing that it votes, stand for no
   * election, or the one that could win may ask a majority of those that voted before; and nobody would ever lead (etcd
   * issue 12359). So whoever asks for a vote, or answers, says what it knows.
   */
  private learnChange({ commitIndex, commitTerm }: RequestVote | VoteReply): void {
    const { log } = this.raft;
    if (commitIndex <= log.commitIndex || log.term(commitIndex) !== commitTerm) return;
    if (log.unappliedChanges(commitIndex).length > 0) log.commitTo(commitIndex);
  }

  /** Answers a message of an earlier term, if its sender would otherwise never learn of the present one. */
  private answerStale(message: Message): void {
    const reply = { from: this.raft.id, to: message.from, term: this.ballot.term } as const;
    if (isFromLeader(message)) {
      // Its round is one of an earlier term: whoever leads this one must not take it for a round of its own.
      this.raft.send({ ...reply, type: "heartbeatReply", round: 0, quiesced: false });
    } else if (message.type === "requestVote" && message.preVote) {
      const { question } = message;
      const point = this.raft.log.commitPoint;
      this.raft.send({ ...reply, type: "voteReply", preVote: true, granted: false, ...point, question });
    }
  }
}

/** A pre-vote and its grant speak of a term that does not exist yet: only its candidate will create it. */
function asksOnly(message: Message): boolean {
  if (message.type === "requestVote") return message.preVote;
  return message.type === "voteReply" && message.preVote && message.granted;
}
