/** One running instance of a node, from its start to its crash: the real driver, transport, timer and clock in a simulated host. */

import type { StateMachine } from "../../src/machine.ts";
import { AlarmTimer } from "../../src/node/alarm-timer.ts";
import { MonotonicClock } from "../../src/node/clock.ts";
import { Driver, type DriverHost } from "../../src/node/driver.ts";
import type { MembershipStorage } from "../../src/node/membership-storage.ts";
import type { SnapshotStore } from "../../src/node/snapshot-store.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import { Transport } from "../../src/node/transport.ts";
import type { Outcome, Refused } from "../../src/node/waiters.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import type { Watched } from "./check/checks.ts";
import type { Correspondence } from "./correspondence.ts";
import { SimulatedCrash } from "./crash.ts";
import type { OpenedNode } from "./disk/engine.ts";
import { intercept, recordingStorage } from "./disk/recording-storage.ts";
import { emptyRecord, type WriteRecord } from "./disk/write-record.ts";
import { DurabilityGate, type OutputGate } from "./output-gate.ts";
import { PlaceInGroup } from "./place-in-group.ts";
import { Punctuality } from "./check/punctuality.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { DigestMachine } from "./store/digest-machine.ts";

/** What can wait for something else to go along with it waits for up to this long. */
const soonMs = 5;
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
  private inGroup: PlaceInGroup | null = null;
  private isQuiescent = false;
  private readonly punctuality: Punctuality;
  private machine: StateMachine | null = null;

  constructor(node: SimulatedNode) {
    this.node = node;
    const { image, setup } = node;
    this.punctuality = new Punctuality(setup.checks, node.id);
    this.gate = setup.tampering.gate?.(this.durability) ?? this.durability;
    this.clock = new MonotonicClock(() => node.clock.readMs());
    this.timer = new AlarmTimer(node.alarm, this.clock);
    this.transport = new Transport({
      call: (to, messages) => this.correspondence.call(to, messages),
      receive: (messages) => this.enter((driver) => void driver.receive(messages, null, this.nowMs)),
      scheduleSend: () => this.soon(() => this.transport.sendPostponed()),
      unreachable: (peer) => this.enter((driver) => driver.unreachable(peer, this.nowMs)),
      observe: () => node.setup.world.expectPromises(),
    });
    const opened = node.engine.open();
    this.stored = opened.stored;
    const { appliedIndex, lastIndex: writtenIndex } = opened.stored.log;
    const { incarnation, identity } = opened.stored;
    const life = `${node.id} (storage ${identity.storageId}, incarnation ${incarnation})`;
    const { term } = opened.stored.hardState;
    const indexes = { writtenIndex, term, commitIndex: appliedIndex, appliedIndex, ledTerm: 0 };
    this.watched = { node: node.id, life, image, gate: this.durability, ...indexes };
    this.opened = opened;
    this.wrote(emptyRecord());
  }

  /** Starts the driver. */
  start(): void {
    const { stored, node } = this;
    try {
      this.inGroup = new PlaceInGroup(this, node, this.watchedMembership());
      this.running = new Driver(node.setup.settings.options, stored, this.makeHost(), this.nowMs);
      this.inGroup.begin(this.running);
      this.isQuiescent = this.running.raft.quiescent;
      this.observe();
    } catch (error) {
      // Before its first turn the driver has read its disk.
      if (this.alive) this.abort(error);
      else this.caught(error);
    }
  }

  /** Its place in the group; null if the instance ended before it had one. */
  get place(): PlaceInGroup | null {
    return this.inGroup;
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
      const outside = this.inGroup?.outsider() ?? null;
      if (outside !== null) {
        this.gate.output(() => answer({ done: false, ...outside }, null));
        return;
      }
      this.inGroup?.inquire(driver);
      request(driver).then(
        (outcome) => this.settled(outcome, answer),
        (error: unknown) => this.caught(error),
      );
    });
  }

  /** Why no subscriber can be served; null if one can. */
  mayServe(): Refused | null {
    const outside = this.inGroup?.outsider() ?? null;
    return outside === null ? (this.running?.mayServe() ?? null) : { done: false, ...outside };
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

  /**
   * All of the tables of the whole store are the same on all nodes that have applied as much. In the middle of a turn the
   * core already counts as applied what is yet to be written.
   */
  compareContent(appliedIndex = this.running?.raft.log.appliedIndex): void {
    const { checks } = this.node.setup;
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
      sendPart: (to, part) => this.correspondence.sendPart(to, part),
      send: (to, messages) => {
        if (!this.detached) this.step("before sending");
        this.transport.send(to, messages);
      },
      arm: (deadlineMs) => this.endTurn(deadlineMs),
      toSystemMs: (timeMs) => this.clock.toSystemMs(timeMs),
      scheduleFlush: (afterMs) => this.soon((driver) => driver.flush(this.nowMs), afterMs),
      configured: (configuration) => this.inGroup?.configured(configuration) ?? true,
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
    // What is on the disk of another instance says nothing of what this one could have known.
    if (this.running === null || this.detached) return;
    this.punctuality.turned(this.running.raft, this.timerMs, this.nowMs);
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

  private get correspondence(): Correspondence {
    if (this.inGroup === null) throw new Error("the instance has not started");
    return this.inGroup.correspondence;
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
    const { entries, restored } = record;
    this.watched.writtenIndex = entries.at(-1)?.index ?? restored?.index ?? this.watched.writtenIndex;
    this.durability.wrote();
    this.observe();
    const { appliedIndex } = record;
    if (appliedIndex !== null && appliedIndex % contentEvery === 0) this.compareContent(appliedIndex);
    const { world } = this.node.setup;
    this.lastFlushAtMs = Math.max(this.lastFlushAtMs, world.nowMs + this.node.drawFlushMs());
    world.at(this.lastFlushAtMs, () => {
      if (this.alive && !this.detached && this.unflushed[0] === record) this.flush();
    });
  }

  /** Whatever waits for a disk that was slow is written now. */
  finishWrites(): void {
    if (this.detached) return;
    while (this.alive && this.unflushed.length > 0) this.flush();
    this.lastFlushAtMs = 0;
  }

  /** How long the last of its writes will yet take. */
  get flushesForMs(): number {
    return this.lastFlushAtMs - this.node.setup.world.nowMs;
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

  /** What was thrown by what happens in this instance. */
  caught(error: unknown): void {
    if (!(error instanceof SimulatedCrash)) this.node.setup.world.fail(error);
  }
}
