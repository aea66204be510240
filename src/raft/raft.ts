/** One node of a Raft group, as a function of messages and time: what it remembers, and what leaves it. */

import { assert } from "./assert.ts";
import { Ballot } from "./ballot.ts";
import { Candidate } from "./candidate.ts";
import { ClusterTime, type Rest, sameRest } from "./cluster-time.ts";
import type { ConfigurationChange } from "./configuration-change.ts";
import { type Configuration, isMember, isVoter } from "./configuration.ts";
import type { Entry, NodeId } from "./entry.ts";
import { Follower } from "./follower.ts";
import { Leader, type Proposal } from "./leader.ts";
import { type LogReader, RaftLog } from "./log.ts";
import { type Heartbeat, mayLeaveEarly, type Message, type Snapshot } from "./message.ts";
import { assertOptions, type RaftOptions } from "./options.ts";
import { Membership } from "./membership.ts";
import type { ConfirmedRead, Ready, StoredState } from "./ready.ts";
import type { Role, RoleName } from "./role.ts";
import { Timing } from "./timing.ts";
import type { TransferOutcome } from "./transfer.ts";
import { Voter } from "./voter.ts";

/** What has happened since the node started. */
export interface RaftCounters {
  preVotesStarted: number;
  electionsStarted: number;
  electionsWon: number;
  heartbeatsSent: number;
}

/** So many questions back an answer still tells how long it took. */
const rememberedQuestions = 64;

/** For how many election timeouts followers leave a timer to the leader with which they rest. */
const restPatience = 4;

const notLeader: Proposal = { accepted: false, reason: "not_leader" };

export class Raft {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: RaftLog;
  readonly counters: RaftCounters = { preVotesStarted: 0, electionsStarted: 0, electionsWon: 0, heartbeatsSent: 0 };
  readonly timing: Timing;
  readonly clusterTime: ClusterTime;
  private readonly random: () => number;
  private readonly ballot: Ballot;
  private readonly voter: Voter;
  private readonly membership: Membership;
  private restored: Snapshot | null = null;
  private savedRest: Rest | false;
  /** When this node asked for votes, by the number of the question. */
  private readonly askedAtMs: number[] = [];
  private questions = 0;
  private current: Role;
  private abstaining = false;
  private outbox: Message[] = [];
  private confirmedReads: ConfirmedRead[] = [];

  /**
   * @param id this node's name in the configuration
   * @param random answers evenly distributed numbers from 0 (included) to 1 (excluded)
   * @param nowMs the present time in milliseconds. The times given to all calls must never fall.
   */
  constructor(
    id: NodeId,
    options: RaftOptions,
    stored: StoredState,
    reader: LogReader,
    random: () => number,
    nowMs: number,
  ) {
    assertOptions(options);
    this.id = id;
    this.options = options;
    this.random = random;
    this.timing = new Timing(options);
    this.savedRest = stored.quiescent ?? false;
    this.clusterTime = new ClusterTime(this.savedRest, this.timing);
    this.membership = new Membership(stored.configuration);
    this.ballot = new Ballot(stored.hardState);
    this.voter = new Voter(this, this.ballot, nowMs);
    this.log = new RaftLog(stored.log, reader, options.maxCachedBytes);
    const follower = new Follower(this, null, nowMs, this.drawFirstTimeoutMs());
    this.current = follower;
    if (this.savedRest !== false) follower.quiesce(0);
  }

  get term(): number {
    return this.ballot.term;
  }

  get vote(): NodeId | null {
    return this.ballot.vote;
  }

  get configuration(): Configuration {
    return this.membership.configuration;
  }

  get role(): RoleName {
    return this.current.name;
  }

  /** The leader of the term as far as this node knows. */
  get leader(): NodeId | null {
    return this.current.leader;
  }

  /** This node's view of its peers; null unless it leads. */
  get leadership(): Leader | null {
    return this.current instanceof Leader ? this.current : null;
  }

  /** When this node last heard from its leader; null when it leads or has heard from none. */
  get lastContactMs(): number | null {
    return this.current instanceof Follower ? this.current.lastContactMs : null;
  }

  /** Whether this node may stand for election. */
  get isVoter(): boolean {
    return !this.abstaining && isVoter(this.configuration, this.id);
  }

  /** True while the group is idle: only a request, a peer or a timer of the state machine wakes this node. */
  get quiescent(): boolean {
    return this.current.quiescent;
  }

