/** Concurrent clients over HTTP that share one list of work, and try again as a careful client would. */

import { setTimeout as sleep } from "node:timers/promises";
import { Client } from "undici";
import type { Pair } from "./data-set.ts";

export interface Acknowledgement {
  readonly pair: Pair;
  /** The revision that the answer gave the key. */
  readonly revision: number;
  /** When the answer came, on `performance`'s clock. */
  readonly atMs: number;
  /** How often it was sent before it was answered with success. */
  readonly attempts: number;
}

/** How long one request may take with all its attempts. */
const patienceMs = 30_000;
const pauseMs = 20;

/** Runs `work` on every item, `concurrency` of them at a time, each by a client with one connection. */
export async function withClients<Item>(
  origin: string,
  concurrency: number,
  items: readonly Item[],
  work: (client: Client, item: Item) => Promise<void>,
): Promise<void> {
  const queue = items.values();
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      const client = new Client(origin);
      for (const item of queue) await work(client, item);
      await client.close();
    }),
  );
}

/** Writes until it is acknowledged. Throws when it is refused for good, or not acknowledged in time. */
export async function put(client: Client, pair: Pair): Promise<Acknowledgement> {
  const headers = { "content-type": "application/json", "idempotency-key": `smoke ${pair.key}` };
  const deadlineMs = performance.now() + patienceMs;
  for (let attempts = 1; ; attempts += 1) {
    const answer = await attempt(client, pair, headers);
    if (answer.revision !== undefined) {
      return { pair, revision: answer.revision, atMs: performance.now(), attempts };
    }
    if (performance.now() > deadlineMs) throw new Error(`PUT ${pair.key} was not acknowledged: ${answer.reason}`);
    await sleep(pauseMs);
  }
}

/** One attempt. A missing revision means that another one may follow. */
async function attempt(
  client: Client,
  { path, value }: Pair,
  headers: Readonly<Record<string, string>>,
): Promise<{ readonly revision?: number; readonly reason: string }> {
  try {
    const { statusCode, headers: answered, body } = await client.request({ method: "PUT", path, headers, body: value });
    const text = await body.text();
    if (statusCode === 200 || statusCode === 201) return { revision: parseEntityTag(answered["etag"]), reason: text };
    if (statusCode === 429 || statusCode === 503) return { reason: text };
    throw new RefusedError(`PUT ${path} was answered with ${statusCode}: ${text}`);
  } catch (error) {
    if (error instanceof RefusedError) throw error;
    return { reason: String(error) };
  }
}

/** The value and its revision, read linearizably. */
export async function get(
  client: Client,
  { path }: Pair,
): Promise<{ readonly value: string; readonly revision: number }> {
  const { statusCode, headers, body } = await client.request({ method: "GET", path });
  const value = await body.text();
  if (statusCode !== 200) return { value: `${statusCode} ${value}`, revision: Number.NaN };
  return { value, revision: parseEntityTag(headers["etag"]) };
}

class RefusedError extends Error {}

function parseEntityTag(header: string | string[] | undefined): number {
  return Number(/^"(\d+)"$/.exec(String(header))?.[1]);
}
