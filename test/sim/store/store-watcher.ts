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

export class StoreWatcher implements WatchReader {
  readonly id: string;
  private readonly setup: Setup;
  private readonly nodes: readonly SimulatedNode[];
  private readonly record: WatchRecord;
  private readonly slownessMs: number;
  private connection: WatchConnection | null = null;
  /** Counts connections, so that a former one is not taken for the present one. */
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

  take(bytes: Uint8Array | string): void {
    const message = typeof bytes === "string" ? undefined : decodeWatchMessage(bytes);
    demand(message !== undefined, "watches", () => `${this.id} is told what it can't read`);
    const events = message.type === "events" ? message.events.length : 0;
    this.setup.world.note(this.id, `is told of ${message.type} ${message.revision}, ${events} events`);
    this.setup.world.count(`watch ${message.type}`);
    this.record.take(message);
  }

  over(): void {
    this.connect();
  }

  private connect(): void {
    const { world, random, network, settings } = this.setup;
    this.connection?.close();
    this.turn += 1;
    const { turn } = this;
    const node = random.clients.pick(this.nodes);
    const request = this.record.resumption();
    world.note(this.id, `watches on ${node.id} from ${request.startRevision} on`);
    const connection = new WatchConnection(this.setup, node, this, this.slownessMs);
    this.connection = connection;
    const bytes = encodeWatchRequest(request);
    network.travel(
      this.id,
      node.id,
      () => {
        if (this.turn === turn)
          node.deliver(
            (instance) => connection.begin(instance, bytes),
            () => {},
          );
      },
      () => {},
    );
    world.after(random.clients.exponential(patience * settings.options.electionMaxMs), () => {
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
