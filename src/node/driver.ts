/** The turn: one event goes in, one transaction is made of all that follows from it, and messages and answers come out. */

import { equalBytes } from "../bytes/compare.ts";
import type { Consistency } from "../internal.ts";
import type { CommittedCommand, StateMachine } from "../machine.ts";
import type { Rest } from "../raft/cluster-time.ts";
import type { ConfigurationChange } from "../raft/configuration-change.ts";
import type { Configuration } from "../raft/configuration.ts";
import { assert } from "../raft/assert.ts";
import type { Entry, NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import type { RaftOptions } from "../raft/options.ts";
import { Raft, type Ready } from "../raft/raft.ts";
import type { RoleName } from "../raft/role.ts";
import type { TransferOutcome } from "../raft/transfer.ts";
import { ApplyDelays } from "./apply-delays.ts";
import { Gathering } from "./gathering.ts";
import type { PartAnswer, SnapshotPart } from "./snapshot-part.ts";
import { type SnapshotObserver, Snapshots, type SnapshotsHost } from "./snapshots.ts";
import { StateTimer } from "./state-timer.ts";
import type { NodeStorage, StoredNode } from "./storage.ts";
import { maxSubscriptions, type Outlet, Subscriptions } from "./subscriptions.ts";
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

/** What surrounds a node. On Cloudflare it is a Durable Object, in tests a simulator. */
export interface DriverHost extends SnapshotsHost {
  readonly storage: NodeStorage;
  readonly machine: StateMachine;
  /**
   * Sends messages to a peer, which may get them late, twice or never. The host holds back what is sent after a write
   * until that write is durable, as the output gate of a Durable Object does.
   */
  send(to: NodeId, messages: readonly Message[]): void;
  /** Asks for a call of `wake` at the given time or later. A later request replaces an earlier one. */
  arm(deadlineMs: number): void;
  /** The time by the system's clock at the moment that this node's clock calls `timeMs`. */
  toSystemMs(timeMs: number): number;
  /** Asks for a call of `flush` after so many milliseconds; after 0, behind all events that wait already. */
  scheduleFlush(afterMs: number): void;
  /**
   * This configuration is in force now, or was at the start. Answers whether this node may stand for election: its host may
   * know that the group means another node by its name, or none.
   */
  configured(configuration: Configuration): boolean;
  /** Ends this instance: its memory may not agree with its storage any more. */
  abort(error: unknown): void;
  /** Evenly distributed numbers from 0 (included) to 1 (excluded). */
  random(): number;
  readonly observer: DriverObserver;
}

/** Learns what happened; must not change anything. */
export interface DriverObserver extends SnapshotObserver {
  roleChanged(change: { readonly role: RoleName; readonly term: number; readonly leader: NodeId | null }): void;
  /** Entries became part of this node's log in one batch. */
  saved(count: number): void;
  /** An entry was applied so long after it was stored here. Nothing is said of one that was stored before the start. */
  applied(delayMs: number): void;
  /** A proposal of this node was committed and applied. */
  committed(latencyMs: number): void;
}

/** A committed command, the result that it will have, and since when its caller knows that. */
interface Foretold {
  readonly entry: Entry;
  readonly result: Uint8Array;
  readonly atMs: number;
}

const noResult = new Uint8Array(0);
/** A foretold command waits so long at most for other writes. */
const foretoldForMs = 5;

export class Driver {
  readonly raft: Raft;
  private readonly host: DriverHost;
  private readonly snapshots: Snapshots;
  private machine: StateMachine;
  private readonly timer: StateTimer;
  private readonly waiters: Waiters;
  private readonly watches = new Watches();
  private readonly subscriptions: Subscriptions;
  /** Commands were applied, or a state installed, since subscribers were told. */
  private news = false;
  private readonly applyDelays = new ApplyDelays();
  /** A command whose caller has its result, though it is yet to be applied: the next writes take it along. */
  private foretold: Foretold | null = null;
  private stopped = false;
  private readonly gathering: Gathering;
  private outgoing = new Map<NodeId, Message[]>();
  private lastChange = "";
  private configuration: Configuration;
  /** The state holds everything that had been committed by then: the time at which the newest confirmed read was asked. */
  private freshAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: RaftOptions, stored: StoredNode, host: DriverHost, nowMs: number) {
    this.host = host;
    this.machine = host.machine;
    this.waiters = new Waiters(stored.incarnation);
    this.subscriptions = new Subscriptions(host.machine);
    this.gathering = new Gathering((afterMs) => host.scheduleFlush(afterMs));
    this.raft = new Raft(stored.identity.node, options, stored, host.storage, () => host.random(), nowMs);
    this.snapshots = new Snapshots(host, this.raft, nowMs);
    this.timer = new StateTimer(this.raft);
    this.timer.tell(this.machine);
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
      taken = this.snapshots.take(part, this.machine.tables, nowMs);
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
    return new Promise((settle) => {
      this.turn(nowMs, () => {
        const proposal = this.raft.proposeChange(change, nowMs);
        if (!proposal.accepted) return settle(changeRefused(proposal.reason));
        this.waiters.addProposal(proposal.index, { term: proposal.term, proposedAtMs: nowMs, expiresAtMs, settle });
      });
    });
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
    if (this.stopped) return notLeader;
    if (this.machine.subscribe === undefined) return noSubscriptions;
    return this.subscriptions.count < maxSubscriptions ? null : tooManySubscriptions;
  }

  /** Serves a subscriber from the present state on, until it leaves: answers what ends that. To be asked for before. */
  subscribe(request: Uint8Array, outlet: Outlet): () => void {
    this.guard(() => this.fulfil());
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
  stop(): void {
    this.guard(() => this.fulfil());
    this.host.arm(Number.POSITIVE_INFINITY);
    this.stopped = true;
    this.waiters.expire(Number.POSITIVE_INFINITY);
    this.watches.look(Number.POSITIVE_INFINITY);
    this.subscriptions.breakOff();
  }

  /** Proposes what has gathered. */
  flush(nowMs: number): void {
    this.turn(nowMs, () => this.proposeGathered(nowMs));
    // What was proposed has taken it along.
    if (this.foretold !== null) this.turn(nowMs, () => this.fulfil());
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
    if (consistency === "stale") this.guard(() => this.fulfil());
    const { appliedIndex } = this.raft.log;
    const read = { query, minIndex, askedAtMs: nowMs, expiresAtMs };
    if (consistency === "stale" && nowMs - this.freshAtMs <= maxStalenessMs) {
      if (appliedIndex >= minIndex) {
        return Promise.resolve({ done: true, result: this.answer(query, nowMs), index: appliedIndex });
      }
      return new Promise((settle) => {
        const context = this.waiters.addBehind({ ...read, settle });
        this.turn(nowMs, () => {
          if (!this.isOutOfTouch(nowMs)) return;
          // Its leader may rest without this node. Asked about a read it wakes, and sends what is missing here.
          this.raft.readIndex(context, nowMs);
        });
      });
    }
    this.rouse(null, nowMs);
    // A follower asks the leader up to where it has to wait, and then answers itself.
    if (this.raft.leader === null) return Promise.resolve(notLeader);
    const outcome = new Promise<Outcome>((settle) => {
      const context = this.waiters.addRead({ ...read, settle });
      this.turn(nowMs, () => {
        if (!this.raft.readIndex(context, nowMs)) this.waiters.refuseReads();
      });
    });
    // The round is under way: the disk works meanwhile, and not when the answer comes.
    if (this.foretold !== null) this.turn(nowMs, () => this.fulfil());
    return outcome;
  }

  private turn(nowMs: number, input: () => void, answering: NodeId | null = null): readonly Message[] {
    if (this.stopped) return [];
    return this.guard(() => {
      input();
      this.timer.propose(this.machine, nowMs);
      if (this.gathering.isDue(this.batchUnderWay)) this.proposeGathered(nowMs);
      for (let ready = this.raft.ready(nowMs); ready !== null; ready = this.raft.ready(nowMs)) {
        this.perform(ready, nowMs);
        if (this.configuration !== this.raft.configuration) this.reconsider(nowMs);
      }
      this.tell(nowMs);
      this.timer.tell(this.machine);
      // What is not applied yet is still needed.
      if (this.foretold === null) this.snapshots.tidy(nowMs);
      this.observeChange();
      this.waiters.expire(nowMs);
      this.watches.look(nowMs);
      this.gathering.ensureTaken(this.batchUnderWay);
      const answer = this.dispatch(answering);
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
    if (this.news) this.subscriptions.published(this.machine);
    this.news = false;
    this.subscriptions.tick(nowMs, this.isInTouch(nowMs));
  }

  /** Whether this node hears of what its group commits, as far as it can know. */
  private isInTouch(nowMs: number): boolean {
    const { role, quiescent, lastContactMs, timing } = this.raft;
    if (role === "leader" || quiescent) return true;
    return lastContactMs !== null && nowMs - lastContactMs <= timing.electionMaxMs;
  }

  private gather(command: Uint8Array, expiresAtMs: number, nowMs: number): Promise<Outcome> {
    if (this.raft.role !== "leader") {
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
    this.collect(ready.early);
    this.dispatch(null);
    this.applyDelays.saved(ready.entries, nowMs);
    if (this.foretell(ready, nowMs)) return this.collect(ready.messages);
    if (!saysOnly(ready)) this.fulfil();
    const results = this.write(ready);
    for (const message of ready.messages) {
      if (message.type === "installSnapshot") this.snapshots.send(message, this.machine.tables);
      else this.collect([message]);
    }
    for (const entry of ready.committed) {
      this.settle(entry, results.get(entry.index) ?? noResult, nowMs);
      this.observeApplied(entry, nowMs);
    }
    const { appliedIndex } = this.raft.log;
    const answer = (query: Uint8Array | null): Uint8Array => this.answer(query, nowMs);
    for (const { context } of ready.reads) {
      const askedAtMs = this.waiters.confirmed(context, appliedIndex, answer);
      if (askedAtMs !== null) this.freshAtMs = Math.max(this.freshAtMs, askedAtMs);
    }
    if (ready.committed.length > 0 || ready.snapshot !== null) this.changed(nowMs);
  }

  /**
   * A command that was committed alone, by a turn that has nothing to write, is answered before it is applied, so that its
   * caller does not wait for the disk once more: it is stored by a majority, and is applied again after a crash as every
   * committed command is. Whatever looks at the state has it applied first, and so does whatever is written next.
   */
  private foretell(ready: Ready, nowMs: number): boolean {
    const entry = ready.committed[0];
    const isAlone = ready.committed.length === 1 && ready.reads.length === 0 && saysOnly({ ...ready, committed: [] });
    if (entry?.kind !== "command" || !isAlone || this.foretold !== null) return false;
    if (this.subscriptions.count > 0 || !this.waiters.awaits(entry.index, entry.term)) return false;
    const result = this.machine.foresee?.(committedCommand(entry)) ?? null;
    if (result === null) return false;
    this.foretold = { entry, result, atMs: nowMs };
    this.settle(entry, result, nowMs);
    this.host.scheduleFlush(foretoldForMs);
    return true;
  }

  /** Applies what was foretold. */
  private fulfil(): void {
    if (this.foretold === null) return;
    const { entry, result, atMs } = this.foretold;
    this.foretold = null;
    const { storage } = this.host;
    const results = storage.transaction(() => {
      const applied = this.apply([entry]);
      storage.saveAppliedIndex(entry.index);
      return applied;
    });
    assert(equalBytes(results.get(entry.index) ?? noResult, result), "a command's result is not what was foreseen");
    this.observeApplied(entry, atMs);
    this.changed(atMs);
  }

  /** Commands were applied, or a state installed. */
  private changed(nowMs: number): void {
    this.news = true;
    this.timer.changed();
    this.waiters.reached(this.raft.log.appliedIndex, (query) => this.answer(query, nowMs));
  }

  private settle({ index, term }: Entry, result: Uint8Array, nowMs: number): void {
    const proposedAtMs = this.waiters.applied(index, term, result);
    if (proposedAtMs !== null) this.host.observer.committed(nowMs - proposedAtMs);
  }

  private observeApplied({ index }: Entry, nowMs: number): void {
    const delayMs = this.applyDelays.applied(index, nowMs);
    if (delayMs !== null) this.host.observer.applied(delayMs);
  }

  /** Makes a turn's writes, all or none, and answers the results of the commands that were applied. */
  private write(ready: Ready): ReadonlyMap<number, Uint8Array> {
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
      if (snapshot !== null) this.machine = this.snapshots.install(snapshot);
      storage.saveEntries(entries);
      if (lastCommitted === undefined) return new Map();
      const results = this.apply(committed);
      storage.saveAppliedIndex(lastCommitted.index);
      if (configuration !== null) storage.saveConfiguration(configuration);
      return results;
    });
  }

  /** The next start's clock does not know by how much this one is ahead of the system's. */
  private bySystemTime(rest: Rest | false): Rest | false {
    return rest !== false && { ...rest, sinceMs: this.host.toSystemMs(rest.sinceMs) };
  }

  private apply(committed: readonly Entry[]): ReadonlyMap<number, Uint8Array> {
    const commands = committed.filter((entry) => entry.kind === "command").map(committedCommand);
    const results = commands.length === 0 ? [] : this.machine.apply(commands);
    assert(results.length === commands.length, "the state machine must answer every command");
    return new Map(commands.map(({ index }, position) => [index, results[position] ?? noResult]));
  }

  private answer(query: Uint8Array | null, nowMs: number): Uint8Array {
    return query === null ? noResult : this.machine.query(query, this.raft.clusterTime.read(nowMs));
  }

  private collect(messages: readonly Message[]): void {
    for (const message of messages) {
      const waiting = this.outgoing.get(message.to);
      if (waiting === undefined) this.outgoing.set(message.to, [message]);
      else waiting.push(message);
    }
  }

  /** Sends what was collected, save for what is answered. */
  private dispatch(answering: NodeId | null): readonly Message[] {
    if (this.outgoing.size === 0) return [];
    const outgoing = this.outgoing;
    this.outgoing = new Map();
    for (const [to, messages] of outgoing) {
      if (to !== answering) this.host.send(to, messages);
    }
    return answering === null ? [] : (outgoing.get(answering) ?? []);
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

function committedCommand({ index, term, timeMs, data }: Entry): CommittedCommand {
  return { index, term, timeMs, command: data };
}

/** Whether a turn has messages to send, and neither writes nor looks at the state. */
function saysOnly({
  hardState,
  snapshot,
  entries,
  committed,
  configuration,
  quiescent,
  messages,
  reads,
}: Ready): boolean {
  const isSilent = hardState === null && snapshot === null && configuration === null && quiescent === null;
  const looks = reads.length > 0 || messages.some(({ type }) => type === "installSnapshot");
  return isSilent && entries.length === 0 && committed.length === 0 && !looks;
}

const noSubscriptions: Refused = {
  done: false,
  code: "bad_request",
  message: "The state machine offers no subscriptions.",
  ambiguous: false,
};

const tooManySubscriptions: Refused = {
  done: false,
  code: "overloaded",
  message: `This node serves ${maxSubscriptions} subscribers, and no more.`,
  ambiguous: false,
};
