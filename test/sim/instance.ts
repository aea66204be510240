/** One running instance of a node, from its start to its crash: the real driver, transport, timer and clock in a simulated host. */

import type { Refusal } from "../../src/internal.ts";
import type { StateMachine } from "../../src/machine.ts";
import type { ChangeRequest, JoinRequest, Standing } from "../../src/membership.ts";
import { Administration, type Ended } from "../../src/node/administration.ts";
import { AlarmTimer } from "../../src/node/alarm-timer.ts";
import { Belonging } from "../../src/node/belonging.ts";
import { MonotonicClock } from "../../src/node/clock.ts";
import { Driver, type DriverHost } from "../../src/node/driver.ts";
import { claimOn, claimRefusal } from "../../src/node/founding.ts";
import { Inquiry } from "../../src/node/inquiry.ts";
import type { MembershipStorage } from "../../src/node/membership-storage.ts";
import type { SnapshotStore } from "../../src/node/snapshot-store.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import { Transport } from "../../src/node/transport.ts";
import type { Outcome, Refused } from "../../src/node/waiters.ts";
import { entryBytes, type NodeId } from "../../src/raft/entry.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { Watched } from "./check/checks.ts";
import { Correspondence } from "./correspondence.ts";
import { SimulatedCrash } from "./crash.ts";
import type { OpenedNode } from "./disk/engine.ts";
import { intercept, recordingStorage } from "./disk/recording-storage.ts";
import { emptyRecord, type WriteRecord } from "./disk/write-record.ts";
import type { Reply } from "./network.ts";
import { DurabilityGate, type OutputGate } from "./output-gate.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { DigestMachine } from "./store/digest-machine.ts";

/** What can wait for something else to go along with it waits for up to this long. */
const soonMs = 5;
/** So many heartbeats after a turn that did not propose what is due, a later one must have. */
const latestHeartbeats = 2;
/** More than the entry of a timer takes. */
const roomBytes = 200;
/** Nodes apply in steps of different lengths, but most of them come by some of the multiples of this. */
const contentEvery = 16;

export class Instance {
  alive = true;
  readonly stored: StoredNode;
  readonly gate: OutputGate;
  readonly watched: Watched;
  private readonly node: SimulatedNode;
  private readonly opened: OpenedNode;
  private readonly durability = new DurabilityGate();
  private readonly clock: MonotonicClock;
  private readonly timer: AlarmTimer;
  private readonly transport: Transport;
  private readonly unflushed: WriteRecord[] = [];
  private lastFlushAtMs = 0;
  private detached = false;
  private running: Driver | null = null;
  private place: Belonging | null = null;
  private peers: Correspondence | null = null;
  private administration: Administration | null = null;
  private readonly inquiry = new Inquiry();
  private isQuiescent = false;
  /** What had been applied at the end of the last turn. */
  private knownUpTo = 0;
  /** Since when something has been due that this leader has not proposed. */
  private overdueSinceMs = Number.POSITIVE_INFINITY;
  private machine: StateMachine | null = null;

  constructor(node: SimulatedNode) {
    this.node = node;
    const { image, setup } = node;
    this.gate = setup.tampering.gate?.(this.durability) ?? this.durability;
    this.clock = new MonotonicClock(() => node.clock.readMs());
    this.timer = new AlarmTimer(node.alarm, this.clock);
    this.transport = new Transport({
      call: (to, messages) => this.correspondent.call(to, messages),
      receive: (messages) => this.enter((driver) => void driver.receive(messages, null, this.nowMs)),
      scheduleSend: () => this.soon(() => this.transport.sendPostponed()),
      unreachable: (peer) => this.enter((driver) => driver.unreachable(peer, this.nowMs)),
      observe: () => node.setup.world.expectPromises(),
    });
    const opened = node.engine.open();
    this.stored = opened.stored;
    const { appliedIndex } = opened.stored.log;
    const { incarnation, identity } = opened.stored;
    const life = `${node.id} (storage ${identity.storageId}, incarnation ${incarnation})`;
    const indexes = { term: opened.stored.hardState.term, commitIndex: appliedIndex, appliedIndex, ledTerm: 0 };
    this.watched = { node: node.id, life, image, gate: this.durability, ...indexes };
    this.opened = opened;
    this.wrote(emptyRecord());
  }