  /** When `tick` is due next, in the time of the calls; infinite when nothing waits for time. */
  get deadlineMs(): number {
    return Math.min(this.current.deadlineMs, this.restEndsAtMs);
  }

  /** Does what is due by now. Early and repeated calls do nothing; a late one does everything that is due. */
  tick(nowMs: number): void {
    if (nowMs >= this.deadlineMs) this.current.expire(nowMs);
  }

  /** Takes a message from a peer (Raft paper, figure 2). Messages may be lost, late, repeated and out of order. */
  step(message: Message, nowMs: number): void {
    assert(message.to === this.id, `a message for ${message.to} reached ${this.id}`);
    if (this.voter.consider(message, this.current, nowMs) === "pass") this.current.step(message, nowMs);
  }

  /** Proposes a command. Accepted, it is in this leader's log, which does not mean that it will be committed. */
  propose(command: Uint8Array, nowMs: number): Proposal {
    return this.current instanceof Leader ? this.current.propose(command, nowMs) : notLeader;
  }

  /** The state machine next wants something to happen at this cluster time; null for never. */
  awaitTimer(timerMs: number | null): void {
    this.clusterTime.timerMs = timerMs ?? Number.POSITIVE_INFINITY;
  }

  /** True if this node leads, the timer's time has come, and its command is not on its way already. */
  timerIsDue(nowMs: number): boolean {
    return this.current instanceof Leader && this.current.timerIsDue(nowMs);
  }

  /** Proposes the command of the timer that is due. */
  proposeTimer(command: Uint8Array, nowMs: number): Proposal {
    return this.current instanceof Leader ? this.current.proposeTimer(command, nowMs) : notLeader;
  }

  /** Proposes another configuration. It is in force when its entry is applied. */
  proposeChange(change: ConfigurationChange, nowMs: number): Proposal {
    return this.current instanceof Leader ? this.current.proposeChange(change, nowMs) : notLeader;
  }

  /** Proposes an entry that does nothing. Whoever stores it knows that everything is committed that was so before it. */
  proposeNoop(nowMs: number): Proposal {
    return this.current instanceof Leader ? this.current.proposeNoop(nowMs) : notLeader;
  }

  /**
   * Asks to read the state as of now (ReadIndex, thesis section 6.4), at the leader or through a follower. The answer
   * comes as a `ConfirmedRead` with the same context, or never if the role, the term or the leader changes before. False
   * when no leader is known.
   *
   * @param context must never be used twice, not even by a later incarnation of this node
   */
  readIndex(context: number, nowMs: number): boolean {
    return this.current.readIndex(context, nowMs);
  }

  /** Nobody waits for this read any more. */
  forgetRead(context: number): void {
    if (this.current instanceof Follower) this.current.forgetRead(context);
  }

  /** Hands leadership to another voter. */
  transferLeadership(target: NodeId, nowMs: number): TransferOutcome {
    return this.current instanceof Leader ? this.current.transferTo(target, nowMs) : "not_leader";
  }

  /**
   * Wakes an idle group: somebody wants something of it, and its leader is not known or, as `suspect` says, could not be
   * reached. Stands for election at once. Without effect where the group is awake, which finds its leader by itself.
   */
  wake(suspect: NodeId | null, nowMs: number): void {
    if (!(this.current instanceof Follower) || !this.current.quiescent) return;
    // Who can't lead has nothing to gain from forgetting who does.
    if (!this.isVoter) return;
    if (this.leader !== null && this.leader !== suspect) return;
    this.current.forgetLeader();
    this.current.wake(nowMs);
    this.campaign(nowMs);
  }

  /**
   * Keeps this node from standing for election, or ends that. Its host knows what the configuration here does not say yet:
   * that it is no member any more, or not yet. Its vote for others is not touched by this.
   */
  abstain(abstaining: boolean, nowMs: number): void {
    if (abstaining === this.abstaining) return;
    this.abstaining = abstaining;
    if (this.current instanceof Follower) this.current.reconfigured(nowMs);
    else this.becomeFollower(this.term, null, nowMs);
  }

  /** Tells that messages to a peer were lost. */
  reportUnreachable(peer: NodeId): void {
    if (this.current instanceof Leader) this.current.reportUnreachable(peer);
  }

