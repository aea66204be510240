/** A group of nodes with their clients in a simulated world, made from settings alone. */

import type { NodeId } from "../../src/raft/entry.ts";
import { Checks } from "./check/checks.ts";
import type { Caller } from "./caller.ts";
import { Client } from "./client.ts";
import { History } from "./history.ts";
import { Nemesis } from "./nemesis.ts";
import { Network } from "./network.ts";
import { Operator } from "./operator.ts";
import { Random } from "./random.ts";
import type { Settings } from "./settings.ts";
import type { Setup, Tampering } from "./setup.ts";
import { SimulatedNode } from "./simulated-node.ts";
import { keyValueLanguage } from "./store/key-value-store.ts";
import { StoreClient } from "./store/store-client.ts";
import { StoreWatcher } from "./store/store-watcher.ts";
import { StoreHistory } from "./store/store-history.ts";
import { registerLanguage } from "./store/register-store.ts";
import type { Trace } from "./trace.ts";
import { World } from "./world.ts";

export interface SimulationOptions {
  readonly trace?: Trace;
  readonly tampering?: Tampering;
}

export class Simulation {
  readonly setup: Setup;
  readonly nodes: ReadonlyMap<NodeId, SimulatedNode>;
  readonly clients: readonly Caller[];
  readonly watchers: readonly StoreWatcher[];
  readonly history = new History();
  readonly storeHistory = new StoreHistory();
  readonly nemesis: Nemesis;
  readonly operator: Operator;

  constructor(settings: Settings, { trace, tampering = {} }: SimulationOptions = {}) {
    const { seed } = settings;
    const world = new World(trace ?? null);
    const random = {
      nodes: new Random(seed, "nodes"),
      network: new Random(seed, "network"),
      disks: new Random(seed, "disks"),
      alarms: new Random(seed, "alarms"),
      gates: new Random(seed, "gates"),
      clients: new Random(seed, "clients"),
      faults: new Random(seed, "faults"),
    };
    const language = settings.storage === "memory" ? registerLanguage : keyValueLanguage;
    const network = new Network(world, random.network, settings.network);
    const checks = new Checks(settings, language);
    this.setup = { settings, tampering, world, random, network, checks, language };
    const nodes = new Map<NodeId, SimulatedNode>();
    const ids = [...settings.voters, ...settings.learners];
    for (const id of ids) nodes.set(id, new SimulatedNode(id, this.setup, nodes));
    this.nodes = nodes;
    const all = [...nodes.values()];
    const names = Array.from({ length: settings.clients.count }, (_, position) => `c${position + 1}`);
    this.clients = names.map((name) =>
      settings.store === null
        ? new Client(name, this.setup, all, this.history)
        : new StoreClient(name, this.setup, all, this.history, this.storeHistory),
    );
    const watchers = Array.from({ length: settings.store?.watchers ?? 0 }, (_, position) => `w${position + 1}`);
    this.watchers = watchers.map((name) => new StoreWatcher(name, this.setup, all));
    this.operator = new Operator(this.setup, all);
    this.nemesis = new Nemesis(this.setup, all, [...names, ...watchers], this.operator);
  }

  get world(): World {
    return this.setup.world;
  }

  /** Wakes all nodes, as the first request to a new group does, and lets clients and faults begin. */
  start(): void {
    const { world, random } = this.setup;
    for (const node of this.nodes.values()) {
      world.after(random.nodes.between(0, 10), () =>
        node.deliver(
          () => {},
          () => {},
        ),
      );
    }
    for (const client of [...this.clients, ...this.watchers]) client.start();
    this.nemesis.start();
    const { weights } = this.setup.settings.faults;
    if (weights.removal + weights.wipe > 0) this.operator.start();
  }

  async runFor(durationMs: number): Promise<void> {
    await this.world.run(this.world.nowMs + durationMs);
  }

  /** Lets time pass until something holds, but not longer than `withinMs`. Answers whether it holds. */
  until(condition: () => boolean, withinMs: number): Promise<boolean> {
    return this.world.run(this.world.nowMs + withinMs, condition);
  }

  node(id: NodeId): SimulatedNode {
    const node = this.nodes.get(id);
    if (node === undefined) throw new Error(`no node ${id}`);
    return node;
  }

  /** The running node that leads in the newest term; null when none does. */
  leader(): SimulatedNode | null {
    const leaders = [...this.nodes.values()].filter(({ instance }) => instance?.driver?.raft.role === "leader");
    const termOf = (node: SimulatedNode): number => node.instance?.driver?.raft.term ?? 0;
    return leaders.sort((one, other) => termOf(other) - termOf(one))[0] ?? null;
  }

  close(): void {
    for (const node of this.nodes.values()) node.engine.close();
  }
}