  /** Starts the driver. */
  start(): void {
    const { stored, node } = this;
    try {
      this.place = new Belonging(this.watchedMembership(), stored, {
        within: () => this.within(),
        onRetired: ({ standing, reason }) => {
          node.note(() => `is ${standing}: ${reason}`);
          node.setup.world.count(`node ${standing}`);
          this.running?.enrolmentChanged(this.nowMs);
        },
        listedHint: () => undefined,
      });
      this.peers = new Correspondence(this, node, this.place.gatekeeper);
      this.running = new Driver(node.setup.settings.options, stored, this.makeHost(), this.nowMs);
      this.administration = this.administrationOf(this.running, this.place);
      this.isQuiescent = this.running.raft.quiescent;
      this.observe();
    } catch (error) {
      // Before its first turn the driver has read its disk.
      if (this.alive) this.abort(error);
      else this.caught(error);
    }
  }

  /** What it says to its peers; null if the instance ended before it could. */
  get correspondence(): Correspondence | null {
    return this.peers;
  }

  /** Whether it belongs to its group, as far as it knows; null if the instance ended before it could tell. */
  get standing(): Standing | null {
    return this.place?.enrolment.standing ?? null;
  }

  get nowMs(): number {
    return this.clock.nowMs();
  }

  /** The driver; null if the instance ended before it had one. */
  get driver(): Driver | null {
    return this.running;
  }

  /** When the state machine next wants something to happen; null for never. */
  get timerMs(): number | null {
    return this.machine?.nextTimerMs?.() ?? null;
  }

  /** Lets an event happen in this instance. Answers whether it came to its end. */
  enter(work: (driver: Driver) => void): boolean {
    if (!this.alive || this.running === null) return false;
    this.node.setup.world.expectPromises();
    try {
      work(this.running);
    } catch (error) {
      this.caught(error);
    }
    return this.alive;
  }

  /** The alarm has fired. */
  alarm(): boolean {
    return this.enter((driver) => {
      this.timer.fired();
      driver.wake(this.nowMs);
    });
  }

  /** Asks the driver for something that it promises; what it answers leaves when the gate lets it. */
  ask(request: (driver: Driver) => Promise<Outcome>, answer: (outcome: Outcome, leader: NodeId | null) => void): void {
    this.enter((driver) => {
      this.catchUp();
      const outside = this.outsider();
      if (outside !== null) {
        this.gate.output(() => answer({ done: false, ...outside }, null));
        return;
      }
      this.inquire(driver);
      request(driver).then(
        (outcome) => this.settled(outcome, answer),
        (error: unknown) => this.caught(error),
      );
    });
  }

  /** Why no subscriber can be served; null if one can. */
  mayServe(): Refused | null {
    const outside = this.outsider();
    return outside === null ? (this.running?.mayServe() ?? null) : { done: false, ...outside };
  }

  /** Changes the members, as an operator asks for it. Says nothing more once the instance has ended. */
  change(request: ChangeRequest, timeoutMs: number, ended: (how: Ended) => void): void {
    this.enter(() => {
      this.administration?.change(request, timeoutMs).then(
        (how) => {
          if (this.alive) ended(how);
        },
        (error: unknown) => this.caught(error),
      );
    });
  }

  /** A leader asks this node to wait to become a member, whatever it has been before. */
  join(request: JoinRequest, answer: (reply: Reply) => void): void {
    const { node, stored, running, standing } = this;
    if (running === null || standing === null) return;
    const { appliedIndex, lastIndex } = running.raft.log;
    const claim = claimOn({ groupId: stored.identity.groupId, standing, appliedIndex, lastIndex }, request);
    const say = (instance: Instance, what: unknown): void => {
      const bytes = new TextEncoder().encode(JSON.stringify(what));
      instance.gate.output(() => answer({ refused: false, bytes }));
    };
    if (claim === "other group" || claim === "knows more") {
      return say(this, { code: "node_in_use", message: claimRefusal(claim, node.id) });
    }
    const joined = claim === "keep" ? this : node.join(request);
    say(joined, { storageId: joined.stored.identity.storageId });
  }

