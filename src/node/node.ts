/** One running node: the driver joined to its storage, clock, alarm, peers, metrics and log. */

import type { NodeStatus, Refusal } from "../internal.ts";
import type { ChangeRequest, RecoverAnswer, TransferAnswer } from "../membership.ts";
import { type Configuration, isJoint } from "../raft/configuration.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import type { RaftOptions } from "../raft/options.ts";
import { Administration, type AdministrationHost, type Ended } from "./administration.ts";
import type { AlarmTimer } from "./alarm-timer.ts";
import type { Belonging } from "./belonging.ts";
import type { MonotonicClock } from "./clock.ts";
import type { FrameRefusal } from "./frame-refusal.ts";
import type { Within } from "./gatekeeper.ts";
import { Driver, type DriverHost } from "./driver.ts";
import { generationOf } from "./identity.ts";
import { Inquiry } from "./inquiry.ts";
import { log, type LogLine } from "./log-lines.ts";
import { NodeMetrics } from "./node-metrics.ts";
import type { AnsweredBy } from "./answers.ts";
import type { Retirement } from "./membership-storage.ts";
import type { PartOutcome } from "./peer-calls.ts";
import type { PartAnswer, SnapshotPart } from "./snapshot-part.ts";
import type { StoredNode } from "./storage.ts";
import type { Freshness } from "./call-headers.ts";
import type { Outlet } from "./subscriptions.ts";
import type { Outcome, Refused } from "./waiters.ts";
import { type CallAnswer, type CallFailure, Transport } from "./transport.ts";

/** What a node needs of its Durable Object. */
export interface NodeEnvironment extends Pick<
  DriverHost,
  "storage" | "snapshots" | "limits" | "machine" | "renewMachine" | "random"
> {
  readonly clock: MonotonicClock;
  readonly timer: AlarmTimer;
  readonly belonging: Belonging;
  readonly join: AdministrationHost["join"];
  call(to: NodeId, messages: readonly Message[]): Promise<CallAnswer>;
  sendPart(to: NodeId, part: SnapshotPart): Promise<PartOutcome>;
  /** The node has ended: what its calls are still answered says nothing of whoever has its storage next. */
  endCalls(): void;
  abort(reason: string): void;
  /** Rows that the node has written to its storage so far. */
  rowsWritten(): number;
}

export class Node {
  readonly stored: StoredNode;
  readonly driver: Driver;
  private readonly metrics: NodeMetrics;
  readonly belonging: Belonging;
  private readonly administration: Administration;
  private readonly environment: NodeEnvironment;
  private readonly transport: Transport;
  private readonly inquiry = new Inquiry();
  /** Members that are being asked who they are. */
  private readonly meeting = new Set<NodeId>();
  private readonly failing = new Map<NodeId, number>();
  private readonly refusedFrames = new Set<string>();
  private lastConfiguration: string | null = null;

  constructor(stored: StoredNode, options: RaftOptions, environment: NodeEnvironment) {
    this.stored = stored;
    this.environment = environment;
    this.belonging = environment.belonging;
    this.metrics = new NodeMetrics(() => ({
      driver: this.driver,
      incarnation: stored.incarnation,
      rowsWritten: environment.rowsWritten() + environment.timer.armed,
      alarmsSet: environment.timer.armed,
    }));
    this.transport = new Transport({
      call: (to, messages) => environment.call(to, messages),
      receive: (messages) => void this.driver.receive(messages, null, this.nowMs()),
      scheduleSend: () => void setTimeout(() => this.transport.sendPostponed(), postponeMs),
      unreachable: (peer) => this.driver.unreachable(peer, this.nowMs()),
      observe: (peer, answer, messages) => this.observeCall(peer, answer, messages),
    });
    this.driver = new Driver(options, stored, this.driverHost(), this.nowMs());
    this.administration = new Administration({
      driver: this.driver,
      nowMs: () => this.nowMs(),
      join: (newcomer, request) => environment.join(newcomer, request),
      joinRequest: (force) => this.belonging.joinRequest(this.driver.raft.log.appliedIndex, force),
      transferEnded: (to, moved) => this.observeTransfer(to, moved),
    });
  }

  nowMs(): number {
    return this.environment.clock.nowMs();
  }

