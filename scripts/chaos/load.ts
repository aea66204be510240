/** The clients beside each other, on keys that change every few seconds, until they are told to stop. */

import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../test/sim/random.ts";
import { Client } from "./client.ts";
import type { LoadWorld } from "./client.ts";
import { makeRound, roundMs } from "./keys.ts";
import type { Round } from "./keys.ts";

/** So often a client that asks for nothing looks whether it may again. */
const hushMs = 100;

export class Load {
  round: Round = makeRound(0);
  readonly rounds: Round[] = [this.round];
  private readonly world: LoadWorld;
  private readonly seed: number;
  /** What clients have heard of the keys' revisions. */
  private readonly heard = new Map<string, number>();
  private stopped = false;
  private hushed = false;

  constructor(world: LoadWorld, seed: number) {
    this.world = world;
    this.seed = seed;
  }

  /** Runs clients until `stop`. */
  async run(count: number): Promise<void> {
    const rotation = setInterval(() => this.rotate(), roundMs);
    await Promise.all(Array.from({ length: count }, (_, number) => this.client(`c${number}`)));
    clearInterval(rotation);
  }

  stop(): void {
    this.stopped = true;
  }

  /** Has the clients ask for nothing, or go on. */
  hush(isQuiet: boolean): void {
    this.hushed = isQuiet;
  }

  private rotate(): void {
    this.round = makeRound(this.rounds.length);
    this.rounds.push(this.round);
  }

  private async client(id: string): Promise<void> {
    const client = new Client(id, new Random(this.seed, id), this.world, this.heard);
    while (!this.stopped) {
      if (!this.hushed) await client.act(this.round, this.rounds);
      await sleep(this.hushed ? hushMs : client.thinkMs());
    }
  }
}
