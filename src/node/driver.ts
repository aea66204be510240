/** The turn: one event goes in, one transaction is made of all that follows from it, and messages and answers come out. */

import type { Consistency } from "../internal.ts";
import type { Rest } from "../raft/cluster-time.ts";
import type { ConfigurationChange } from "../raft/configuration-change.ts";
import type { Configuration } from "../raft/configuration.ts";
import { assert } from "../raft/assert.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import type { RaftOptions } from "../raft/options.ts";
import type { Proposal } from "../raft/leader.ts";
import { Raft } from "../raft/raft.ts";
import type { Ready } from "../raft/ready.ts";
import type { TransferOutcome } from "../raft/transfer.ts";
import { Applier, type Results, saysOnly } from "./applier.ts";
import type { DriverHost } from "./driver-host.ts";
import { Gathering } from "./gathering.ts";
import { Outbox } from "./outbox.ts";
import type { PartAnswer, SnapshotPart } from "./snapshot-part.ts";
import { Snapshots } from "./snapshots.ts";
import { StateTimer } from "./state-timer.ts";
import type { StoredNode } from "./storage.ts";
import { type Outlet, Subscriptions } from "./subscriptions.ts";
import {
  changeRefused,
  notLeader,
  type Outcome,
  overloaded,
  type ReadBounds,
  type Refused,
  Waiters,
} from "./waiters.ts";
import { Watches } from "./watches.ts";

export type { DriverHost, DriverObserver } from "./driver-host.ts";