  /** Ends the instance. The first `kept` of the transactions that are not durable yet turn out to be. */
  crash(kept: number, leaving: number): void {
    this.alive = false;
    this.durability.close(leaving);
    for (let count = Math.min(kept, this.unflushed.length); count > 0; count -= 1) this.flush();
    this.unflushed.length = 0;
  }

  /** Takes the storage away from the instance, which will notice when it uses it. */
  detach(): void {
    this.detached = true;
    this.durability.close();
    this.unflushed.length = 0;
  }

  /** All of the tables of the whole store are the same on all nodes that have applied as much. */
  compareContent(): void {
    const { checks } = this.node.setup;
    const appliedIndex = this.running?.raft.log.appliedIndex;
    if (checks.store === null || appliedIndex === undefined) return;
    const held = this.opened.content();
    // Alone in its group, a leader applies what it has yet to make durable, and may lose it.
    this.durability.fact(() => checks.ledger.holds(this.node.id, appliedIndex, held));
  }

  /** How many messages and answers wait for a write. */
  get heldCount(): number {
    return this.durability.waiting;
  }

  get unflushedCount(): number {
    return this.unflushed.length;
  }

  private makeHost(): DriverHost {
    const { storage, machine } = this.opened;
    const { tampering, random, settings } = this.node.setup;
    let current = emptyRecord();
    const recorder = recordingStorage(storage, {
      step: (what) => this.step(what),
      read: () => this.touchDisk(),
      began: (record) => {
        current = record;
      },
      wrote: (record) => this.wrote(record),
    });
    const watchMachine = (inner: StateMachine, digest: number): StateMachine => {
      this.machine = inner;
      const digests = new DigestMachine(inner, digest, {
        applied: (command) => {
          current.applied.push(command);
          this.step("after a command");
        },
        queried: () => this.touchDisk(),
        foreseen: () => this.node.setup.world.count("result foreseen"),
      });
      return tampering.machine?.(digests) ?? digests;
    };
    return {
      storage: tampering.storage?.(recorder) ?? recorder,
      snapshots: this.watchedSnapshots(() => current.restored?.index ?? 0),
      limits: settings.limits,
      machine: watchMachine(machine, this.watched.image.digest),
      renewMachine: () => {
        const { ledger } = this.node.setup.checks;
        return watchMachine(this.opened.renewMachine(), ledger.digestAt(current.restored?.index ?? 0));
      },
      sendPart: (to, part) => this.correspondent.sendPart(to, part),
      send: (to, messages) => {
        if (!this.detached) this.step("before sending");
        this.transport.send(to, messages);
      },
      arm: (deadlineMs) => this.endTurn(deadlineMs),
      toSystemMs: (timeMs) => this.clock.toSystemMs(timeMs),
      scheduleFlush: (afterMs) => this.soon((driver) => driver.flush(this.nowMs), afterMs),
      configured: (configuration) => this.place?.configured(configuration) ?? true,
      abort: (error) => this.abort(error),
      random: () => random.nodes.next(),
      observer: {
        roleChanged: ({ role, term, leader }) => this.node.note(() => `${role} in term ${term}, leader ${leader}`),
        saved: () => {},
        applied: () => {},
        committed: () => {},
        compacted: () => this.node.setup.world.count("log compacted"),
        snapshotSent: (_, delivered) => {
          this.node.setup.world.count(delivered ? "snapshot delivered" : "snapshot interrupted");
        },
        snapshotInstalled: (index) => {
          this.node.note(() => `installs the state at ${index}`);
          this.node.setup.world.count("snapshot installed");
        },
      },
    };
  }

  private endTurn(deadlineMs: number): void {
    // Whoever waits for a promise goes on after the end of its instance, and must not be heard of.
    if (!this.alive) return;
    this.timer.arm(deadlineMs);
    this.observe();
    if (this.running?.raft.role === "leader") this.demandPunctuality(this.running);
    this.knownUpTo = this.running?.raft.log.appliedIndex ?? 0;
  }

