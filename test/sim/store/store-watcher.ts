/** Somebody who watches keys: on any node, and on another one when that is gone. */

import type { WatchRequest } from "../../../src/kv/model.ts";
import { decodeWatchMessage, encodeWatchRequest } from "../../../src/kv/watch-codec.ts";
import { watchOf } from "../../kv/store/requests.ts";
import { demand } from "../check/violation.ts";
import { WatchRecord } from "../check/watch-record.ts";
import type { Random } from "../random.ts";
import type { Setup } from "../setup.ts";
import type { SimulatedNode } from "../simulated-node.ts";
import { WatchConnection, type WatchReader } from "./watch-connection.ts";

/** After how many election timeouts, on the average, it goes to another node without need. */
const patience = 12;
/** After how many election timeouts of silence it does so in the end. */
const finalPatience = 8;

export class StoreWatcher implements WatchReader {
  readonly id: string;
  private readonly setup: Setup;
  private readonly nodes: readonly SimulatedNode[];
  private readonly record: WatchRecord;
  private slownessMs: number;
  private connection: WatchConnection | null = null;
  private isSettled = false;
  private lastTried = 0;
  /** Counts what it has waited for, so that it waits for the last of it alone. */
  private turn = 0;

  constructor(id: string, setup: Setup, nodes: readonly SimulatedNode[]) {
    const { checks, random, settings } = setup;
    if (checks.store === null) throw new Error("there is nothing to watch");
    this.id = id;
    this.setup = setup;
    this.nodes = nodes;
    this.record = new WatchRecord(id, drawRequest(random.clients), checks.store);
    this.slownessMs = random.clients.pick([0, 0, settings.options.electionMaxMs / 5]);
  }

  start(): void {
    this.connect();
  }

  get isComplete(): boolean {
    return this.record.isComplete;
  }

  /** From now on it reads fast, and stays where it is told something. */
  settleDown(): void {
    this.isSettled = true;
    this.slownessMs = 0;
    this.connect();
  }

  take(bytes: Uint8Array | string): void {
    const message = typeof bytes === "string" ? undefined : decodeWatchMessage(bytes);
    demand(message !== undefined, "watches", () => `${this.id} is told what it can't read`);
    const events = message.type === "events" ? message.events.length : 0;
    this.setup.world.note(this.id, `is told of ${message.type} ${message.revision}, ${events} events`);
    this.setup.world.count(`watch ${message.type}`);
    this.record.take(message);
    if (this.isSettled) this.moveOnAfter(finalPatience);
  }

  over(): void {
    this.connect();
  }

  /** In the end one after the other: chance alone might choose those that are gone for ever. */
  private chooseNode(): SimulatedNode {
    const { clients } = this.setup.random;
    this.lastTried = this.isSettled ? (this.lastTried + 1) % this.nodes.length : clients.below(this.nodes.length);
    return this.nodes[this.lastTried] ?? clients.pick(this.nodes);
  }

  private connect(): void {
    const { world, random, network } = this.setup;
    this.connection?.close();
    const node = this.chooseNode();
    const request = this.record.resumption();
    world.note(this.id, `watches on ${node.id} from ${request.startRevision} on`);
    const connection = new WatchConnection(this.setup, node, this, this.slownessMs);
    this.connection = connection;
    const bytes = encodeWatchRequest(request);
    network.travel(
      this.id,
      node.id,
      () => {
        if (this.connection !== connection) return;
        node.deliver(
          (instance) => connection.begin(instance, bytes),
          () => {},
        );
      },
      () => {},
    );
    this.moveOnAfter(this.isSettled ? finalPatience : random.clients.exponential(patience));
  }

  private moveOnAfter(timeouts: number): void {
    this.turn += 1;
    const { turn } = this;
    const { world, settings } = this.setup;
    world.after(timeouts * settings.options.electionMaxMs, () => {
      if (this.turn === turn) this.connect();
    });
  }
}

function drawRequest(random: Random): WatchRequest {
  const [key, end] = random.pick([
    ["a", "c"],
    ["a", "c"],
    ["b", "c"],
    ["a1", null],
    ["b/0", null],
  ] as const);
  return watchOf(key, end, {
    startRevision: random.pick([0, 1, 2, 5]),
    withPrevious: random.chance(0.3),
    noPut: random.chance(0.1),
    noDelete: random.chance(0.1),
    progressMs: random.pick([0, 1000]),
    fragment: random.chance(0.5),
  });
}
