/** One node of a Raft group, as a function of messages and time: what it remembers, and what leaves it. */

import { assert } from "./assert.ts";
import { Candidate } from "./candidate.ts";
import { changeConfiguration, type ConfigurationChange } from "./configuration-change.ts";
import { type Configuration, isVoter, members } from "./configuration.ts";
import type { Entry, HardState, NodeId } from "./entry.ts";
import { Follower } from "./follower.ts";
import { Leader, type Proposal } from "./leader.ts";
import { type LogReader, RaftLog, type StoredLog } from "./log.ts";
import { isFromLeader, mayLeaveEarly, type Message, type RequestVote, type Snapshot } from "./message.ts";
import { assertOptions, type RaftOptions } from "./options.ts";
import type { Role, RoleName } from "./role.ts";
import type { TransferOutcome } from "./transfer.ts";

/** What a node starts from: all that it had made durable. */
export interface StoredState {
  readonly hardState: HardState;
  readonly configuration: Configuration;
  readonly log: StoredLog;
}

/** A read that may be answered from the state machine as it is after this `Ready` is applied. */
export interface ConfirmedRead {
  /** What was given to `readIndex`. */
  readonly context: number;
  /** The commit index that the read has to see. */
  readonly index: number;
}

/**
 * What a turn has to do, in this order: send `early`; in one transaction save `hardState` and `entries` and apply
 * `committed`; send `messages`; answer `reads`. Nothing after the transaction may become visible before it is durable.
 * Once handed out, all of it counts as done.
 */
export interface Ready {
  /**
   * A leader's appends and heartbeats: they promise nothing about its own disk, so they may leave before the write and
   * run beside it (thesis, section 10.2.1).
   */
  readonly early: readonly Message[];
  /** To be made durable; null when unchanged. */
  readonly hardState: HardState | null;
  /** Replaces the whole log and the whole state, before `entries` are saved; null when there is none. */
  readonly snapshot: Snapshot | null;
  /** To be made durable; the first one replaces whatever is stored from its index on. */
  readonly entries: readonly Entry[];
  /** To be applied, in order. */
  readonly committed: readonly Entry[];
  /** In force after `committed`, and to be made durable with it; null when unchanged. */
  readonly configuration: Configuration | null;
  readonly messages: readonly Message[];
  readonly reads: readonly ConfirmedRead[];
}

/** What has happened since the node started. */
export interface RaftCounters {
  preVotesStarted: number;
  electionsStarted: number;
  electionsWon: number;
  heartbeatsSent: number;
}

