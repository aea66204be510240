/** The leader: it replicates its log, commits what a majority has, and proves that it still leads. */

import { assert } from "./assert.ts";
import {
  type ChangeRefusal,
  changeConfiguration,
  type ConfigurationChange,
  leaveJoint,
} from "./configuration-change.ts";
import { isVoter } from "./configuration.ts";
import type { Entry, NodeId } from "./entry.ts";
import { Idling } from "./idling.ts";
import { Lease } from "./lease.ts";
import { MachineTimer } from "./machine-timer.ts";
import { type AppendReply, isFromLeader, type Message } from "./message.ts";
import { PendingChanges } from "./pending-changes.ts";
import type { Progress } from "./progress.ts";
import { Promotions } from "./promotions.ts";
import { majorityReached } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import { type Asked, ReadRounds } from "./read-rounds.ts";
import { Replication } from "./replication.ts";
import type { Role } from "./role.ts";
import { type TransferOutcome, Transfer } from "./transfer.ts";
import { Uncommitted } from "./uncommitted.ts";

/** Why a proposal was not taken. Nothing has happened. */
export type ProposalRefusal = "not_leader" | "overloaded" | "transferring" | "change_pending" | ChangeRefusal;

/** What became of a proposal: its place in the leader's log, or why it was not taken. */
export type Proposal =
  | { readonly accepted: true; readonly index: number; readonly term: number }
  | { readonly accepted: false; readonly reason: ProposalRefusal };

export class Leader implements Role {
  readonly name = "leader";
  readonly leader: NodeId;
  private readonly raft: Raft;
  private readonly replication: Replication;
  private readonly reads = new ReadRounds();
  private readonly lease: Lease;
  private readonly roundStarts: number[] = [];
  private readonly transfer = new Transfer();
  private readonly promotions = new Promotions();
  private heartbeatAtMs: number;
  private quorumCheckAtMs: number;
  private heartbeatDue = false;
  private readonly idling: Idling;
  private readonly timer: MachineTimer;
  private readonly uncommitted = new Uncommitted();
  private readonly changes = new PendingChanges();

  constructor(raft: Raft, nowMs: number) {
    this.raft = raft;
    this.replication = new Replication(raft);
    this.leader = raft.id;
    this.lease = new Lease(raft.options);
    const { idleAfterMs = Number.POSITIVE_INFINITY } = raft.options;
    this.idling = new Idling(idleAfterMs, restPatience * raft.timing.electionMaxMs, nowMs);
    this.heartbeatAtMs = nowMs + raft.timing.heartbeatMs;
    this.quorumCheckAtMs = nowMs + raft.timing.electionMaxMs;
    this.changes.await(raft.log, raft.configuration, raft.id);
    this.replication.follow();
    // Entries of earlier terms are committed by committing one of this term (Raft paper, sections 5.4.2 and 8).
    this.timer = new MachineTimer(raft, this.append({ kind: "noop", data: noData }, nowMs));
    this.commit();
  }

  get deadlineMs(): number {
    if (this.quiescent) return Number.POSITIVE_INFINITY;
    return Math.min(this.heartbeatAtMs, this.quorumCheckAtMs, this.transfer.deadlineMs, this.timer.deadlineMs);
  }

  get quiescent(): boolean {
    return this.idling.resting;
  }

  /** What is known of each peer. */
  get peers(): ReadonlyMap<NodeId, Progress> {
    return this.replication.peers;
  }

  /** The node that is to lead next; null when no transfer is under way. */
  get transferee(): NodeId | null {
    return this.transfer.target;
  }

  /** Whether it takes entries of others: not while leadership is handed over, nor behind a change that takes its vote. */
  get takesEntries(): boolean {
    return this.transfer.target === null && !this.changes.departing;
  }

  /** For how long it may answer reads without asking anybody, in milliseconds; 0 when it may not. */
  leaseMs(nowMs: number): number {
    // What is counted on for a while is not to be about to end.
    if (this.transfer.target !== null || !this.mayRead) return 0;
    return Math.max(0, this.lease.untilMs - nowMs);
  }

  refusesVotes(): boolean {
    return this.raft.options.checkQuorum;
  }

  /** A member that is awake while this leader rests would ask for ever: a heartbeat tells it who leads. */
  missedBy(peer: NodeId, nowMs: number): void {
    if (this.quiescent && this.peers.has(peer)) this.wake(nowMs);
  }

