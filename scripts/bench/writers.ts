/** Writes of distinct keys, as many as there are, or for as long as somebody wants. */

import { Client } from "undici";
import { type Operation, send } from "./load.ts";

/** Writes the keys `0` to `count - 1`, and tells how far it is. */
export async function writeKeys(
  origin: string,
  prefix: string,
  count: number,
  valueBytes: number,
  connections: number,
  tell: (written: number) => void,
): Promise<void> {
  const operation: Operation = { name: "load", method: "PUT", body: new Uint8Array(valueBytes).fill(97) };
  let next = 0;
  await overConnections(origin, connections, async (client) => {
    while (next < count) {
      const number = next++;
      for (let attempts = 0; !(await send(client, operation, pathOf(prefix, number))); attempts += 1) {
        if (attempts === 50) throw new Error(`the write of ${prefix}/${number} failed again and again`);
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
      if (number % 1000 === 0) tell(number);
    }
  });
}

/** Overwrites keys of a prefix at random until it is stopped, and counts. */
export class SteadyWriters {
  /** When each write was answered with success, in milliseconds of `performance.now()`. */
  private readonly times: number[] = [];
  private stopped = false;
  private readonly done: Promise<void>;

  constructor(origin: string, prefix: string, count: number, valueBytes: number, connections: number) {
    const operation: Operation = { name: "write", method: "PUT", body: new Uint8Array(valueBytes).fill(98) };
    this.done = overConnections(origin, connections, async (client) => {
      while (!this.stopped) {
        const number = Math.floor(Math.random() * count);
        if (await send(client, operation, pathOf(prefix, number))) this.times.push(performance.now());
      }
    });
  }

  /** Writes per second between two moments. */
  rate(fromMs: number, toMs: number): number {
    return (this.times.filter((at) => at >= fromMs && at < toMs).length / (toMs - fromMs)) * 1000;
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.done;
  }
}

function pathOf(prefix: string, number: number): string {
  // Keys in no order, as most keys are.
  return `/v1/kv/${prefix}/${((number * 2_654_435_761) % 0x1_0000_0000).toString(16).padStart(8, "0")}`;
}

async function overConnections(origin: string, count: number, work: (client: Client) => Promise<void>): Promise<void> {
  const clients = Array.from({ length: count }, () => new Client(origin, { pipelining: 1 }));
  await Promise.all(clients.map(work));
  await Promise.all(clients.map((client) => client.close()));
}