export class Driver {
  readonly raft: Raft;
  private readonly host: DriverHost;
  private readonly snapshots: Snapshots;
  private readonly applier: Applier;
  private readonly timer: StateTimer;
  private readonly waiters: Waiters;
  private readonly watches = new Watches();
  private readonly subscriptions: Subscriptions;
  private stopped = false;
  private readonly gathering: Gathering;
  private readonly outbox: Outbox;
  private lastChange = "";
  private configuration: Configuration;
  /** The state holds everything that had been committed by then: the time at which the newest confirmed read was asked. */
  private freshAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RaftOptions, stored: StoredNode, host: DriverHost, nowMs: number) {
    this.host = host;
    this.outbox = new Outbox((to, messages) => host.send(to, messages));
    this.waiters = new Waiters(stored.incarnation);
    this.subscriptions = new Subscriptions(host.machine);
    this.gathering = new Gathering((afterMs) => host.scheduleFlush(afterMs));
    this.raft = new Raft(stored.identity.node, options, stored, host.storage, () => host.random(), nowMs);
    this.snapshots = new Snapshots(host, this.raft, nowMs);
    this.timer = new StateTimer(this.raft);
    this.applier = new Applier(host, this.raft, this.waiters, this.timer);
    this.timer.tell(host.machine);
    this.configuration = stored.configuration;
    this.turn(nowMs, () => this.reconsider(nowMs));
  }

  /** The time that was asked for has come, or some time before or after it. */
  wake(nowMs: number): void {
    this.turn(nowMs, () => {
      this.raft.tick(nowMs);
    });
  }

  /**
   * Takes messages from a peer. What this turn has to say to `answering` is returned, to travel in the answer to the
   * call that brought the messages; without it everything is sent.
   */
  receive(messages: readonly Message[], answering: NodeId | null, nowMs: number): readonly Message[] {
    return this.turn(
      nowMs,
      () => {
        for (const message of messages) {
          // A state comes in pages, by `receivePart`; without them the message is of no use.
          if (message.type !== "installSnapshot") this.raft.step(message, nowMs);
        }
      },
      answering,
    );
  }

  /** Takes a page of a snapshot. */
  receivePart(part: SnapshotPart, nowMs: number): PartAnswer {
    let taken: Omit<PartAnswer, "messages"> = { result: "refused", sequence: 0, detail: "this node has ended" };
    const take = (): void => {
      taken = this.snapshots.take(part, this.applier.machine.tables, nowMs);
    };
    const messages = this.turn(nowMs, take, part.message.from);
    return { ...taken, messages };
  }

  /** Takes what the receiver says to a page that was sent; null when it could not be reached. */
  partAnswered(part: SnapshotPart, answer: PartAnswer | null, nowMs: number): void {
    this.turn(nowMs, () => {
      this.snapshots.answered(part, answer, nowMs);
    });
  }

  /** Tells that messages to a peer were lost. */
  unreachable(peer: NodeId, nowMs: number): void {
    this.turn(nowMs, () => {
      this.raft.reportUnreachable(peer);
    });
  }

  /**
   * Wakes an idle group whose leader is not known or, as `suspect` says, could not be reached (see `Raft.wake`).
   */
  rouse(suspect: NodeId | null, nowMs: number): void {
    if (!this.raft.quiescent) return;
    this.turn(nowMs, () => {
      this.raft.wake(suspect, nowMs);
    });
  }

  /** Replicates a command; the outcome comes when it is applied, refused, or the time is over. */
  propose(command: Uint8Array, expiresAtMs: number, nowMs: number): Promise<Outcome> {
    const outcome = this.gather(command, expiresAtMs, nowMs);
    this.proposeSoon(nowMs);
    return outcome;
  }

  /** Replicates commands together, each as an entry of its own, in their order; answers what became of each. */
  proposeAll(commands: readonly Uint8Array[], expiresAtMs: number, nowMs: number): Promise<readonly Outcome[]> {
    const outcomes = Promise.all(commands.map((command) => this.gather(command, expiresAtMs, nowMs)));
    this.proposeSoon(nowMs);
    return outcomes;
  }

  /** Replicates a change of the members; the outcome comes when it is in force, though a joint one not yet left. */
  change(change: ConfigurationChange, expiresAtMs: number, nowMs: number): Promise<Outcome> {
    return this.replicate(() => this.raft.proposeChange(change, nowMs), expiresAtMs, nowMs);
  }

  /** Replicates an entry that does nothing; the outcome comes when a majority knows what was committed before it. */
  confirm(expiresAtMs: number, nowMs: number): Promise<Outcome> {
    return this.replicate(() => this.raft.proposeNoop(nowMs), expiresAtMs, nowMs);
  }

  /** Begins to hand leadership over. How that ends, the raft shows. */
  transfer(target: NodeId, nowMs: number): TransferOutcome {
    let outcome: TransferOutcome = "not_leader";
    this.turn(nowMs, () => {
      outcome = this.raft.transferLeadership(target, nowMs);
    });
    return outcome;
  }

  /** What `look` finds after this or a later turn; undefined when the time is over first. */
  watch<Found>(look: () => Found | undefined, untilMs: number, nowMs: number): Promise<Found | undefined> {
    // No turn follows by which it could be found, or given up.
    if (this.stopped) return Promise.resolve(look());
    const found = this.watches.watch(look, untilMs);
    this.turn(nowMs, () => {});
    return found;
  }

  /** How many subscribers are served. */
  get subscribers(): number {
    return this.subscriptions.count;
  }

  /** Whether there is more to tell them as time passes. */
  get owesMessages(): boolean {
    return this.subscriptions.areOwedMessages;
  }

  /** Why nobody can be served from here now; null if somebody can. */
  mayServe(): Refused | null {
    return this.stopped ? notLeader : this.subscriptions.refusal;
  }

  /** Serves a subscriber from the present state on, until it leaves: answers what ends that. To be asked for before. */
  subscribe(request: Uint8Array, outlet: Outlet, nowMs: number): () => void {
    this.guard(() => {
      this.applier.fulfil(nowMs);
      // Whoever comes now is not to be told of what was applied before.
      this.publish();
    });
    assert(this.mayServe() === null, "nobody can be served");
    return this.subscriptions.open(request, outlet);
  }

  /** Some time has passed that subscribers may want to know of. */
  lookAtTime(nowMs: number): void {
    this.turn(nowMs, () => {});
  }

  /** The host may have learned that this node is no member, which the configuration here does not say. */
  enrolmentChanged(nowMs: number): void {
    this.turn(nowMs, () => {
      this.reconsider(nowMs);
      // Whoever waits for a proof of leadership would wait in vain: the leader answers this node no more.
      this.waiters.refuseReads();
    });
  }

  /** Does nothing any more: the storage is about to become another node's. */
  stop(nowMs: number): void {
    this.guard(() => this.applier.fulfil(nowMs));
    this.host.arm(Number.POSITIVE_INFINITY);
    this.stopped = true;
    this.waiters.expire(Number.POSITIVE_INFINITY);
    this.watches.look(Number.POSITIVE_INFINITY);
    for (const { settle } of this.gathering.take()) settle(notLeader);
    this.subscriptions.breakOff();
  }

  /** Proposes what has gathered. */
  flush(nowMs: number): void {
    this.turn(nowMs, () => this.proposeGathered(nowMs));
    // What was proposed has taken it along.
    if (this.applier.isBehind) this.turn(nowMs, () => this.applier.fulfil(nowMs));
  }

  /**
   * Answers a read. A linearizable one waits for the proof that its leader still led after the read had arrived; a stale
   * one that is bounded does so only if this node's state is not known to be new enough. Without a query it is only the wait.
   */
  query(
    query: Uint8Array | null,
    consistency: Consistency,
    expiresAtMs: number,
    nowMs: number,
    { maxStalenessMs = Number.POSITIVE_INFINITY, minIndex = 0 }: ReadBounds = {},
  ): Promise<Outcome> {
    if (this.stopped) return Promise.resolve(notLeader);
    if (consistency === "stale") this.guard(() => this.applier.fulfil(nowMs));
    const { appliedIndex } = this.raft.log;
    const read = { query, minIndex, askedAtMs: nowMs, expiresAtMs };
    if (consistency === "stale" && nowMs - this.freshAtMs <= maxStalenessMs) {
      if (appliedIndex >= minIndex) {
        return Promise.resolve({ done: true, result: this.applier.answer(query, nowMs), index: appliedIndex });
      }
      return new Promise((settle) => {
        const context = this.waiters.addBehind({ ...read, settle });
        this.turn(nowMs, () => {
          if (!this.isOutOfTouch(nowMs)) return;
          // Its leader may rest without this node. Asked about a read it wakes, and sends what is missing here.
          if (!this.raft.readIndex(context, nowMs)) this.raft.wake(null, nowMs);
        });
      });
    }
    this.rouse(null, nowMs);
    // A follower asks the leader up to where it has to wait, and then answers itself.
    if (this.raft.leader === null) return Promise.resolve(notLeader);
    return new Promise((settle) => {
      const context = this.waiters.addRead({ ...read, settle });
      this.turn(nowMs, () => {
        if (!this.raft.readIndex(context, nowMs)) this.waiters.refuseReads();
      });
      // The round is under way: the disk works meanwhile, and not when the answer comes.
      if (this.applier.isBehind) this.turn(nowMs, () => this.applier.fulfil(nowMs));
    });
  }

  private turn(nowMs: number, input: () => void, answering: NodeId | null = null): readonly Message[] {
    if (this.stopped) return [];
    return this.guard(() => {
      input();
      this.timer.propose(this.applier.machine, nowMs);
      if (this.gathering.isDue(this.batchUnderWay)) this.proposeGathered(nowMs);
      for (let ready = this.raft.ready(nowMs); ready !== null; ready = this.raft.ready(nowMs)) {
        this.perform(ready, nowMs);
        if (this.configuration !== this.raft.configuration) this.reconsider(nowMs);
      }
      this.tell(nowMs);
      this.timer.tell(this.applier.machine);
      // What is not applied yet is still needed.
      if (!this.applier.isBehind) this.snapshots.tidy(nowMs);
      this.observeChange();
      for (const context of this.waiters.expire(nowMs)) this.raft.forgetRead(context);
      this.watches.look(nowMs);
      this.gathering.ensureTaken(this.batchUnderWay);
      const answer = this.outbox.dispatch(answering);
      this.host.arm(Math.min(this.raft.deadlineMs, this.waiters.deadlineMs, this.watches.deadlineMs));
      return answer;
    });
  }

  private guard<Result>(work: () => Result): Result {
    try {
      return work();
    } catch (error) {
      this.host.abort(error);
      throw error;
    }
  }

  private reconsider(nowMs: number): void {
    this.configuration = this.raft.configuration;
    const belongs = this.host.configured(this.configuration);
    this.raft.abstain(!belongs, nowMs);
    // What this node learns from now on is not what its group does.
    if (!belongs) this.subscriptions.breakOff();
  }

  private tell(nowMs: number): void {
    this.publish();
    this.subscriptions.tick(nowMs, this.isInTouch(nowMs));
  }

  private publish(): void {
    const { applier, subscriptions } = this;
    if (applier.news) subscriptions.published(applier.machine);
    applier.news = false;
  }

  /** Whether this node hears of what its group commits, as far as it can know. */
  private isInTouch(nowMs: number): boolean {
    const { role, quiescent, lastContactMs, timing } = this.raft;
    if (role === "leader" || quiescent) return true;
    return lastContactMs !== null && nowMs - lastContactMs <= timing.electionMaxMs;
  }

  private replicate(propose: () => Proposal, expiresAtMs: number, nowMs: number): Promise<Outcome> {
    if (this.stopped) return Promise.resolve(notLeader);
    return new Promise((settle) => {
      this.turn(nowMs, () => {
        const proposal = propose();
        if (!proposal.accepted) return settle(changeRefused(proposal.reason));
        this.waiters.addProposal(proposal.index, { term: proposal.term, proposedAtMs: nowMs, expiresAtMs, settle });
      });
    });
  }

  private gather(command: Uint8Array, expiresAtMs: number, nowMs: number): Promise<Outcome> {
    if (this.stopped || this.raft.role !== "leader") {
      this.rouse(null, nowMs);
      return Promise.resolve(notLeader);
    }
    const { maxUncommittedBytes } = this.raft.options;
    if (this.gathering.isFull(command.length, maxUncommittedBytes)) return Promise.resolve(overloaded);
    return new Promise((settle) => {
      this.gathering.add({ command, proposedAtMs: nowMs, expiresAtMs, settle });
    });
  }

  private proposeSoon(nowMs: number): void {
    this.gathering.called();
    if (this.gathering.isDue(this.batchUnderWay)) this.turn(nowMs, () => {});
    else this.gathering.ensureTaken(this.batchUnderWay);
  }

  /** True for a node that follows and has not heard from its leader for longer than any election timeout. */
  private isOutOfTouch(nowMs: number): boolean {
    const { role, lastContactMs, timing } = this.raft;
    return role === "follower" && nowMs - (lastContactMs ?? Number.NEGATIVE_INFINITY) > timing.electionMaxMs;
  }

  private get batchUnderWay(): boolean {
    return this.raft.role === "leader" && this.raft.log.commitIndex < this.raft.log.lastIndex;
  }

  private proposeGathered(nowMs: number): void {
    for (const { command, settle, ...times } of this.gathering.take()) {
      const proposal = this.raft.propose(command, nowMs);
      if (proposal.accepted) {
        this.waiters.addProposal(proposal.index, { term: proposal.term, settle, ...times });
      } else {
        settle(proposal.reason === "overloaded" ? overloaded : notLeader);
      }
    }
  }

  private perform(ready: Ready, nowMs: number): void {
    const { applier, outbox } = this;
    outbox.post(ready.early);
    applier.saved(ready.entries, nowMs);
    // Subscribers are told at once.
    if (this.subscriptions.count === 0 && applier.foretell(ready, nowMs)) return outbox.collect(ready.messages);
    if (!saysOnly(ready)) applier.fulfil(nowMs);
    const results = this.write(ready);
    for (const message of ready.messages) {
      if (message.type === "installSnapshot") this.snapshots.send(message, applier.machine.tables);
      else outbox.collect([message]);
    }
    applier.applied(ready.committed, results, nowMs);
    this.answerReads(ready, nowMs);
    if (ready.committed.length > 0 || ready.snapshot !== null) applier.changed(this.raft.log.appliedIndex, nowMs);
  }

  private answerReads({ reads }: Ready, nowMs: number): void {
    const { appliedIndex } = this.raft.log;
    for (const { context } of reads) {
      const answer = (query: Uint8Array | null): Uint8Array => this.applier.answer(query, nowMs);
      const askedAtMs = this.waiters.confirmed(context, appliedIndex, answer);
      if (askedAtMs !== null) this.freshAtMs = Math.max(this.freshAtMs, askedAtMs);
    }
  }

  /** Makes a turn's writes, all or none, and answers the results of the commands that were applied. */
  private write(ready: Ready): Results {
    const { hardState, entries, committed, configuration, snapshot } = ready;
    const lastCommitted = committed.at(-1);
    const { quiescent } = ready;
    const state = hardState ?? snapshot ?? quiescent ?? lastCommitted ?? null;
    if (state === null && entries.length === 0) return new Map();
    const { storage, observer } = this.host;
    if (entries.length > 0) observer.saved(entries.length);
    this.snapshots.compaction.saved(entries);
    return storage.transaction(() => {
      if (hardState !== null) storage.saveHardState(hardState);
      if (quiescent !== null) storage.saveQuiescent(this.bySystemTime(quiescent));
      if (snapshot !== null) this.applier.machine = this.snapshots.install(snapshot);
      storage.saveEntries(entries);
      if (lastCommitted === undefined) return new Map();
      const results = this.applier.apply(committed);
      storage.saveAppliedIndex(lastCommitted.index);
      if (configuration !== null) storage.saveConfiguration(configuration);
      return results;
    });
  }

  /** The next start's clock does not know by how much this one is ahead of the system's. */
  private bySystemTime(rest: Rest | false): Rest | false {
    return rest !== false && { ...rest, sinceMs: this.host.toSystemMs(rest.sinceMs) };
  }

  private observeChange(): void {
    const { role, term, leader } = this.raft;
    const change = `${role} ${term} ${leader}`;
    if (change === this.lastChange) return;
    this.lastChange = change;
    // The answers that they wait for belong to the role, the term and the leader that were.
    this.waiters.refuseReads();
    this.host.observer.roleChanged({ role, term, leader });
  }
}
