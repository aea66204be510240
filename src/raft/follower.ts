/** The follower: it takes entries from the leader, and calls an election when it hears from none. */

import { isMember } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { AppendEntries, Heartbeat, InstallSnapshot, Message } from "./message.ts";
import type { Raft } from "./raft.ts";
import type { Role } from "./role.ts";

export class Follower implements Role {
  readonly name = "follower";
  leader: NodeId | null;
  deadlineMs: number;
  /** When the leader of this term was last heard; null when it was not. */
  lastContactMs: number | null = null;
  private readonly raft: Raft;
  /**
   * Where in its range this node's timeout lies. It is drawn for an election, not for each contact (Raft paper, section
   * 5.2), so contact only ever moves the deadline on, and whoever waits for it need not be told.
   */
  private lot: number;
  /** Reads that the leader was asked about, with the time of the last question; `unsent` ones go out with the turn. */
  private readonly askedReads = new Map<number, number>();
  private unsentReads: number[] = [];
  /** The timer came too late once since the last contact. */
  private excused = false;
  /** The newest of the leader's rounds that was heard of. */
  private newestRound = 0;
  /** The round in which the leader let this node rest; null while it is awake. */
  private restingSince: number | null = null;

  constructor(raft: Raft, leader: NodeId | null, nowMs: number, firstTimeoutMs?: number) {
    this.raft = raft;
    this.leader = leader;
    this.lot = raft.drawLot();
    this.deadlineMs = Number.POSITIVE_INFINITY;
    this.restartTimer(nowMs, firstTimeoutMs);
  }

  refusesVotes(nowMs: number): boolean {
    if (!this.raft.options.checkQuorum || this.lastContactMs === null) return false;
    return nowMs - this.lastContactMs < this.raft.timing.electionMinMs;
  }

  /** A member that hears no leader can't lead for what it lacks: this node, which has that, has to see to it. */
  missedBy(peer: NodeId, nowMs: number): void {
    if (this.quiescent && isMember(this.raft.configuration, peer)) this.wake(nowMs);
  }

  get quiescent(): boolean {
    return this.restingSince !== null;
  }

  /** Rests: watches over no leader until something newer than this round is heard of it. */
  quiesce(round: number): void {
    this.restingSince = round;
    this.deadlineMs = Number.POSITIVE_INFINITY;
  }

  /** Watches over the leader, or over a candidate's election. */
  wake(nowMs: number): void {
    if (this.quiescent) this.raft.clusterTime.stand(nowMs);
    this.restingSince = null;
    this.restartTimer(nowMs);
  }

  expire(nowMs: number): void {
    if (this.quiescent) {
      // The state machine's timer is due, and nobody else has seen to it. No heartbeat could come late: there are none.
      this.wake(nowMs);
      this.raft.campaign(nowMs);
      return;
    }
    const { heartbeatMs } = this.raft.timing;
    if (!this.excused && nowMs - this.deadlineMs > heartbeatMs) {
      // So late a timer means that this node stood still, not its leader, whose heartbeats may be waiting behind the
      // timer: give them the time of two before anybody is asked for a vote.
      this.excused = true;
      this.deadlineMs = nowMs + this.raft.drawGraceMs();
      return;
    }
    this.lot = this.raft.drawLot();
    this.restartTimer(nowMs);
    this.raft.campaign(nowMs);
  }

  step(message: Message, nowMs: number): void {
    switch (message.type) {
      case "appendEntries":
        this.contact(message, nowMs);
        this.append(message);
        break;
      case "heartbeat":
        this.contact(message, nowMs);
        this.heartbeat(message, nowMs);
        break;
      case "installSnapshot":
        // First what it brings: this node may become a voter by it, who has to watch over the leader.
        this.installSnapshot(message);
        this.contact(message, nowMs);
        break;
      case "timeoutNow":
        this.raft.campaign(nowMs, true);
        break;
      case "readIndexReply":
        for (const context of message.contexts) {
          if (this.askedReads.delete(context)) this.raft.confirmRead({ context, index: message.index });
        }
        break;
      case "requestVote":
      case "voteReply":
      case "appendReply":
      case "heartbeatReply":
      case "readIndexRequest":
        // Answers to what this node asked in a role that it no longer has, or questions for the leader.
        break;
    }
  }