  expire(nowMs: number): void {
    if (this.quiescent) {
      // The state machine's timer is due.
      this.wake(nowMs);
      return;
    }
    this.transfer.expire(nowMs);
    if (nowMs >= this.quorumCheckAtMs) {
      this.quorumCheckAtMs = nowMs + this.raft.timing.electionMaxMs;
      if (this.raft.options.checkQuorum && !this.replication.heardFromQuorum()) {
        this.raft.becomeFollower(this.raft.term, null, nowMs);
        return;
      }
    }
    if (nowMs >= this.heartbeatAtMs) this.heartbeatDue = true;
  }

  propose(command: Uint8Array, nowMs: number): Proposal {
    if (!this.takesEntries) return { accepted: false, reason: "transferring" };
    if (this.uncommitted.isFull(command.length, this.raft.options.maxUncommittedBytes)) {
      return { accepted: false, reason: "overloaded" };
    }
    this.wake(nowMs);
    return this.accept({ kind: "command", data: command }, nowMs);
  }

  timerIsDue(nowMs: number): boolean {
    return this.timer.isDue(nowMs);
  }

  proposeTimer(command: Uint8Array, nowMs: number): Proposal {
    const proposal = this.propose(command, nowMs);
    this.timer.proposed(proposal, nowMs);
    return proposal;
  }

  proposeChange(change: ConfigurationChange, nowMs: number): Proposal {
    if (this.transfer.target !== null) return { accepted: false, reason: "transferring" };
    if (this.changes.isWaiting(this.raft.log.appliedIndex)) return { accepted: false, reason: "change_pending" };
    const outcome = changeConfiguration(this.raft.configuration, change);
    if (!outcome.changed) return { accepted: false, reason: outcome.reason };
    this.wake(nowMs);
    return this.acceptChange(change, nowMs);
  }

  proposeNoop(nowMs: number): Proposal {
    if (!this.takesEntries) return { accepted: false, reason: "transferring" };
    this.wake(nowMs);
    return this.accept({ kind: "noop", data: noData }, nowMs);
  }

  readIndex(context: number, nowMs: number): boolean {
    this.addRead({ follower: null, context }, nowMs);
    return true;
  }

  transferTo(target: NodeId, nowMs: number): TransferOutcome {
    if (!isVoter(this.raft.configuration, target)) return "not_a_voter";
    if (target === this.raft.id) {
      this.transfer.abort();
      return "started";
    }
    this.wake(nowMs);
    this.transfer.start(target, nowMs + this.raft.timing.electionMaxMs);
    this.advanceTransfer(target);
    return "started";
  }

  reportUnreachable(peer: NodeId): void {
    const progress = this.peers.get(peer);
    // What was sent ahead is probably lost.
    if (progress?.state === "replicate") progress.becomeProbe();
  }

  reportSnapshot(peer: NodeId, delivered: boolean): void {
    this.peers.get(peer)?.snapshotSent(delivered);
  }

  step(message: Message, nowMs: number): void {
    assert(!isFromLeader(message), `${message.from} leads term ${message.term} too`);
    if (message.type === "readIndexRequest") {
      // Whoever asks is there, and waits for what it lacks: no rest without it.
      this.peers.get(message.from)?.heard(nowMs);
      for (const context of message.contexts) this.addRead({ follower: message.from, context }, nowMs);
    }
    if (message.type !== "appendReply" && message.type !== "heartbeatReply") return;
    const progress = this.peers.get(message.from);
    if (progress === undefined) return;
    progress.contacted(message.round, nowMs);
    if (message.type === "appendReply") {
      this.appendReply(progress, message);
      this.advanceTransfer(message.from);
    } else {
      progress.heartbeatAnswered(this.raft.log.lastIndex);
      this.lease.answered(message.from, message.round);
      this.measure(progress, message.round, nowMs);
      if (message.quiesced) this.idling.rests(message.from, message.round);
    }
    this.confirmReads();
    this.promoteAfter(message.from, progress, nowMs);
    this.restWithPeers(nowMs);
  }

  emit(nowMs: number): void {
    const timeMs = this.raft.clusterTime.read(nowMs);
    const round = this.startRound(nowMs);
    for (const [id, progress] of this.peers) {
      if (round) this.sendHeartbeat(id, progress, timeMs);
      if (this.heartbeatDue) progress.heartbeatSent = true;
      this.replication.send(id, progress, this.reads.round);
    }
    if (this.heartbeatDue) this.heartbeatAtMs = nowMs + this.raft.timing.heartbeatMs;
    this.heartbeatDue = false;
    if (!round) return;
    this.confirmReads();
    this.restWithPeers(nowMs);
  }