export class Raft {
  readonly id: NodeId;
  readonly options: RaftOptions;
  readonly log: RaftLog;
  readonly counters: RaftCounters = { preVotesStarted: 0, electionsStarted: 0, electionsWon: 0, heartbeatsSent: 0 };
  private readonly random: () => number;
  private inForce: Configuration;
  private currentTerm: number;
  private votedFor: NodeId | null;
  private savedHardState: HardState;
  private savedConfiguration: Configuration;
  private restored: Snapshot | null = null;
  private current: Role;
  /** Until then this node helps to elect nobody: a leader's lease may rest on that. */
  private promisedUntilMs = Number.NEGATIVE_INFINITY;
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
    this.inForce = stored.configuration;
    this.savedConfiguration = stored.configuration;
    this.currentTerm = stored.hardState.term;
    this.votedFor = stored.hardState.vote;
    this.savedHardState = stored.hardState;
    this.log = new RaftLog(stored.log, reader, options.maxCachedBytes);
    this.current = new Follower(this, null, this.drawFirstTimeoutMs(), nowMs);
    // Its memory of a promise to a leader is gone, the promise is not.
    this.promise(nowMs);
  }

  get term(): number {
    return this.currentTerm;
  }

  get vote(): NodeId | null {
    return this.votedFor;
  }

  get configuration(): Configuration {
    return this.inForce;
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

  get isVoter(): boolean {
    return isVoter(this.inForce, this.id);
  }

  /** When `tick` is due next, in the time of the calls; infinite when nothing waits for time. */
  get deadlineMs(): number {
    return this.current.deadlineMs;
  }

  /** Does what is due by now. Early and repeated calls do nothing; a late one does everything that is due. */
  tick(nowMs: number): void {
    if (nowMs >= this.current.deadlineMs) this.current.expire(nowMs);
  }

  /** Takes a message from a peer (Raft paper, figure 2). Messages may be lost, late, repeated and out of order. */
  step(message: Message, nowMs: number): void {
    assert(message.to === this.id, `a message for ${message.to} reached ${this.id}`);
    if (message.type === "requestVote" && !message.transfer && nowMs < this.promisedUntilMs) return;
    if (message.term > this.currentTerm && !this.adoptTerm(message, nowMs)) return;
    if (message.term < this.currentTerm) {
      this.answerStale(message);
    } else if (message.type === "requestVote") {
      this.considerVote(message, nowMs);
    } else {
      this.current.step(message, nowMs);
    }
  }

  /** Proposes a command. Accepted, it is in this leader's log, which does not mean that it will be committed. */
  propose(command: Uint8Array, nowMs: number): Proposal {
    return this.current instanceof Leader
      ? this.current.propose(command, nowMs)
      : { accepted: false, reason: "not_leader" };
  }

  /** Proposes another configuration. It is in force when its entry is applied. */
  proposeChange(change: ConfigurationChange, nowMs: number): Proposal {
    return this.current instanceof Leader
      ? this.current.proposeChange(change, nowMs)
      : { accepted: false, reason: "not_leader" };
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

  /** Hands leadership to another voter. */
  transferLeadership(target: NodeId, nowMs: number): TransferOutcome {
    return this.current instanceof Leader ? this.current.transferTo(target, nowMs) : "not_leader";
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
    return { index, term: log.term(index) ?? 0, timeMs: log.timeMs(index), configuration: this.inForce };
  }

  /** What the host has to do now; null when nothing. Call it until it is null. */
  ready(nowMs: number): Ready | null {
    this.current.emit(nowMs);
    const hardState = this.takeHardState();
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
    const configuration = this.takeConfiguration();
    const something = outbox.length + entries.length + committed.length + reads.length > 0;
    if (!something && hardState === null && snapshot === null && configuration === null) return null;
    return { early, hardState, snapshot, entries, committed, configuration, messages, reads };
  }

  /**
   * Begins an election, or first the question whether it could be won.
   *
   * @param transfer the leader has asked for it, and so there is nothing to ask first (thesis, section 3.10)
   */
  campaign(nowMs: number, transfer = false): void {
    if (!this.isVoter || this.current instanceof Leader) return;
    if (!transfer && nowMs < this.promisedUntilMs) return;
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

  /** Takes a sign of life from a leader whose lease may rest on it, whatever becomes of this node's role and term. */
  promise(nowMs: number): void {
    const { leaseReads, electionMinMs } = this.options;
    if (leaseReads) this.promisedUntilMs = nowMs + electionMinMs;
  }

  drawElectionTimeoutMs(): number {
    const { electionMinMs, electionMaxMs } = this.options;
    return electionMinMs + this.random() * (electionMaxMs - electionMinMs);
  }

  becomeFollower(term: number, leader: NodeId | null, nowMs: number): Follower {
    this.enterTerm(term);
    const follower = new Follower(this, leader, this.drawElectionTimeoutMs(), nowMs);
    this.current = follower;
    return follower;
  }

  /** Draws the consequence of the votes counted so far. */
  settleElection(candidate: Candidate, nowMs: number): void {
    switch (candidate.result) {
      case "won":
        if (candidate.name === "preCandidate") this.elect(false, nowMs);
        else this.lead(nowMs);
        break;
      case "lost":
        this.becomeFollower(this.currentTerm, null, nowMs);
        break;
      case "pending":
        break;
    }
  }

  /**
   * After a start no leader has been heard, so a group whose nodes all restarted together has nobody to wait for: the
   * first timeout is short. Where a leader lives the pre-vote finds it, and nothing is disturbed. With lease reads it
   * may have promised before its start to wait.
   */
  private drawFirstTimeoutMs(): number {
    const { preVote, leaseReads, electionMinMs } = this.options;
    return preVote && !leaseReads ? (0.1 + 0.9 * this.random()) * electionMinMs : this.drawElectionTimeoutMs();
  }

  /** Takes a snapshot that a leader has sent; one that holds nothing new changes nothing (Raft paper, figure 13). */
  restore(snapshot: Snapshot): void {
    const { index, term, configuration } = snapshot;
    if (index <= this.log.commitIndex) return;
    // Whoever is not in the configuration of the snapshot was not meant to have it.
    if (!members(configuration).includes(this.id)) return;
    if (this.log.term(index) === term) {
      // The log has it all: only the commit index was behind.
      this.log.commitTo(index);
      return;
    }
    this.log.restore(snapshot);
    this.restored = snapshot;
    this.inForce = configuration;
    // It is saved as part of the snapshot.
    this.savedConfiguration = configuration;
  }

  private elect(transfer: boolean, nowMs: number): void {
    this.counters.electionsStarted += 1;
    this.enterTerm(this.currentTerm + 1);
    this.votedFor = this.id;
    this.runFor(false, transfer, nowMs);
  }

  private runFor(preVote: boolean, transfer: boolean, nowMs: number): void {
    const candidate = new Candidate(this, preVote, transfer, nowMs);
    this.current = candidate;
    candidate.requestVotes();
    this.settleElection(candidate, nowMs);
  }

  private lead(nowMs: number): void {
    this.counters.electionsWon += 1;
    this.current = new Leader(this, nowMs);
  }

  private enterTerm(term: number): void {
    assert(term >= this.currentTerm, "the term fell");
    if (term > this.currentTerm) {
      this.currentTerm = term;
      this.votedFor = null;
    }
  }

  /** Takes a message of a later term. Answers whether it is to be looked at any further. */
  private adoptTerm(message: Message, nowMs: number): boolean {
    if (message.type === "requestVote") {
      // Whoever has a leader lets nobody depose it, and does not even answer (thesis, section 4.2.3).
      if (this.current.refusesVotes(nowMs) && !message.transfer) return false;
      // A pre-vote asks about a term that does not exist yet.
      if (message.preVote) {
        this.considerVote(message, nowMs);
        return false;
      }
    }
    if (message.type === "voteReply" && message.preVote && message.granted) {
      // Granted for the next term; only its candidate will create it, and only for the term that it asked for.
      if (message.term === this.currentTerm + 1) this.current.step(message, nowMs);
      return false;
    }
    this.becomeFollower(message.term, isFromLeader(message) ? message.from : null, nowMs);
    return true;
  }

  /** Answers a message of an earlier term, if its sender would otherwise never learn of the present one. */
  private answerStale(message: Message): void {
    const reply = { from: this.id, to: message.from, term: this.currentTerm } as const;
    if (isFromLeader(message)) {
      // Its round is one of an earlier term: whoever leads this one must not take it for a round of its own.
      this.send({ ...reply, type: "heartbeatReply", round: 0 });
    } else if (message.type === "requestVote" && message.preVote) {
      this.send({ ...reply, type: "voteReply", preVote: true, granted: false });
    }
  }

  /** The voter's side of an election (Raft paper, sections 5.2 and 5.4.1). */
  private considerVote(message: RequestVote, nowMs: number): void {
    const { from, preVote, term } = message;
    const free =
      this.votedFor === from ||
      (this.votedFor === null && this.current.leader === null) ||
      (preVote && term > this.currentTerm);
    const granted = free && this.log.isUpToDate(message.lastLogIndex, message.lastLogTerm);
    if (granted && !preVote) {
      this.votedFor = from;
      if (this.current instanceof Follower) this.current.restartTimer(nowMs);
    }
    this.send({
      type: "voteReply",
      from: this.id,
      to: from,
      term: granted ? term : this.currentTerm,
      preVote,
      granted,
    });
  }

  /** A change comes into force when its entry is applied, which is what `committed` is handed out for. */
  private applyChange(entry: Entry | undefined, nowMs: number): void {
    if (entry?.change === undefined) return;
    const outcome = changeConfiguration(this.inForce, entry.change);
    assert(outcome.changed, `the change at ${entry.index} was committed but is not possible`);
    this.inForce = outcome.configuration;
    this.current.reconfigured(nowMs);
  }

  /** A snapshot is that of the state in which its message leaves, which is the one after this turn's entries. */
  private upToDate(message: Message): Message {
    return message.type === "installSnapshot" ? { ...message, snapshot: this.snapshot() } : message;
  }

  private takeConfiguration(): Configuration | null {
    if (this.inForce === this.savedConfiguration) return null;
    this.savedConfiguration = this.inForce;
    return this.inForce;
  }

  private takeHardState(): HardState | null {
    const { currentTerm: term, votedFor: vote, savedHardState: saved } = this;
    if (saved.term === term && saved.vote === vote) return null;
    this.savedHardState = { term, vote };
    return this.savedHardState;
  }

  private takeReads(): readonly ConfirmedRead[] {
    const applied = this.log.appliedIndex;
    const reads = this.confirmedReads.filter((read) => read.index <= applied);
    if (reads.length > 0) this.confirmedReads = this.confirmedReads.filter((read) => read.index > applied);
    return reads;
  }
}