  /** The alarm has fired. */
  alarm(): void {
    this.environment.timer.fired();
    this.driver.wake(this.nowMs());
  }

  /** Does what the alarm should have done by now: it can be late by seconds, or lost. */
  catchUp(): void {
    const nowMs = this.nowMs();
    if (nowMs >= this.driver.raft.deadlineMs) this.driver.wake(nowMs);
  }

  /** A client has come. Whoever may have missed its own removal asks for it: an empty frame, which a leader refuses. */
  inquire(): void {
    if (this.belonging.enrolment.standing !== "member") return;
    if (!this.inquiry.isDue(this.driver.raft, this.nowMs())) return;
    for (const { id } of this.belonging.members) if (id !== this.driver.raft.id) void this.inquireOf(id);
  }

  /**
   * There is a leader: a good time to learn by which storages the other members go. A node that only ever heard from the
   * leader could not tell one that has lost its storage from the one that had its name before. A frame with nothing in it is
   * answered by one that says it.
   */
  private meetStrangers(): void {
    for (const id of this.belonging.strangers) if (!this.meeting.has(id)) void this.meet(id);
  }

  private async meet(peer: NodeId): Promise<void> {
    this.meeting.add(peer);
    const answer = await this.environment.call(peer, []);
    this.meeting.delete(peer);
    this.observeCall(peer, answer, []);
  }

  private async inquireOf(peer: NodeId): Promise<void> {
    this.inquiry.asked();
    const answer = await this.environment.call(peer, []);
    this.observeCall(peer, answer, []);
    const hasAnswered = answer.result === "ok" || answer.result === "refused";
    this.inquiry.ended(hasAnswered ? this.nowMs() : null);
  }

  /** Takes a page of a snapshot. */
  receivePart(part: SnapshotPart): PartAnswer {
    this.metrics.snapshotBytes.add({ direction: "received" }, part.page.bytes.length);
    return this.driver.receivePart(part, this.nowMs());
  }

  propose(command: Uint8Array, timeoutMs: number): Promise<Outcome> {
    const nowMs = this.nowMs();
    return this.driver.propose(command, nowMs + timeoutMs, nowMs);
  }

  proposeAll(commands: readonly Uint8Array[], timeoutMs: number): Promise<readonly Outcome[]> {
    const nowMs = this.nowMs();
    return this.driver.proposeAll(commands, nowMs + timeoutMs, nowMs);
  }

  query(query: Uint8Array, { consistency, timeoutMs, bounds }: Freshness): Promise<Outcome> {
    const nowMs = this.nowMs();
    return this.driver.query(query, consistency, nowMs + timeoutMs, nowMs, bounds);
  }

  /** Waits until this node's state is new enough; answers why it is not. */
  async catchUpWith({ consistency, bounds, timeoutMs }: Freshness): Promise<Refused | null> {
    const nowMs = this.nowMs();
    const outcome = await this.driver.query(null, consistency, nowMs + timeoutMs, nowMs, bounds);
    return outcome.done ? null : outcome;
  }

  /** Why no subscriber can be served; null if one can. */
  mayServe(): Refused | null {
    const outside = this.outsider();
    return outside === null ? this.driver.mayServe() : { done: false, ...outside };
  }

  /** Serves a subscriber; answers what ends that. */
  subscribe(request: Uint8Array, outlet: Outlet): () => void {
    return this.driver.subscribe(request, outlet, this.nowMs());
  }

  /** Tells subscribers that time has passed. */
  lookAtTime(): void {
    this.driver.lookAtTime(this.nowMs());
  }

  /** Why a node that is no member answers no client; null for a member. */
  outsider(): Refusal | null {
    const { standing, reason } = this.belonging.enrolment;
    if (standing === "member") return null;
    const code = standing === "superseded" ? "fenced" : standing;
    return { code, message: reason ?? standing, ambiguous: false, members: this.belonging.members };
  }

  /** Changes the members. */
  async change(request: ChangeRequest, timeoutMs: number): Promise<Ended<NodeStatus>> {
    const ended = await this.administration.change(request, timeoutMs);
    if (ended.done) return { done: true, body: this.status() };
    this.metrics.changesRefused.add({ reason: ended.code });
    return ended;
  }

