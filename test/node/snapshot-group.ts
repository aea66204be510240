/** A group of drivers on disks of their own, joined by a network that does as it is told. */

import { Driver, type DriverHost } from "../../src/node/driver.ts";
import type { PartAnswer, SnapshotPart } from "../../src/node/snapshot-part.ts";
import type { SnapshotLimits } from "../../src/node/snapshots.ts";
import { SqlSnapshots } from "../../src/node/sql-snapshots.ts";
import { SqlStorage } from "../../src/node/sql-storage.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import { defaultOptions } from "../../src/raft/options.ts";
import { NodeSql } from "../support/node-sql.ts";
import { encode, WordList } from "./word-list.ts";

export const limits: SnapshotLimits = {
  keepEntries: 5,
  keepBytes: 100_000,
  maxEntries: 50,
  maxBytes: 1_000_000,
  maxPageBytes: 100,
  cutIdleMs: 2000,
};
const timing = { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 };

/** Something that travels. */
export type Event =
  | { readonly type: "messages"; readonly to: NodeId; readonly messages: readonly Message[] }
  | { readonly type: "part"; readonly from: NodeId; readonly to: NodeId; readonly part: SnapshotPart }
  | { readonly type: "answer"; readonly to: NodeId; readonly part: SnapshotPart; readonly answer: PartAnswer };

/** What becomes of an event: it arrives, unless said otherwise. A lost part or answer is noticed by its sender. */
export type Fate = "lost" | "twice" | undefined;

/** A node of the group, over all its starts. */
export class Member {
  readonly id: NodeId;
  readonly sql: NodeSql;
  driver: Driver | null = null;
  deadlineMs = Number.POSITIVE_INFINITY;
  readonly installed: number[] = [];
  readonly sent: boolean[] = [];
  compacted = 0;
  private readonly group: SnapshotGroup;

  constructor(id: NodeId, group: SnapshotGroup) {
    this.id = id;
    this.group = group;
    this.sql = new NodeSql();
    const configuration = simpleConfiguration(group.ids);
    this.storage().create({ group: "g", node: id, groupId: "f00d", storageId: id }, configuration);
  }

  get running(): Driver {
    if (this.driver === null) throw new Error(`${this.id} does not run`);
    return this.driver;
  }

  start(): void {
    const storage = this.storage();
    const stored = storage.open();
    if (stored === null) throw new Error("nothing is stored");
    const options = { ...defaultOptions, ...timing };
    this.driver = new Driver(options, stored, this.host(storage), this.group.nowMs);
  }

  crash(): void {
    this.driver = null;
  }

  words(): string {
    return new WordList(this.sql).words().join(" ");
  }

  private storage(): SqlStorage {
    return new SqlStorage(this.sql, (work) => this.sql.transaction(work));
  }

  private host(storage: SqlStorage): DriverHost {
    return {
      storage,
      snapshots: new SqlSnapshots(this.sql),
      limits: this.group.limits,
      machine: new WordList(this.sql),
      toSystemMs: (timeMs) => timeMs,
      configured: () => true,
      renewMachine: () => new WordList(this.sql),
      send: (to, messages) => this.group.put({ type: "messages", to, messages }),
      sendPart: (to, part) => this.group.put({ type: "part", from: this.id, to, part }),
      arm: (deadlineMs) => void (this.deadlineMs = deadlineMs),
      scheduleFlush: () => {},
      abort: (error) => {
        throw error;
      },
      random: () => this.group.random(),
      observer: {
        roleChanged: () => {},
        saved: () => {},
        applied: () => {},
        committed: () => {},
        compacted: (count) => void (this.compacted += count),
        snapshotSent: (_, delivered) => void this.sent.push(delivered),
        snapshotInstalled: (index) => void this.installed.push(index),
      },
    };
  }
}

export class SnapshotGroup {
  readonly ids: readonly NodeId[];
  readonly limits: SnapshotLimits;
  readonly members: ReadonlyMap<NodeId, Member>;
  nowMs = 1000;
  /** Decides what becomes of each event. */
  fate: (event: Event) => Fate = () => undefined;
  /** Every part that arrived, in order. */
  readonly arrived: SnapshotPart[] = [];
  private readonly queue: Event[] = [];
  private seed = 1;

  constructor(ids: readonly NodeId[] = ["n1", "n2", "n3"], more: Partial<SnapshotLimits> = {}) {
    this.ids = ids;
    this.limits = { ...limits, ...more };
    this.members = new Map(ids.map((id) => [id, new Member(id, this)]));
    for (const member of this.members.values()) member.start();
  }

  node(id: NodeId): Member {
    const member = this.members.get(id);
    if (member === undefined) throw new Error(`no node ${id}`);
    return member;
  }

  random(): number {
    // Lehmer's generator: the same numbers in every run.
    this.seed = (this.seed * 48_271) % 0x7fff_ffff;
    return this.seed / 0x7fff_ffff;
  }

  put(event: Event): void {
    this.queue.push(event);
  }

  /** Lets everything arrive that is on its way, and all that follows from it. */
  deliver(): void {
    for (let event = this.queue.shift(); event !== undefined; event = this.queue.shift()) {
      const fate = this.fate(event);
      if (fate === "twice") this.arrive(event);
      if (fate === "lost") this.lose(event);
      else this.arrive(event);
    }
  }

  /** Lets time pass, in which alarms fire and all messages arrive. */
  pass(ms: number): void {
    for (const endMs = this.nowMs + ms; this.nowMs < endMs; this.nowMs += 5) {
      for (const { driver, deadlineMs } of this.members.values()) {
        if (deadlineMs <= this.nowMs) driver?.wake(this.nowMs);
      }
      this.deliver();
    }
  }

  /** Makes a node the leader. */
  elect(id: NodeId): void {
    const { raft } = this.node(id).running;
    for (let attempt = 0; attempt < 10 && raft.role !== "leader"; attempt += 1) {
      raft.campaign(this.nowMs, true);
      this.node(id).running.flush(this.nowMs);
      this.deliver();
    }
    if (raft.role !== "leader") throw new Error(`${id} does not lead`);
  }

  /** The leader writes words, each in a batch of its own, and all who can hear it take them. */
  write(id: NodeId, ...texts: readonly string[]): void {
    for (const text of texts) {
      void this.node(id).running.propose(encode(text), this.nowMs + 60_000, this.nowMs);
      this.deliver();
    }
  }

  private arrive(event: Event): void {
    const { driver } = this.node(event.to);
    if (driver === null) return this.lose(event);
    if (event.type === "messages") {
      driver.receive(event.messages, null, this.nowMs);
    } else if (event.type === "part") {
      this.arrived.push(event.part);
      const answer = driver.receivePart(event.part, this.nowMs);
      this.put({ type: "answer", to: event.from, part: event.part, answer });
    } else {
      driver.partAnswered(event.part, event.answer, this.nowMs);
    }
  }

  /** Whoever has made a call hears that it has failed. */
  private lose(event: Event): void {
    if (event.type === "messages") return;
    const caller = this.node(event.type === "part" ? event.from : event.to);
    caller.driver?.partAnswered(event.part, null, this.nowMs);
  }
}

/** `prefix1` to `prefix<count>`. */
export function words(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, position) => `${prefix}${position + 1}`);
}