  emit(): void {
    if (this.unsentReads.length === 0 || this.leader === null) return;
    const { id: from, term } = this.raft;
    this.raft.send({ type: "readIndexRequest", from, to: this.leader, term, contexts: this.unsentReads });
    this.unsentReads = [];
  }

  /** Asks the leader; false when none is known. */
  readIndex(context: number, nowMs: number): boolean {
    if (this.leader === null) return false;
    // A leader that was lost while the group rested would never answer, and nobody would miss it.
    if (this.quiescent) this.wake(nowMs);
    this.askedReads.set(context, nowMs);
    this.unsentReads.push(context);
    return true;
  }

  /** Nobody waits for the answer: what the leader was asked in vain is not to be kept, and asked again, for ever. */
  forgetRead(context: number): void {
    this.askedReads.delete(context);
  }

  /** The configuration has changed: only a voter may campaign. */
  reconfigured(nowMs: number): void {
    if (this.raft.isVoter !== Number.isFinite(this.deadlineMs)) this.restartTimer(nowMs);
  }

  /** Stops sticking to the leader, as if it had not been heard for a long time. */
  forgetLeader(): void {
    this.leader = null;
    this.lastContactMs = null;
  }

  /** Waits a whole timeout again, after contact or after a vote: the candidate deserves its time. */
  restartTimer(nowMs: number, timeoutMs = this.raft.timing.electionTimeoutMs(this.lot)): void {
    const watches = this.raft.isVoter && !this.quiescent;
    this.deadlineMs = watches ? nowMs + timeoutMs : Number.POSITIVE_INFINITY;
  }

  private contact({ from, round }: AppendEntries | Heartbeat | InstallSnapshot, nowMs: number): void {
    this.leader = from;
    // A message that was sent before the leader let this node rest, and came after, does not wake it.
    if (this.restingSince !== null && round <= this.restingSince) return;
    this.newestRound = Math.max(this.newestRound, round);
    this.raft.clusterTime.recall();
    this.lastContactMs = nowMs;
    this.excused = false;
    this.wake(nowMs);
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

  private heartbeat(message: Heartbeat, nowMs: number): void {
    const { from: to, commitIndex, timeMs, electionMinMs, quiesce, round } = message;
    const { raft } = this;
    raft.promiseTo(message, nowMs);
    if (!this.quiescent && round >= this.newestRound) raft.clusterTime.heard(raft.term, timeMs, nowMs);
    raft.log.commitTo(commitIndex);
    raft.timing.follow(electionMinMs);
    // Only a node that has everything may rest, and only by the leader's latest word.
    if (quiesce && round >= this.newestRound && raft.log.lastIndex === commitIndex) {
      if (!this.quiescent) raft.clusterTime.rest(false, nowMs);
      this.quiesce(round);
    }
    const quiesced = this.quiescent;
    raft.send({ type: "heartbeatReply", from: raft.id, to, term: raft.term, round, quiesced });
    this.askAgain(nowMs);
  }

  /** A question that is not answered within the time of a heartbeat may be lost; asking twice does no harm. */
  private askAgain(nowMs: number): void {
    for (const [context, askedAtMs] of this.askedReads) {
      if (nowMs - askedAtMs < this.raft.timing.heartbeatMs) continue;
      this.askedReads.set(context, nowMs);
      this.unsentReads.push(context);
    }
  }

  private installSnapshot({ from, round, snapshot }: InstallSnapshot): void {
    const { raft } = this;
    raft.restore(snapshot);
    // Restored, the log ends there; not restored, all that is committed is known to be equal.
    const index = raft.log.commitIndex;
    raft.send({ type: "appendReply", from: raft.id, to: from, term: raft.term, round, index, rejection: null });
  }
}
