/** A whole group in memory: its clock moves only when told, and each of its messages can be held, lost, repeated or reordered. */

import assert from "node:assert/strict";
import { members, type Configuration } from "../../src/raft/configuration.ts";
import type { Entry, HardState, NodeId } from "../../src/raft/entry.ts";
import type { Proposal } from "../../src/raft/leader.ts";
import type { Message } from "../../src/raft/message.ts";
import type { RaftOptions } from "../../src/raft/options.ts";
import { textOf } from "./build.ts";
import { group, names } from "./disk.ts";
import { type NodeSettings, TestNode } from "./test-node.ts";
import { Witness } from "./witness.ts";

export interface ClusterSettings {
  readonly voters?: number;
  readonly learners?: number;
  /** Nodes `s1` and on that are no members yet: all they know is the configuration with which the group began. */
  readonly spares?: number;
  readonly options?: Partial<RaftOptions>;
  /** Options of single nodes. */
  readonly optionsOf?: Readonly<Record<NodeId, Partial<RaftOptions>>>;
  /** What nodes start with. */
  readonly logs?: Readonly<Record<NodeId, readonly Entry[]>>;
  readonly hardStates?: Readonly<Record<NodeId, HardState>>;
  readonly seed?: number;
  /** Where in its range each timeout lies, from 0 to 1; drawn by the seed when not given. */
  readonly random?: () => number;
  /** Whether commands like `timer 5000` set timers, each of which rings at that cluster time. */
  readonly timers?: boolean;
}

export class Cluster {
  readonly configuration: Configuration;
  readonly nodes: ReadonlyMap<NodeId, TestNode>;
  readonly witness = new Witness();
  /** What is on its way, in the order in which it was sent. */
  network: Message[] = [];
  /** Every message that was sent, lost or not. */
  readonly history: Message[] = [];
  /** What gets lost as soon as it is sent. */
  lose: (message: Message) => boolean = () => false;
  nowMs = 0;
  readonly random: () => number;
  private readonly cuts = new Set<string>();
  /** How the sending of snapshots has ended, which a host tells its node. */
  private reports: { readonly from: NodeId; readonly to: NodeId; readonly delivered: boolean }[] = [];
  private contexts = 0;

  constructor(settings: ClusterSettings = {}) {
    const { voters = 3, learners = 0, spares = 0, options = {}, optionsOf = {}, logs = {}, hardStates = {} } = settings;
    this.configuration = group(voters, learners);
    this.random = settings.random ?? randomOf(settings.seed ?? 1);
    this.nodes = new Map(
      [...members(this.configuration), ...names("s", spares)].map((id) => {
        const own: NodeSettings = {
          id,
          configuration: this.configuration,
          options: { ...options, ...optionsOf[id] },
          random: this.random,
          timers: settings.timers ?? false,
          ...(logs[id] === undefined ? {} : { log: logs[id] }),
          ...(hardStates[id] === undefined ? {} : { hardState: hardStates[id] }),
        };
        return [id, this.connect(new TestNode(own))];
      }),
    );
  }

  node(id: NodeId): TestNode {
    const found = this.nodes.get(id);
    if (found === undefined) throw new Error(`no node ${id}`);
    return found;
  }

  /** The leader of the highest term that any running node leads. */
  get leader(): TestNode {
    const leaders = this.running.filter(({ raft }) => raft.role === "leader");
    const newest = leaders.sort((left, right) => right.raft.term - left.raft.term)[0];
    if (newest === undefined) throw new Error("nobody leads");
    return newest;
  }

  get running(): TestNode[] {
    return [...this.nodes.values()].filter(({ down }) => !down);
  }

  /** Lets one node act, and checks every promise after it. */
  act<T>(id: NodeId, action: (node: TestNode) => T): T {
    const node = this.node(id);
    node.nowMs = this.nowMs;
    const result = action(node);
    this.witness.looks(node);
    return result;
  }

  propose(id: NodeId, ...texts: readonly string[]): Proposal[] {
    return this.act(id, (node) => node.propose(...texts));
  }

  /** Asks a node for a read; its context is answered. */
  read(id: NodeId): number {
    const context = (this.contexts += 1);
    this.witness.readBegins(context);
    this.act(id, (node) => node.readIndex(context));
    return context;
  }

  tick(id: NodeId): void {
    this.act(id, (node) => node.tick());
  }

  /** Lets so much time pass that nobody sticks to a leader, has a node campaign, and delivers everything. */
  elect(id: NodeId): void {
    this.nowMs += this.node(id).options.electionMaxMs;
    this.deliver();
    // The first time it may only learn of a later term.
    for (let attempt = 0; attempt < 2 && this.node(id).raft.role !== "leader"; attempt += 1) {
      this.campaign(id);
      this.deliver();
    }
    assert.equal(this.node(id).raft.role, "leader", `${id} was not elected`);
  }