  /** Tells how the sending of a snapshot to a peer has ended. */
  reportSnapshot(peer: NodeId, delivered: boolean): void {
    if (this.current instanceof Leader) this.current.reportSnapshot(peer, delivered);
  }

  /**
   * Stops sticking to a leader that is known to be gone, so that another can be elected at once. A follower only; without
   * effect with lease reads, which rest on it.
   */
  forgetLeader(): void {
    if (this.current instanceof Follower && !this.options.leaseReads) this.current.forgetLeader();
  }

  /** The state as of the last applied entry. */
  snapshot(): Snapshot {
    const { log } = this;
    const index = log.appliedIndex;
    return { index, term: log.term(index) ?? 0, timeMs: log.timeMs(index), configuration: this.configuration };
  }

  /** What the host has to do now; null when nothing. Call it until it is null. */
  ready(nowMs: number): Ready | null {
    this.current.emit(nowMs);
    const hardState = this.ballot.takeUnsaved();
    // The promise of an early message must not rest on what this very turn has yet to write: a term, or an entry that
    // is committed by this node's own count alone.
    const earlyAllowed = hardState === null && this.log.commitIndex <= this.log.savedIndex;
    const snapshot = this.restored;
    this.restored = null;
    const entries = this.log.takeUnsaved();
    const committed = this.log.takeCommitted(this.options.maxApplyBytes);
    const outbox = this.outbox;
    this.outbox = [];
    const early = earlyAllowed ? outbox.filter(mayLeaveEarly) : [];
    const later = earlyAllowed ? outbox.filter((message) => !mayLeaveEarly(message)) : outbox;
    const reads = this.takeReads();
    this.applyChange(committed.at(-1), nowMs);
    if (committed.length > 0 && this.current instanceof Leader) this.current.applied(nowMs);
    const messages = later.map((message) => this.upToDate(message));
    const configuration = this.membership.takeUnsaved();
    const quiescent = this.takeQuiescent();
    const something = outbox.length + entries.length + committed.length + reads.length > 0;
    const state = hardState ?? snapshot ?? configuration ?? quiescent;
    if (!something && state === null) return null;
    return { early, hardState, snapshot, entries, committed, configuration, quiescent, messages, reads };
  }

  /**
   * Begins an election, or first the question whether it could be won.
   *
   * @param transfer the leader has asked for it, and so there is nothing to ask first (thesis, section 3.10)
   */
  campaign(nowMs: number, transfer = false): void {
    if (!this.isVoter || this.current instanceof Leader) return;
    if (!transfer && !this.voter.isFree(nowMs)) return;
    // A committed change may already be in force elsewhere: by the configuration before it, two leaders could be elected.
    if (this.log.hasUnappliedChange) return;
    if (this.options.preVote && !transfer) {
      this.counters.preVotesStarted += 1;
      this.runFor(true, false, nowMs);
    } else {
      this.elect(transfer, nowMs);
    }
  }

  // What follows is for the roles alone.

  send(message: Message): void {
    this.outbox.push(message);
  }

  confirmRead(read: ConfirmedRead): void {
    this.confirmedReads.push(read);
  }

  /** Promises a leader what its heartbeat asks for. */
  promiseTo(heartbeat: Heartbeat, nowMs: number): void {
    this.voter.promiseTo(heartbeat, nowMs);
  }

  /** This node has given its vote: whoever got it deserves the time of a whole timeout. */
  voted(nowMs: number): void {
    if (!(this.current instanceof Follower)) return;
    this.current.wake(nowMs);
  }

  /** A place in the range of election timeouts, from 0 to 1. */
  drawLot(): number {
    return this.random();
  }

  drawElectionTimeoutMs(): number {
    return this.timing.electionTimeoutMs(this.drawLot());
  }

  /** So long a timer that came late waits on: about two heartbeats, and not as long on every node. */
  drawGraceMs(): number {
    return (1.5 + this.random()) * this.timing.heartbeatMs;
  }

  becomeFollower(term: number, leader: NodeId | null, nowMs: number): Follower {
    this.ballot.enterTerm(term);
    this.clusterTime.stand(nowMs);
    const follower = new Follower(this, leader, nowMs);
    this.current = follower;
    return follower;
  }

  /** A candidate asks for votes; answers the number of its question. */
  askedVotes(nowMs: number): number {
    this.questions += 1;
    this.askedAtMs[this.questions % rememberedQuestions] = nowMs;
    return this.questions;
  }