  transfer(to: NodeId | null): Promise<Ended<TransferAnswer>> {
    return this.administration.transfer(to);
  }

  /** This node has found out that it is no member any more: it stands for no election, and says so. */
  retired({ standing, reason }: Retirement): void {
    this.log("standing", { standing, reason });
    this.driver.enrolmentChanged(this.nowMs());
  }

  /** A peer's frame was not taken. */
  refusedFrame({ code, message }: FrameRefusal): void {
    this.metrics.framesRefused.add({ reason: code });
    // A stray node comes again at every election timeout; that it comes, and why it is refused, is said once.
    if (this.refusedFrames.has(message)) return;
    if (this.refusedFrames.size >= maxRefusalsRemembered) this.refusedFrames.clear();
    this.refusedFrames.add(message);
    this.log("refused", { code, message });
  }

  /** This node has become a group of its own, and another instance goes on with it. */
  recovered({ groupId, lastIndex, newlyCommitted }: RecoverAnswer): void {
    const warning =
      "forced recovery: committed entries that only lost nodes held are gone; all of this log is committed";
    this.log("recovery", { groupId, lastIndex, newlyCommitted, warning });
  }

  /** Does nothing any more. */
  stop(): void {
    this.driver.stop(this.nowMs());
    this.environment.endCalls();
  }

  within(): Omit<Within, "members"> {
    const { role, term, leader, log: entries } = this.driver.raft;
    return { term, leads: role === "leader", leader, appliedIndex: entries.appliedIndex };
  }

  answeredBy(): AnsweredBy {
    const { id, term, leader, log: entries } = this.driver.raft;
    const generation = generationOf(this.stored.identity.groupId);
    return { node: id, term, index: entries.appliedIndex, leader, generation };
  }

  metricsText(): string {
    const { group, node } = this.stored.identity;
    return this.metrics.text({ group, node });
  }

  status(): NodeStatus {
    const { raft } = this.driver;
    const { log: entries, leadership, lastContactMs, configuration, timing } = raft;
    const { firstIndex, lastIndex, lastTerm, commitIndex, appliedIndex } = entries;
    const nowMs = this.nowMs();
    const since = (timeMs: number | null): number | null => (timeMs === null ? null : Math.max(0, nowMs - timeMs));
    const status: NodeStatus = {
      id: raft.id,
      group: this.stored.identity.group,
      role: raft.role,
      term: raft.term,
      leader: raft.leader,
      log: { firstIndex, lastIndex, lastTerm, commitIndex, appliedIndex },
      quiescent: raft.quiescent,
      timing: {
        heartbeatMs: timing.heartbeatMs,
        electionMinMs: timing.electionMinMs,
        electionMaxMs: timing.electionMaxMs,
      },
      ...this.leaseStatus(nowMs),
      lastContactMs: since(lastContactMs),
      members: this.belonging.members,
      joint: isJoint(configuration),
      standing: this.belonging.enrolment.standing,
      standingReason: this.belonging.enrolment.reason,
      groupId: this.stored.identity.groupId,
      generation: generationOf(this.stored.identity.groupId),
      storageId: this.stored.identity.storageId,
    };
    if (leadership === null) return status;
    const peers = [...leadership.peers].map(([id, { matchIndex, state, lastContactMs: contactMs, roundTrips }]) => ({
      id,
      matchIndex,
      state,
      lagEntries: lastIndex - matchIndex,
      lastContactMs: since(contactMs),
      roundTripMs: roundTrips.p99Ms,
    }));
    return { ...status, peers };
  }

  private leaseStatus(nowMs: number): Pick<NodeStatus, "lease"> {
    const { options, leadership } = this.driver.raft;
    if (!options.leaseReads) return {};
    const remainingMs = Math.ceil(leadership?.leaseMs(nowMs) ?? 0);
    return { lease: { maxClockDriftMs: options.maxClockDriftMs, remainingMs } };
  }

