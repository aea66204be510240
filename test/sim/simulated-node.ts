/** One node through all its incarnations: its disk, clock and alarm, whether it can be reached, and what runs of it. */

import type { JoinRequest } from "../../src/membership.ts";
import { joiningIdentity, newIdentity } from "../../src/node/identity.ts";
import type { CallAnswer } from "../../src/node/transport.ts";
import { KeyValueMachine } from "../../src/kv/machine.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry, HardState, NodeId } from "../../src/raft/entry.ts";
import type { StateMachine } from "../../src/machine.ts";
import type { Cells } from "./disk/cells.ts";
import type { DurableImage } from "./disk/durable-image.ts";
import { type DiskEngine, firstOf, type Founding } from "./disk/engine.ts";
import { MemoryEngine } from "./disk/memory-engine.ts";
import { SqliteEngine } from "./disk/sqlite-engine.ts";
import { emptyRecord } from "./disk/write-record.ts";
import { Instance } from "./instance.ts";
import { NodeAlarm } from "./node-alarm.ts";
import type { Reply } from "./network.ts";
import { NodeClock } from "./node-clock.ts";
import type { Setup } from "./setup.ts";
import type { WatchConnection } from "./store/watch-connection.ts";
import { RegisterMachine } from "./store/register-store.ts";
import { TimedMachine } from "./store/timed-machine.ts";

/** A handler that has failed is called again after this time (Durable Objects docs, "Alarms"). */
const alarmRetryMs = 2000;

/** What an instance makes of a call. */
export type Receive = (instance: Instance, answer: (reply: Reply) => void) => void;

export class SimulatedNode {
  readonly id: NodeId;
  readonly setup: Setup;
  /** What of it is durable. */
  image: DurableImage;
  engine: DiskEngine;
  /** Whose storages this one has durably known. */
  knownPeers: Set<NodeId>;
  /** By how much the code that it runs is newer than the one under test: so much higher is the version that it speaks. */
  newer = 0;
  private founding: Founding;
  readonly clock: NodeClock;
  readonly alarm: NodeAlarm;
  /** Null while nothing runs: the next event that reaches the node starts it. */
  instance: Instance | null = null;
  /** Those who watch the store here. */
  readonly connections = new Set<WatchConnection>();
  /** Why it crashed last. */
  lastCrash = "";
  /** Writes take this many times as long as usual. */
  private diskSlowness = 1;
  /** Nothing reaches the node before this time. */
  private availableAtMs = 0;
  /** What reaches the node waits for this time. */
  private pausedUntilMs = 0;
  /** How many more steps the instance makes before it crashes. */
  private stepsLeft = Number.POSITIVE_INFINITY;
  private downtimeMs = 0;
  private readonly peers: ReadonlyMap<NodeId, SimulatedNode>;

  constructor(id: NodeId, setup: Setup, peers: ReadonlyMap<NodeId, SimulatedNode>) {
    this.id = id;
    this.setup = setup;
    this.peers = peers;
    const image = setup.checks.images.get(id);
    if (image === undefined) throw new Error(`${id} is not in the group`);
    this.image = image;
    const { world, random, settings } = setup;
    const { skewMs, driftRate } = settings.clocks;
    const rate = 1 + random.nodes.between(-driftRate, driftRate);
    this.clock = new NodeClock(world, random.nodes.between(-skewMs, skewMs), rate);
    this.alarm = new NodeAlarm(world, this.clock, random.alarms, settings.alarms, () => this.fireAlarm());
    this.founding = this.firstFounding();
    this.engine = this.makeEngine();
    this.knownPeers = new Set();
  }

  /** The storage that it has now. */
  get storageId(): string {
    return this.founding.identity.storageId;
  }

  get isDown(): boolean {
    return this.setup.world.nowMs < this.availableAtMs;
  }

  /** Fills the disk before the node starts for the first time. */
  prepare(hardState: HardState, entries: readonly Entry[]): void {
    const { storage } = this.engine.open();
    storage.transaction(() => {
      storage.saveHardState(hardState);
      storage.saveEntries(entries);
    });
    for (const record of [emptyRecord(), { ...emptyRecord(), hardState, entries }]) {
      this.engine.flushed();
      this.setup.checks.flush(this.id, this.image, record);
    }
  }

  /** Brings an event to the node, now or after a pause, and starts it if it does not run. It may be down. */
  deliver(event: (instance: Instance) => void, lost: () => void): void {
    const { world, random } = this.setup;
    if (this.isDown) {
      lost();
    } else if (world.nowMs < this.pausedUntilMs) {
      world.at(this.pausedUntilMs + random.nodes.next(), () => this.deliver(event, lost));
    } else {
      event(this.resume());
    }
  }

  /** Carries bytes to a peer, whose instance takes them as `receive` says. */
  call(to: NodeId, receive: Receive, settle: (answer: CallAnswer | Reply) => void): void {
    const peer = this.peers.get(to);
    if (peer === undefined) throw new Error(`${to} is not in the group`);
    const arrive = (answer: (reply: Reply) => void, lost: () => void): void => {
      peer.deliver((instance) => receive(instance, answer), lost);
    };
    this.setup.network.call(this.id, to, { arrive }, settle);
  }

  /** Ends what runs, and all that is not durable. `kept` more transactions turn out to be. */
  crash(reason: string, downtimeMs = this.downtimeMs, kept = this.drawKept()): void {
    const { world } = this.setup;
    this.note(() => `crashes ${reason}; down for ${Math.round(downtimeMs)} ms, ${kept} more writes are durable`);
    this.lastCrash = reason;
    this.stepsLeft = Number.POSITIVE_INFINITY;
    // A connection outlives a node that leaves memory with nothing to say.
    const outlive = kept === Number.POSITIVE_INFINITY && this.instance?.unflushedCount === 0;
    if (!outlive) this.loseConnections();
    this.end(kept);
    this.alarm.crashed();
    this.availableAtMs = Math.max(this.availableAtMs, world.nowMs + downtimeMs);
  }

