/** One running instance of a node, from its start to its crash: the real driver, transport, timer and clock in a simulated host. */

import type { StateMachine } from "../../src/machine.ts";
import { AlarmTimer } from "../../src/node/alarm-timer.ts";
import { MonotonicClock } from "../../src/node/clock.ts";
import { Driver, type DriverHost } from "../../src/node/driver.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../src/node/frame.ts";
import {
  decodePart,
  decodePartAnswer,
  encodePart,
  encodePartAnswer,
  type SnapshotPart,
} from "../../src/node/snapshot-part.ts";
import type { SnapshotStore } from "../../src/node/snapshot-store.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import { type CallAnswer, Transport } from "../../src/node/transport.ts";
import type { Outcome } from "../../src/node/waiters.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import type { Watched } from "./check/checks.ts";
import { SimulatedCrash } from "./crash.ts";
import type { OpenedNode } from "./disk/engine.ts";
import { intercept, recordingStorage } from "./disk/recording-storage.ts";
import { emptyRecord, type WriteRecord } from "./disk/write-record.ts";
import { DurabilityGate, type OutputGate } from "./output-gate.ts";
import type { SimulatedNode } from "./simulated-node.ts";
import { DigestMachine } from "./store/digest-machine.ts";
import { describeMessages } from "./trace.ts";

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

  constructor(node: SimulatedNode) {
    this.node = node;
    const { image, setup } = node;
    this.gate = setup.tampering.gate?.(this.durability) ?? this.durability;
    this.clock = new MonotonicClock(() => node.clock.readMs());
    this.timer = new AlarmTimer(node.alarm, this.clock);
    this.transport = new Transport({
      call: (to, messages) => this.call(to, messages),
      receive: (messages) => this.enter((driver) => void driver.receive(messages, null, this.nowMs)),
      scheduleSend: () => this.soon(() => this.transport.sendPostponed()),
      unreachable: (peer) => this.enter((driver) => driver.unreachable(peer, this.nowMs)),
      observe: () => node.setup.world.expectPromises(),
    });
    const opened = node.engine.open();
    this.stored = opened.stored;
    const { appliedIndex } = opened.stored.log;
    const { incarnation } = opened.stored;
    const indexes = { term: opened.stored.hardState.term, commitIndex: appliedIndex, appliedIndex, ledTerm: 0 };
    this.watched = { node: node.id, incarnation, image, gate: this.durability, ...indexes };
    this.opened = opened;
    this.wrote(emptyRecord());
  }

  /** Starts the driver. */
  start(): void {
    try {
      this.running = new Driver(this.node.setup.settings.options, this.stored, this.makeHost(), this.nowMs);
      this.observe();
    } catch (error) {
      // Before its first turn the driver has read its disk.
      if (this.alive) this.abort(error);
      else this.caught(error);
    }
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
    return this.opened.machine.nextTimerMs?.() ?? null;
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

  /** Takes a frame from a peer; the answer leaves when the gate lets it. */
  receive(bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    this.enter((driver) => {
      const { from, messages } = decodeFrame(bytes);
      this.node.note(() => `from ${from}: ${describeMessages(messages)}`);
      const replies = driver.receive(messages, from, this.nowMs);
      this.catchUp(driver);
      const frame = encodeFrame(this.frame(from, replies));
      this.gate.output(() => {
        this.node.note(() => `answers ${from}: ${describeMessages(replies)}`);
        this.node.setup.checks.left(this.watched, replies);
        answer(frame);
      });
    });
  }

  /** Takes a page of a snapshot from a peer. */
  receivePart(bytes: Uint8Array, answer: (bytes: Uint8Array) => void): void {
    this.enter((driver) => {
      const { part } = decodePart(bytes);
      const answered = driver.receivePart(part, this.nowMs);
      this.catchUp(driver);
      const reply = encodePartAnswer(this.frame(part.message.from, answered.messages), answered);
      this.gate.output(() => {
        this.node.setup.checks.left(this.watched, answered.messages);
        answer(reply);
      });
    });
  }

  /** Asks the driver for something that it promises; what it answers leaves when the gate lets it. */
  ask(request: (driver: Driver) => Promise<Outcome>, answer: (outcome: Outcome, leader: NodeId | null) => void): void {
    this.enter((driver) => {
      this.catchUp(driver);
      request(driver).then(
        (outcome) => this.settled(outcome, answer),
        (error: unknown) => this.caught(error),
      );
    });
  }

  /** Ends the instance. The first `kept` of the transactions that are not durable yet turn out to be. */
  crash(kept: number): void {
    this.alive = false;
    this.durability.close();
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
      const digests = new DigestMachine(inner, digest, {
        applied: (command) => {
          current.applied.push(command);
          this.step("after a command");
        },
        queried: () => this.touchDisk(),
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
      sendPart: (to, part) => this.sendPart(to, part),
      send: (to, messages) => {
        if (!this.detached) this.step("before sending");
        this.transport.send(to, messages);
      },
      arm: (deadlineMs) => this.endTurn(deadlineMs),
      toSystemMs: (timeMs) => this.clock.toSystemMs(timeMs),
      scheduleFlush: () => this.soon((driver) => driver.flush(this.nowMs)),
      configured: () => true,
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
    this.timer.arm(deadlineMs);
    this.observe();
  }

  private observe(): void {
    const { checks, world } = this.node.setup;
    if (this.running !== null) checks.observe(this.watched, this.running.raft, world.nowMs);
  }

  /** Does what the alarm should have done by now, as the object does at every request. */
  private catchUp(driver: Driver): void {
    if (this.nowMs >= driver.raft.deadlineMs) driver.wake(this.nowMs);
  }

  private soon(work: (driver: Driver) => void): void {
    const { world, random } = this.node.setup;
    world.after(random.nodes.between(0, soonMs), () => this.enter(work));
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

  private call(to: NodeId, messages: readonly Message[]): Promise<CallAnswer> {
    return new Promise((resolve) => {
      try {
        if (this.alive) this.begin(to, messages, resolve);
      } catch (error) {
        this.caught(error);
      }
    });
  }

  private begin(to: NodeId, messages: readonly Message[], resolve: (answer: CallAnswer) => void): void {
    const { world, settings, checks } = this.node.setup;
    const frame = encodeFrame(this.frame(to, messages));
    let open = true;
    const settle = (answer: CallAnswer | Uint8Array): void => {
      if (!open || !this.alive) return;
      open = false;
      world.expectPromises();
      resolve(answer instanceof Uint8Array ? { result: "ok", messages: this.decode(answer, to) } : answer);
    };
    world.after(settings.network.callTimeoutMs, () => settle({ result: "timeout", detail: "no answer" }));
    this.gate.output(() => {
      this.node.note(() => `to ${to}: ${describeMessages(messages)}`);
      checks.left(this.watched, messages);
      this.node.call(to, (instance, answer) => instance.receive(frame, answer), settle);
    });
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

  private sendPart(to: NodeId, part: SnapshotPart): void {
    const { world, settings, checks } = this.node.setup;
    this.step("before sending a page");
    const bytes = encodePart(this.frame(to, [part.message]), part);
    let open = true;
    const settle = (answer: CallAnswer | Uint8Array): void => {
      if (!open || !this.alive) return;
      open = false;
      const answered = answer instanceof Uint8Array ? decodePartAnswer(answer).answer : null;
      this.node.note(() => `page ${part.sequence} to ${to}: ${answered?.result ?? "lost"}`);
      this.enter((driver) => driver.partAnswered(part, answered, this.nowMs));
    };
    world.after(settings.network.callTimeoutMs, () => settle({ result: "timeout", detail: "no answer" }));
    this.gate.output(() => {
      this.node.note(() => `page ${part.sequence} of the state at ${part.message.snapshot.index} to ${to}`);
      checks.left(this.watched, [part.message]);
      this.node.call(to, (instance, answer) => instance.receivePart(bytes, answer), settle);
    });
  }

  private decode(bytes: Uint8Array, from: NodeId): readonly Message[] {
    const { messages } = decodeFrame(bytes);
    this.node.note(() => `answer of ${from}: ${describeMessages(messages)}`);
    return messages;
  }

  private frame(to: NodeId, messages: readonly Message[]): Frame {
    const { identity, incarnation } = this.stored;
    const { groupId, storageId, node: from } = identity;
    return { groupId, from, to, storageId, incarnation, toStorageId: "", messages };
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
  private step(what: string): void {
    this.touchDisk();
    if (this.node.takeStep()) throw new SimulatedCrash(what);
  }

  private touchDisk(): void {
    if (this.detached) throw new SimulatedCrash("because its storage is another's");
  }

  private abort(error: unknown): void {
    if (!(error instanceof SimulatedCrash)) this.node.setup.world.fail(error);
    else if (this.detached) this.alive = false;
    else this.node.crash(error.message);
  }

  private caught(error: unknown): void {
    if (!(error instanceof SimulatedCrash)) this.node.setup.world.fail(error);
  }
}