  private driverHost(): DriverHost {
    const { environment } = this;
    return {
      storage: environment.storage,
      snapshots: environment.snapshots,
      limits: environment.limits,
      machine: environment.machine,
      renewMachine: () => environment.renewMachine(),
      sendPart: (to, part) => void this.sendPart(to, part),
      send: (to, messages) => this.transport.send(to, messages),
      arm: (deadlineMs) => environment.timer.arm(deadlineMs),
      toSystemMs: (timeMs) => environment.clock.toSystemMs(timeMs),
      scheduleFlush: (afterMs) => void setTimeout(() => this.driver.flush(this.nowMs()), afterMs),
      configured: (configuration) => this.configured(configuration),
      abort: (error) => this.abort(error),
      random: () => environment.random(),
      observer: {
        roleChanged: (change) => {
          this.log("role", change);
          if (change.leader !== null) this.meetStrangers();
        },
        saved: (count) => this.metrics.batchEntries.observe(count),
        applied: (delayMs) => this.metrics.applyDelaySeconds.observe(delayMs / 1000),
        committed: (latencyMs) => this.metrics.commitSeconds.observe(latencyMs / 1000),
        compacted: (count) => this.metrics.compactedEntries.add({}, count),
        snapshotSent: (peer, delivered) => this.observeSnapshot(peer, delivered),
        snapshotInstalled: (index) => {
          this.metrics.snapshotsInstalled.add();
          this.log("snapshot", { result: "installed", index });
        },
      },
    };
  }

  private configured(configuration: Configuration): boolean {
    const mayStand = this.belonging.configured(configuration);
    const { standing } = this.belonging.enrolment;
    const { voters, outgoing, learners, promoting } = configuration;
    const lists = { voters, outgoing, learners, promoting };
    const texts = Object.entries(lists).map(([name, ids]) => [name, ids.join(" ")]);
    const change = JSON.stringify([texts, standing]);
    // Every start has a configuration; only another one is news.
    if (this.lastConfiguration !== null && this.lastConfiguration !== change) {
      this.metrics.configurationChanges.add({});
      this.log("configuration", { ...(Object.fromEntries(texts) as Record<string, string>), standing });
    }
    this.lastConfiguration = change;
    return mayStand;
  }

  private observeTransfer(to: NodeId, moved: boolean): void {
    const result = moved ? "moved" : "failed";
    this.metrics.transfers.add({ result });
    this.log("transfer", { to, result });
  }

  private async sendPart(to: NodeId, part: SnapshotPart): Promise<void> {
    // Who writes and reads meanwhile has this time for itself.
    await new Promise((resolve) => void setTimeout(resolve, pageRestMs));
    const outcome = await this.environment.sendPart(to, part);
    this.observeCall(to, outcome, []);
    if (outcome.result === "ok") this.metrics.snapshotBytes.add({ direction: "sent" }, part.page.bytes.length);
    this.driver.partAnswered(part, outcome.result === "ok" ? outcome.answer : null, this.nowMs());
  }

  private observeSnapshot(peer: NodeId, delivered: boolean): void {
    const result = delivered ? "delivered" : "failed";
    this.metrics.snapshotsSent.add({ peer, result });
    // One that fails is tried again at the next heartbeat, and again.
    if (delivered) this.log("snapshot", { peer, result });
  }

  private observeCall(
    peer: NodeId,
    answer: { readonly result: "ok" } | CallFailure,
    messages: readonly Message[],
  ): void {
    this.metrics.peerCalls.add({ peer, result: answer.result });
    const failures = this.failing.get(peer) ?? 0;
    if (answer.result === "ok") {
      this.failing.delete(peer);
      if (failures > 0) this.log("peer", { peer, result: "ok", failures });
      return;
    }
    if (messages.some((message) => message.type === "heartbeat")) this.metrics.heartbeatsMissed.add({ peer });
    this.failing.set(peer, failures + 1);
    // A peer that is gone fails at every heartbeat; the first failure and the end of them tell all.
    if (failures === 0) this.log("peer", { peer, result: answer.result, detail: answer.detail });
  }

  private abort(error: unknown): void {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    this.log("abort", { reason });
    this.environment.abort(reason);
  }

  private log(event: LogLine["event"], fields: Readonly<Record<string, string | number | null>>): void {
    const { group, node } = this.stored.identity;
    log({ event, group, node, ...fields });
  }
}

/** How long at least, and less than twice as long, an append without entries waits for entries to travel with. */
const postponeMs = 5;

/** How long a node that sends its state rests between two pages. */
const pageRestMs = 10;

/** Enough for every stray node that there can be by mistake. */
const maxRefusalsRemembered = 100;
