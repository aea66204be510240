/** Clients that take locks or wait for them, hold them for a moment, and give them up or let their time run out. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Operation } from "../../test/linearizability/history.ts";
import type { LockAnswer, LockCall } from "../../test/linearizability/lock-model.ts";
import type { Random } from "../../test/sim/random.ts";
import { clusterTimeoutMs } from "./face.ts";
import { send } from "./http.ts";

export type LockOperation = Operation<LockCall, LockAnswer>;

export const locks: readonly string[] = ["north", "south"];
/** The shortest that a lock can be held without being renewed. */
const ttlMs = 1000;
/** Some ask for a lock that is held, others wait for their turn. */
const waitMs = 1000;
/** Leases are measured by the nodes' clocks, and the moment of the request by this process's own. */
const clockGrainMs = 5;

export class LockClient {
  readonly operations: LockOperation[] = [];
  private readonly id: string;
  private readonly random: Random;
  private readonly urls: () => readonly string[];
  private attempts = 0;
  private stopped = false;
  private hushed = false;

  constructor(id: string, random: Random, urls: () => readonly string[]) {
    this.id = id;
    this.random = random;
    this.urls = urls;
  }

  async run(): Promise<void> {
    while (!this.stopped) {
      if (!this.hushed) await this.act(this.random.pick(locks));
      await sleep(this.random.between(50, 400));
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** Has it ask for nothing, or go on. */
  hush(isQuiet: boolean): void {
    this.hushed = isQuiet;
  }

  private async act(lock: string): Promise<void> {
    this.attempts += 1;
    // Each attempt stands for an owner of its own: one of which nobody heard may hold the lock beside a later one.
    const owner = `${this.id}.${this.attempts}`;
    const invokedAtMs = performance.now();
    const url = `${this.random.pick(this.urls())}/v1/locks/${lock}`;
    const wait = this.random.chance(0.5) ? `&wait=${waitMs}ms` : "";
    const answer = await send("POST", `${url}?ttl=${ttlMs}ms&timeout=${clusterTimeoutMs}ms${wait}`);
    const token = typeof answer === "object" && answer.status === 201 ? tokenIn(answer.text) : null;
    // That others have it is no news: others may also have waited for it at that moment.
    if (token === null && !mayHold(answer)) return;
    this.note("acquire", lock, owner, invokedAtMs, token === null ? null : { kind: "granted", token });
    // It does not end before its time, which was not counted before the request.
    this.note("expire", lock, owner, invokedAtMs + ttlMs - clockGrainMs, null);
    if (token === null) return;
    await sleep(this.random.between(0, 600));
    if (this.random.chance(0.6)) await this.release(lock, owner, token);
  }

  private async release(lock: string, owner: string, token: number): Promise<void> {
    const invokedAtMs = performance.now();
    const url = `${this.random.pick(this.urls())}/v1/locks/${lock}`;
    const answer = await send("DELETE", `${url}?token=${token}&timeout=${clusterTimeoutMs}ms`);
    const isDone = typeof answer === "object" && answer.status === 200;
    // Refused, it may have been given up by an earlier attempt of the same request.
    if (isDone || mayHold(answer)) this.note("release", lock, owner, invokedAtMs, isDone ? { kind: "released" } : null);
  }

  private note(
    kind: LockCall["kind"],
    lock: string,
    owner: string,
    invokedAtMs: number,
    answer: LockAnswer | null,
  ): void {
    const completion = answer === null ? null : { atMs: performance.now(), answer };
    this.operations.push({ client: this.id, call: { kind, lock, owner }, invokedAtMs, completion });
  }
}

function tokenIn(text: string): number | null {
  return (JSON.parse(text) as { readonly token: number }).token;
}

/** Whether the request may have taken effect although no answer says so. */
function mayHold(answer: Awaited<ReturnType<typeof send>>): boolean {
  if (answer === "nothing") return false;
  return answer === "unknown" || !answer.text.includes('"ambiguous":false');
}