  /** A leader that knows a state proposes what is due in it: at its next turn or, if that was not possible, at a heartbeat. */
  private demandPunctuality({ raft }: Driver): void {
    const lateMs = this.latenessMs(raft);
    if (lateMs === null) this.overdueSinceMs = Number.POSITIVE_INFINITY;
    else if (this.overdueSinceMs === Number.POSITIVE_INFINITY) this.overdueSinceMs = this.nowMs;
    if (lateMs === null || this.nowMs - this.overdueSinceMs <= latestHeartbeats * raft.options.heartbeatMs) return;
    this.node.setup.checks.late(this.node.id, lateMs);
  }

  /** For how long something has been due that this leader could have proposed, and has not; null when there is no such thing. */
  private latenessMs({ log, term, clusterTime, leadership, options }: Raft): number | null {
    const { appliedIndex, lastIndex } = log;
    const isKnown = appliedIndex === this.knownUpTo && log.term(appliedIndex) === term;
    const dueMs = this.timerMs;
    if (!isKnown || dueMs === null || leadership?.transferee !== null) return null;
    const lateMs = clusterTime.read(this.nowMs) - dueMs;
    if (lateMs < 0) return null;
    const first = appliedIndex + 1;
    const coming = lastIndex < first ? [] : log.read(first, lastIndex, Number.POSITIVE_INFINITY);
    // With so much on its way nothing more is taken.
    const onItsWayBytes = coming.reduce((sum, entry) => sum + entryBytes(entry), 0);
    const isFull = onItsWayBytes + roomBytes > options.maxUncommittedBytes;
    return isFull || this.node.setup.checks.hasTimer(coming) ? null : lateMs;
  }

  private observe(): void {
    const { checks, world } = this.node.setup;
    if (this.running === null) return;
    const { raft } = this.running;
    checks.observe(this.watched, raft, world.nowMs);
    if (raft.quiescent === this.isQuiescent) return;
    this.isQuiescent = raft.quiescent;
    world.count(raft.quiescent ? "node at rest" : "node woken");
  }

  /** Does what the alarm should have done by now, as the object does at every request. */
  catchUp(): void {
    const { running } = this;
    if (running !== null && this.nowMs >= running.raft.deadlineMs) running.wake(this.nowMs);
  }

  private get correspondent(): Correspondence {
    if (this.peers === null) throw new Error("the instance has not started");
    return this.peers;
  }

  private within(): ReturnType<ConstructorParameters<typeof Belonging>[2]["within"]> {
    if (this.running === null) throw new Error("the instance has not started");
    const { role, term, leader, log } = this.running.raft;
    return { term, leads: role === "leader", leader, appliedIndex: log.appliedIndex };
  }

  /** Why a node that is no member answers no client; null for a member. */
  private outsider(): Refusal | null {
    const { standing } = this;
    if (standing === null || standing === "member") return null;
    return { code: standing === "superseded" ? "fenced" : standing, message: standing, ambiguous: false };
  }

  /** A client has come. Whoever may have missed its own removal asks for it, as the node does. */
  private inquire({ raft }: Driver): void {
    if (!this.inquiry.isDue(raft, this.nowMs)) return;
    for (const { id } of this.place?.members ?? []) {
      if (id === raft.id) continue;
      void this.correspondent.call(id, []).then(({ result }) => {
        if (result === "ok" || result === "refused") this.inquiry.answered(this.nowMs);
      });
    }
  }

  private administrationOf(driver: Driver, place: Belonging): Administration {
    // It asks for a read whose end it does not wait for.
    const query: Driver["query"] = (...inputs) => {
      const outcome = driver.query(...inputs);
      outcome.catch((error: unknown) => this.caught(error));
      return outcome;
    };
    return new Administration({
      driver: intercept(driver, { query }),
      nowMs: () => {
        this.node.setup.world.expectPromises();
        return this.nowMs;
      },
      join: ({ id }, request) => this.correspondent.join(id, request),
      joinRequest: (force) => {
        this.node.setup.world.expectPromises();
        return place.joinRequest(driver.raft.log.appliedIndex, force);
      },
      transferEnded: () => {},
    });
  }

