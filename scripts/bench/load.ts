/** The load: a number of connections, each of which sends its next request when the last one is answered. */

import { Client } from "undici";
import type { Dispatcher } from "undici";

export interface Operation {
  readonly name: string;
  readonly method: "PUT" | "GET";
  readonly body: Uint8Array | null;
}

export interface Sample {
  /** How long each request took that was answered with success. */
  readonly latenciesMs: number[];
  readonly failures: number;
  readonly durationMs: number;
  /** How much of one core the load generator itself took, from 0 to 1. */
  readonly generatorLoad: number;
}

/** Requests go to this many keys, in turn. */
export const keyCount = 1000;

export function keyPath(number: number): string {
  return `/v1/kv/bench/${number % keyCount}`;
}

export async function runLoad(
  origin: string,
  operation: Operation,
  connections: number,
  durationMs: number,
): Promise<Sample> {
  const clients = Array.from({ length: connections }, () => new Client(origin, { pipelining: 1 }));
  const latenciesMs: number[] = [];
  let [failures, next] = [0, 0];
  const before = process.cpuUsage();
  const start = performance.now();
  const work = async (client: Client): Promise<void> => {
    while (performance.now() - start < durationMs) {
      const sent = performance.now();
      const succeeded = await send(client, operation, keyPath(next++));
      if (succeeded) latenciesMs.push(performance.now() - sent);
      else failures += 1;
    }
  };
  await Promise.all(clients.map(work));
  const elapsedMs = performance.now() - start;
  const { user, system } = process.cpuUsage(before);
  await Promise.all(clients.map((client) => client.close()));
  return { latenciesMs, failures, durationMs: elapsedMs, generatorLoad: (user + system) / 1000 / elapsedMs };
}

/** Sends one request and reads its answer in full; true for an answer of success. Undici's lowest level costs least. */
export function send(client: Client, { method, body }: Operation, path: string): Promise<boolean> {
  return new Promise((resolve) => {
    let succeeded = false;
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {},
      onResponseStart: (_, status) => {
        succeeded = status >= 200 && status < 300;
      },
      onResponseData: () => {},
      onResponseEnd: () => resolve(succeeded),
      onResponseError: () => resolve(false),
    };
    client.dispatch({ path, method, body }, handler);
  });
}