  reconfigured(nowMs: number): void {
    const { configuration, id, term } = this.raft;
    if (!configuration.voters.includes(id) && !configuration.outgoing.includes(id)) {
      // Removed or demoted: the rest goes on with a leader of its own.
      this.raft.becomeFollower(term, null, nowMs);
      return;
    }
    this.replication.follow();
    if (this.transfer.target !== null && !isVoter(configuration, this.transfer.target)) this.transfer.abort();
    this.lease.count(configuration, id);
    this.commit();
  }

  /** Entries were applied: leaves a joint configuration that is to be left by itself. */
  applied(nowMs: number): void {
    const { log, configuration } = this.raft;
    if (!configuration.autoLeave || this.changes.isWaiting(log.appliedIndex)) return;
    this.acceptChange(leaveJoint, nowMs);
  }

  private acceptChange(change: ConfigurationChange, nowMs: number): Proposal {
    const proposal = this.accept({ kind: "configuration", data: noData, change }, nowMs);
    const { log, configuration, id } = this.raft;
    this.changes.await(log, configuration, id);
    return proposal;
  }

  /** A learner was heard that is to become a voter; one that can't yet, because something else is under way, is heard again. */
  private promoteAfter(peer: NodeId, { matchIndex }: Progress, nowMs: number): void {
    const { configuration, log, timing } = this.raft;
    if (!configuration.promoting.includes(peer)) return;
    this.promotions.heard(peer, matchIndex, log.lastIndex, timing.electionMaxMs, nowMs);
    const ids = this.promotions.due(configuration, nowMs - timing.electionMaxMs);
    if (ids.length === 0) return;
    this.proposeChange({ changes: ids.map((id) => ({ type: "addVoter", id })), transition: "auto" }, nowMs);
  }

  private accept(content: EntryContent, nowMs: number): Proposal {
    const index = this.append(content, nowMs);
    this.commit();
    return { accepted: true, index, term: this.raft.term };
  }

  private append(content: EntryContent, nowMs: number): number {
    const { log, term, clusterTime } = this.raft;
    const entry: Entry = { index: log.lastIndex + 1, term, timeMs: clusterTime.read(nowMs), ...content };
    log.append([entry]);
    this.uncommitted.add(entry);
    return entry.index;
  }

  /**
   * Commits what a majority stores, if it is of this term (Raft paper, section 5.4.2). The leader counts its own entries
   * at once: whatever depends on them leaves the node after they are durable.
   */
  private commit(): void {
    const { log, term, configuration } = this.raft;
    const index = majorityReached(configuration, (voter) => this.replication.matchIndex(voter));
    if (index <= log.commitIndex || log.term(index) !== term) return;
    log.commitTo(index);
    this.uncommitted.committed(index);
  }

  private appendReply(progress: Progress, reply: AppendReply): void {
    const { rejection, index } = reply;
    const { log } = this.raft;
    if (rejection === null) {
      progress.accepted(index, log.firstIndex);
      this.commit();
      return;
    }
    // The follower skipped what can't match because of its terms; skip what can't because of ours.
    const hint = log.lastAtMost(rejection.hintIndex, rejection.hintTerm);
    progress.rejected(index, hint.index);
  }

  /** Lets the target stand for election as soon as it has everything (thesis, section 3.10). */
  private advanceTransfer(peer: NodeId): void {
    const { id: from, term, log } = this.raft;
    const progress = this.peers.get(peer);
    if (this.transfer.target !== peer || progress === undefined || progress.matchIndex < log.lastIndex) return;
    // That may reach the target at any later time, and others will vote for it although they hear from this leader.
    this.lease.end();
    this.raft.send({ type: "timeoutNow", from, to: peer, term });
  }

  private addRead(read: Asked, nowMs: number): void {
    this.wake(nowMs);
    this.reads.add(read);
    if (this.leaseMs(nowMs) > 0) this.answer(this.raft.log.commitIndex, this.reads.takeWaiting());
  }

  /** False until an entry of this term is committed: before, the commit index may lag (Raft paper, section 8). */
  private get mayRead(): boolean {
    const { log, term } = this.raft;
    return log.term(log.commitIndex) === term;
  }