  /** Everything that it had stored is gone. The next event makes a node of it that its peers do not know. */
  wipe(): void {
    this.note(() => "loses its storage");
    this.crash("and loses its storage");
    this.found(this.firstFounding());
  }

  /** Becomes a node that waits to be a member, whatever it was before; what it had stored is gone. */
  join({ groupId, first, storageIds }: JoinRequest): Instance {
    this.note(() => "begins anew, to join the group");
    this.loseConnections();
    this.end(0);
    this.alarm.clear();
    const identity = joiningIdentity("default", this.id, groupId, () => this.setup.random.nodes.next());
    const configuration = simpleConfiguration(first.voters, first.learners);
    this.found({ identity, configuration, joined: true, storageIds });
    return this.resume();
  }

  /** Goes on with code that speaks a version so much higher. */
  speak(newer: number): void {
    this.newer = newer;
    this.crash(`for a deploy of version +${newer}`, 0, Number.POSITIVE_INFINITY);
  }

  /**
   * Lets the next event start another instance, while the old one does not know yet that it has lost its storage: it still
   * gets the answers to its calls (Durable Objects docs, "Known issues", "Global uniqueness").
   */
  replace(): void {
    this.note(() => "is replaced, and its old instance goes on without a disk");
    this.stepsLeft = Number.POSITIVE_INFINITY;
    this.loseConnections();
    this.instance?.detach();
    this.instance = null;
    this.engine.crash(this.image);
  }

  /** Lets the node crash in some turn, after so many steps of writing and sending. */
  crashAfterSteps(steps: number, downtimeMs: number): void {
    this.stepsLeft = steps;
    this.downtimeMs = downtimeMs;
  }

  /** One step of a turn; true if the node is to crash there. */
  takeStep(): boolean {
    this.stepsLeft -= 1;
    return this.stepsLeft < 0;
  }

  pause(forMs: number): void {
    this.pausedUntilMs = this.setup.world.nowMs + forMs;
  }

  /** Its disk takes so many times as long from now on. */
  slowDown(times: number): void {
    this.diskSlowness = times;
  }

  /** Ends all faults of the machine itself. */
  recover(): void {
    this.availableAtMs = 0;
    this.pausedUntilMs = 0;
    this.diskSlowness = 1;
    this.stepsLeft = Number.POSITIVE_INFINITY;
    this.alarm.bePunctual();
    const { instance, setup } = this;
    const { world, settings } = setup;
    if ((instance?.flushesForMs ?? 0) <= settings.options.electionMaxMs) return;
    world.after(settings.options.electionMaxMs, () => instance?.finishWrites());
  }

  drawFlushMs(): number {
    const { random, settings } = this.setup;
    const { flushMs, slowRate } = settings.disk;
    const slowness = random.disks.chance(slowRate) ? 10 * this.diskSlowness : this.diskSlowness;
    return random.disks.exponential(flushMs * slowness);
  }

  note(what: () => string): void {
    const { world } = this.setup;
    if (world.trace !== null) world.note(this.id, what());
  }

  private end(kept: number): void {
    const { instance } = this;
    const held = instance?.heldCount ?? 0;
    const leaving = held === 0 ? 0 : this.setup.random.gates.below(held + 1);
    instance?.crash(kept, leaving);
    const left = held - (instance?.heldCount ?? 0);
    if (left > 0 && left < held) this.setup.world.count("crash between messages");
    this.instance = null;
    this.engine.crash(this.image);
    // What it was asked to become is forgotten with the rest.
    if (this.founding.joined && !this.engine.exists) this.found(this.firstFounding());
  }

  private found(founding: Founding): void {
    this.engine.close();
    this.founding = founding;
    this.knownPeers = new Set(Object.keys(founding.storageIds));
    this.image = this.setup.checks.images.renew(this.id, founding.identity.storageId);
    this.engine = this.makeEngine();
  }

  private firstFounding(): Founding {
    const { settings, random } = this.setup;
    const configuration = simpleConfiguration(settings.voters, settings.learners);
    return firstOf(
      newIdentity("default", this.id, configuration, () => random.nodes.next()),
      configuration,
    );
  }

  private resume(): Instance {
    if (this.instance !== null) return this.instance;
    this.note(() => `starts with ${this.image.lastIndex} entries, ${this.image.appliedIndex} applied`);
    const instance = new Instance(this);
    this.instance = instance;
    instance.start();
    for (const connection of this.connections) connection.resume(instance);
    return instance;
  }

  private loseConnections(): void {
    for (const connection of this.connections) connection.lost();
  }

  private fireAlarm(): number | null {
    const { world } = this.setup;
    if (this.isDown) return this.availableAtMs;
    if (world.nowMs < this.pausedUntilMs) return this.pausedUntilMs;
    return this.resume().alarm() ? null : world.nowMs + alarmRetryMs;
  }

  private drawKept(): number {
    return this.setup.random.disks.below((this.instance?.unflushedCount ?? 0) + 1);
  }

  private makeEngine(): DiskEngine {
    const { settings } = this.setup;
    const makeRegisters = (cells: Cells): StateMachine => {
      const registers = new RegisterMachine(cells);
      return settings.timers ? new TimedMachine(registers, cells) : registers;
    };
    return settings.storage === "memory"
      ? new MemoryEngine(this.founding, makeRegisters)
      : new SqliteEngine(this.founding, (sql) => new KeyValueMachine(sql, settings.store?.options));
  }
}