  campaign(id: NodeId): void {
    this.act(id, (node) => node.turn(() => node.raft.campaign(this.nowMs)));
  }

  /** Delivers in order until nothing is on its way. */
  deliver(): void {
    for (let count = 0; this.network.length + this.reports.length > 0; count += 1) {
      assert.ok(count < 100_000, "messages without end");
      this.deliverAt(0);
    }
  }

  deliverAt(position: number): void {
    const [message] = this.network.splice(position, 1);
    if (message !== undefined) {
      const arrives = !this.isCut(message) && !this.node(message.to).down;
      if (arrives) this.act(message.to, (node) => node.receive(message));
      this.ended(message, arrives);
    }
    const { reports } = this;
    this.reports = [];
    for (const { from, to, delivered } of reports) {
      if (this.node(from).down) continue;
      this.act(from, (node) => node.turn(() => node.raft.reportSnapshot(to, delivered)));
    }
  }

  /** Loses a message. */
  dropAt(position: number): void {
    const [message] = this.network.splice(position, 1);
    if (message !== undefined) this.ended(message, false);
  }

  /** Takes messages off the network, to be put back or not. */
  hold(which: (message: Message) => boolean): Message[] {
    const held = this.network.filter(which);
    this.network = this.network.filter((message) => !which(message));
    return held;
  }

  put(...messages: readonly Message[]): void {
    this.network.push(...messages);
  }

  /** Lets time pass, delivers at once and ticks every node at its deadlines. */
  run(ms: number): void {
    const endMs = this.nowMs + ms;
    this.deliver();
    for (let count = 0; ; count += 1) {
      assert.ok(count < 100_000, "deadlines without end");
      const nextMs = Math.min(...this.running.map(({ raft }) => raft.deadlineMs));
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      for (const { id, raft } of this.running) if (raft.deadlineMs <= this.nowMs) this.tick(id);
      this.deliver();
    }
    this.nowMs = endMs;
  }

  /** Cuts one direction of a line. */
  cut(from: NodeId, to: NodeId): void {
    this.cuts.add(`${from}>${to}`);
  }

  /** Cuts all lines between these nodes and the others. */
  partition(...ids: readonly NodeId[]): void {
    for (const inside of ids) {
      for (const outside of this.nodes.keys()) {
        if (ids.includes(outside)) continue;
        this.cut(inside, outside);
        this.cut(outside, inside);
      }
    }
  }

  heal(): void {
    this.cuts.clear();
    this.lose = () => false;
  }

  crash(...ids: readonly NodeId[]): void {
    for (const id of ids) this.node(id).crash();
  }

  /** Takes nodes out of memory: the next event finds them as their disks know them. */
  evict(...ids: readonly NodeId[]): void {
    this.crash(...ids);
    this.restart(...ids);
  }

  restart(...ids: readonly NodeId[]): void {
    for (const id of ids) this.act(id, (node) => node.restart());
  }

  /** The commands that a node has applied. */
  applied(id: NodeId): string[] {
    return this.node(id)
      .disk.applied.filter(({ kind }) => kind === "command")
      .map(textOf);
  }

  /** Heals everything and expects that the group soon works as one again. */
  recovers(): void {
    this.heal();
    this.restart(...[...this.nodes.values()].filter(({ down }) => down).map(({ id }) => id));
    this.run(1_000);
    this.wake();
    this.propose(this.leader.id, "at last");
    this.deliver();
    const { disk: expected, raft } = this.leader;
    for (const id of members(raft.configuration)) {
      const { disk } = this.node(id);
      assert.deepEqual(disk.applied, expected.applied);
      assert.deepEqual(disk.wholeLog, disk.applied);
      assert.deepEqual(disk.configuration, expected.configuration);
    }
    assert.equal(this.applied(this.leader.id).at(-1), "at last");
  }

  /** Somebody asks for something in a group that may be at rest without a leader. */
  private wake(): void {
    for (const { id } of this.running) {
      if (this.running.some(({ raft }) => raft.role === "leader")) return;
      this.act(id, (node) => node.turn(() => node.raft.wake(node.raft.leader, this.nowMs)));
      this.run(1_000);
    }
  }

  private connect(node: TestNode): TestNode {
    node.send = (message) => {
      this.witness.leaves(message);
      this.history.push(message);
      if (this.lose(message)) this.ended(message, false);
      else this.network.push(message);
    };
    return node;
  }

  private ended({ type, from, to }: Message, delivered: boolean): void {
    if (type === "installSnapshot") this.reports.push({ from, to, delivered });
  }

  private isCut({ from, to }: Message): boolean {
    return this.cuts.has(`${from}>${to}`);
  }
}

/** Evenly distributed numbers from 0 to 1 that a seed determines. */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    // One step of a linear congruential generator, and a mix of its bits.
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const mixed = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) >>> 0;
    return ((mixed ^ (mixed >>> 12)) >>> 0) / 2 ** 32;
  };
}
