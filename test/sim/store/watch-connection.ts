/** The connection of a watcher to a node: messages arrive in their order, until it breaks. */

import type { Outlet } from "../../../src/node/subscriptions.ts";
import type { Instance } from "../instance.ts";
import type { Setup } from "../setup.ts";
import type { SimulatedNode } from "../simulated-node.ts";

export interface WatchReader {
  readonly id: string;
  take(message: Uint8Array | string): void;
  /** The connection has ended. */
  over(): void;
}

/** How often a node with open streams looks at the time. */
const lookMs = 1000;
/** What is sent later arrives later. */
const leastGapMs = 0.001;

export class WatchConnection {
  private readonly setup: Setup;
  private readonly node: SimulatedNode;
  private readonly reader: WatchReader;
  private readonly slownessMs: number;
  private pendingBytes = 0;
  /** How to go on, as it was when something was last said. */
  private kept: Uint8Array | null = null;
  private instance: Instance | null = null;
  private leave: (() => void) | null = null;
  private isOpen = true;
  private arrivedAtMs = 0;

  /** @param slownessMs how long the reader takes for a message, on the average */
  constructor(setup: Setup, node: SimulatedNode, reader: WatchReader, slownessMs: number) {
    this.setup = setup;
    this.node = node;
    this.reader = reader;
    this.slownessMs = slownessMs;
  }

  /** An instance of the node serves it. */
  begin(instance: Instance, request: Uint8Array): void {
    if (!this.isOpen) return;
    this.instance = instance;
    this.node.connections.add(this);
    const hasBegun = instance.enter((driver) => {
      if (instance.mayServe() !== null) this.lost();
      else this.leave = driver.subscribe(request, this.outletOf(instance), instance.nowMs);
    });
    if (hasBegun) this.look(instance);
    else this.lost();
  }

  /** Another instance of the node serves it, which knows of it what was kept. */
  resume(instance: Instance): void {
    this.setup.world.count("watch resumed");
    if (this.kept === null) this.lost();
    else this.begin(instance, this.kept);
  }

  /** The reader goes away. */
  close(): void {
    this.isOpen = false;
    this.node.connections.delete(this);
    const { leave } = this;
    this.instance?.enter(() => leave?.());
  }

  /** It is broken, which both sides notice some time. */
  lost(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.node.connections.delete(this);
    const { world, random, settings } = this.setup;
    world.after(random.clients.exponential(settings.options.electionMaxMs), () => {
      this.close();
      this.reader.over();
    });
  }

  private outletOf(instance: Instance): Outlet {
    const pendingBytes = (): number => this.pendingBytes;
    return {
      get pendingBytes() {
        return pendingBytes();
      },
      write: (message) => this.say(instance, message),
      end: () => instance.gate.output(() => this.arrive(() => this.reader.over())),
      breakOff: () => this.lost(),
      keep: (resumption) => {
        this.kept = resumption.slice();
      },
    };
  }

  private say(instance: Instance, message: Uint8Array | string): void {
    const said = typeof message === "string" ? message : message.slice();
    this.pendingBytes += said.length;
    instance.gate.output(() => {
      this.arrive(() => {
        this.pendingBytes -= said.length;
        this.reader.take(said);
      });
    });
  }

  /** Lets something arrive behind everything before it, or breaks with it. */
  private arrive(what: () => void): void {
    const { world, network, random, settings } = this.setup;
    const line = network.line(this.node.id, this.reader.id);
    if (line.blocked || random.clients.chance(line.lossRate)) {
      this.lost();
      return;
    }
    const { latencyMs, jitterMs } = settings.network;
    const delayMs = latencyMs + random.clients.exponential(jitterMs + this.slownessMs);
    this.arrivedAtMs = Math.max(this.arrivedAtMs + leastGapMs, world.nowMs + delayMs);
    world.at(this.arrivedAtMs, () => {
      if (this.isOpen) what();
    });
  }

  private look(instance: Instance): void {
    this.setup.world.after(lookMs, () => {
      const isServing = this.isOpen && this.instance === instance;
      if (isServing && instance.enter((driver) => driver.lookAtTime(instance.nowMs))) this.look(instance);
    });
  }
}