  /** Its writes are transactions of their own, between which the node may crash. */
  private watchedMembership(): MembershipStorage {
    const { membership, storage } = this.opened;
    const write = (what: () => void): void => {
      this.step("before the membership");
      storage.transaction(what);
      this.wrote(emptyRecord());
      this.step("after the membership");
    };
    const watched: Partial<MembershipStorage> = {
      saveAdmitted: () => write(() => membership.saveAdmitted()),
      saveRetirement: (retirement) => write(() => membership.saveRetirement(retirement)),
      savePeer: (id, storageId) => {
        write(() => membership.savePeer(id, storageId));
        this.durability.fact(() => void this.node.knownPeers.add(id));
      },
      forgetPeer: (id) => write(() => membership.forgetPeer(id)),
    };
    return intercept(membership, watched);
  }

  private soon(work: (driver: Driver) => void, mostMs = soonMs): void {
    const { world, random } = this.node.setup;
    world.after(random.nodes.between(0, mostMs), () => this.enter(work));
  }

  private settled(outcome: Outcome, answer: (outcome: Outcome, leader: NodeId | null) => void): void {
    this.node.setup.world.expectPromises();
    if (!this.alive || this.running === null) return;
    const { leader } = this.running.raft;
    try {
      this.gate.output(() => answer(outcome, leader));
    } catch (error) {
      this.node.setup.world.fail(error);
    }
  }

  /** The snapshots on the disk; whatever state begins to leave or takes effect must be the same on every node. */
  private watchedSnapshots(restoredIndex: () => number): SnapshotStore {
    const { snapshots, content } = this.opened;
    const { ledger } = this.node.setup.checks;
    const watched: Partial<SnapshotStore> = {
      openCut: (id, peer, snapshot, tables) => {
        snapshots.openCut(id, peer, snapshot, tables);
        const held = content();
        // Alone in its group, a leader applies what it has yet to make durable, and may lose it.
        this.durability.fact(() => ledger.holds(this.node.id, snapshot.index, held));
      },
      installStaging: () => {
        snapshots.installStaging();
        ledger.holds(this.node.id, restoredIndex(), content());
      },
    };
    return intercept(snapshots, watched, (what) => this.step(`before ${what} of a snapshot`));
  }

  private wrote(record: WriteRecord): void {
    this.unflushed.push(record);
    this.durability.wrote();
    this.observe();
    const { appliedIndex } = record;
    if (appliedIndex !== null && appliedIndex % contentEvery === 0) this.compareContent();
    const { world } = this.node.setup;
    this.lastFlushAtMs = Math.max(this.lastFlushAtMs, world.nowMs + this.node.drawFlushMs());
    world.at(this.lastFlushAtMs, () => {
      if (this.alive && !this.detached) this.flush();
    });
  }

  private flush(): void {
    const record = this.unflushed.shift();
    if (record === undefined) throw new Error("nothing to flush");
    const { checks } = this.node.setup;
    const { node, image } = this.watched;
    this.node.engine.flushed();
    checks.flush(node, image, record);
    this.durability.flushed();
    checks.flushed(node, image);
  }

  /** One more step of a turn: the one at which the instance is to crash throws. */
  step(what: string): void {
    this.touchDisk();
    if (this.node.takeStep()) throw new SimulatedCrash(what);
  }

  private touchDisk(): void {
    if (!this.alive) throw new SimulatedCrash("after its end");
    if (this.detached) throw new SimulatedCrash("because its storage is another's");
  }

  private abort(error: unknown): void {
    if (!(error instanceof SimulatedCrash)) this.node.setup.world.fail(error);
    else if (this.detached) this.alive = false;
    else if (this.alive) this.node.crash(error.message);
  }

  private caught(error: unknown): void {
    if (!(error instanceof SimulatedCrash)) this.node.setup.world.fail(error);
  }
}