  /** Somebody has answered a candidate's question, the latest or an earlier one. */
  answeredVote(question: number, nowMs: number): void {
    const askedAtMs = this.askedAtMs[question % rememberedQuestions];
    const known = question <= this.questions && question > this.questions - rememberedQuestions;
    if (known && askedAtMs !== undefined) this.timing.fitAtLeast(nowMs - askedAtMs);
  }

  /** Draws the consequence of the votes counted so far. */
  settleElection(candidate: Candidate, nowMs: number): void {
    switch (candidate.result) {
      case "won":
        if (candidate.name === "preCandidate") this.elect(false, nowMs);
        else this.lead(nowMs);
        break;
      case "lost":
        this.becomeFollower(this.term, null, nowMs);
        break;
      case "pending":
        break;
    }
  }

  /**
   * After a start no leader has been heard, so a group whose nodes all restarted together has nobody to wait for: the
   * first timeout is short. Where a leader lives the pre-vote finds it, and nothing is disturbed. Whoever promised
   * before its start to wait does so.
   */
  private drawFirstTimeoutMs(): number {
    const { preVote, electionMinMs } = this.options;
    return preVote && this.ballot.promiseMs === 0
      ? (0.1 + 0.9 * this.random()) * electionMinMs
      : this.drawElectionTimeoutMs();
  }

  /** Takes a snapshot that a leader has sent; one that holds nothing new changes nothing (Raft paper, figure 13). */
  restore(snapshot: Snapshot): void {
    const { index, term, configuration } = snapshot;
    if (index <= this.log.commitIndex) return;
    // Whoever is not in the configuration of the snapshot was not meant to have it.
    if (!isMember(configuration, this.id)) return;
    if (this.log.term(index) === term) {
      // The log has it all: only the commit index was behind.
      this.log.commitTo(index);
      return;
    }
    this.log.restore(snapshot);
    this.restored = snapshot;
    this.membership.restore(configuration);
  }

  private elect(transfer: boolean, nowMs: number): void {
    this.counters.electionsStarted += 1;
    this.ballot.enterTerm(this.term + 1);
    this.ballot.voteFor(this.id);
    this.runFor(false, transfer, nowMs);
  }

  private runFor(preVote: boolean, transfer: boolean, nowMs: number): void {
    this.clusterTime.stand(nowMs);
    const candidate = new Candidate(this, preVote, transfer, nowMs);
    this.current = candidate;
    candidate.requestVotes(this.askedVotes(nowMs));
    this.settleElection(candidate, nowMs);
  }

  private lead(nowMs: number): void {
    this.counters.electionsWon += 1;
    this.clusterTime.lead(this.term, this.log.timeMs(this.log.lastIndex), nowMs);
    this.current = new Leader(this, nowMs);
  }

  private applyChange(entry: Entry | undefined, nowMs: number): void {
    if (entry?.change === undefined) return;
    this.membership.apply(entry);
    this.current.reconfigured(nowMs);
  }

  /** A snapshot is that of the state in which its message leaves, which is the one after this turn's entries. */
  private upToDate(message: Message): Message {
    return message.type === "installSnapshot" ? { ...message, snapshot: this.snapshot() } : message;
  }

  /**
   * When a rest ends by itself: its leader sees to the next timer. If it is lost, somebody else has to; the others give it
   * time, and then wake one after the other.
   */
  private get restEndsAtMs(): number {
    const { resting, timerAtMs } = this.clusterTime;
    if (resting === false || !this.isVoter) return Number.POSITIVE_INFINITY;
    const patience = resting.led ? 0 : restPatience + this.configuration.voters.indexOf(this.id);
    return timerAtMs + patience * this.timing.electionMaxMs;
  }

  private takeQuiescent(): Rest | false | null {
    const { resting } = this.clusterTime;
    // A group that would rest if all members answered is asked to at each heartbeat, and not every answer is worth a row.
    if (sameRest(resting, this.savedRest, this.timing.electionMinMs)) return null;
    this.savedRest = resting;
    return resting;
  }

  private takeReads(): readonly ConfirmedRead[] {
    const applied = this.log.appliedIndex;
    const reads = this.confirmedReads.filter((read) => read.index <= applied);
    if (reads.length > 0) this.confirmedReads = this.confirmedReads.filter((read) => read.index > applied);
    return reads;
  }
}