  /** A heartbeat that is due starts a round, and so does a read when no earlier round is still being answered. */
  private startRound(nowMs: number): boolean {
    const reading = this.mayRead && this.reads.wantsRound;
    if (!this.heartbeatDue && !reading) return false;
    this.reads.startRound(this.mayRead ? this.raft.log.commitIndex : null);
    this.roundStarts[this.reads.round % rememberedRounds] = nowMs;
    if (this.isSettled(nowMs)) this.idling.ask(this.reads.round, nowMs);
    // Whoever rests sticks to no leader, so no lease outlives the question.
    if (this.idling.asking) this.lease.giveUp();
    this.lease.startRound(this.reads.round, nowMs);
    return true;
  }

  private confirmReads(): void {
    const { configuration, id } = this.raft;
    const acked = (voter: NodeId): number =>
      voter === id ? this.reads.round : (this.peers.get(voter)?.ackedRound ?? 0);
    const round = majorityReached(configuration, acked);
    this.lease.count(configuration, id);
    for (const { index, reads } of this.reads.confirm(round)) this.answer(index, reads);
  }

  private answer(index: number, reads: readonly Asked[]): void {
    const { id: from, term } = this.raft;
    const byFollower = new Map<NodeId, number[]>();
    for (const { follower, context } of reads) {
      if (follower === null) this.raft.confirmRead({ context, index });
      else byFollower.set(follower, [...(byFollower.get(follower) ?? []), context]);
    }
    for (const [to, contexts] of byFollower) {
      this.raft.send({ type: "readIndexReply", from, to, term, contexts, index });
    }
  }

  private sendHeartbeat(to: NodeId, progress: Progress, timeMs: number): void {
    const { id: from, term, log, counters, timing } = this.raft;
    counters.heartbeatsSent += 1;
    const commitIndex = Math.min(progress.matchIndex, log.commitIndex);
    const electionMinMs = Math.round(timing.electionMinMs);
    const { round } = this.reads;
    const quiesce = this.idling.asking;
    const asked = { electionMinMs, leaseMs: this.lease.askedMs, quiesce };
    this.raft.send({ type: "heartbeat", from, to, term, commitIndex, round, timeMs, ...asked });
  }

  /** Something is wanted of the group: whoever rests has to watch again. */
  private wake(nowMs: number): void {
    if (!this.idling.activity(nowMs)) return;
    this.raft.clusterTime.resume(nowMs);
    this.lease.renew(this.reads.round + 1);
    this.heartbeatDue = true;
    this.quorumCheckAtMs = nowMs + this.raft.timing.electionMaxMs;
  }

  /** Who is there has everything, and nobody watches any more: from now on no time is waited for but the next timer's. */
  private restWithPeers(nowMs: number): void {
    const { configuration, id } = this.raft;
    const present = this.idling.present(this.peers, nowMs);
    if (!this.idling.enoughRest(present.keys(), configuration, id) || !this.isSettled(nowMs)) return;
    this.idling.rest();
    this.raft.clusterTime.rest(true, nowMs);
    this.heartbeatDue = false;
  }

  /** True when nothing is on its way: all entries are committed, and every peer that is there has them all. */
  private isSettled(nowMs: number): boolean {
    const { lastIndex, appliedIndex } = this.raft.log;
    if (appliedIndex < lastIndex || this.transfer.target !== null || this.reads.pending) return false;
    const present = this.idling.present(this.peers, nowMs);
    return [...present.values()].every(({ matchIndex }) => matchIndex === lastIndex);
  }

  /** Learns from an answer to a heartbeat how long a round trip takes. */
  private measure(progress: Progress, round: number, nowMs: number): void {
    const startedAtMs = this.roundStarts[round % rememberedRounds];
    if (startedAtMs === undefined || round <= this.reads.round - rememberedRounds) return;
    progress.roundTrips.add(nowMs - startedAtMs);
    const { slowestVoterMs: slowestMs } = this.replication;
    if (slowestMs > 0) this.raft.timing.fit(slowestMs);
  }
}

/** For how many election timeouts, beyond the time that it has to be idle, a group stays awake for a peer that is silent. */
const restPatience = 2;

/** So many rounds back an answer still tells the time of its round trip. */
const rememberedRounds = 64;

type EntryContent = Pick<Entry, "kind" | "data" | "change">;

const noData = new Uint8Array(0);
