/** A client: asks one thing after another of whatever process it meets, tries again as it may, and gives up. */

import { setTimeout as sleep } from "node:timers/promises";
import type { Condition, KeyValueCall } from "../../test/linearizability/key-value-call.ts";
import type { Random } from "../../test/sim/random.ts";
import type { Face, Result, StaleRead } from "./face.ts";
import { lastingKeys } from "./keys.ts";
import type { Round } from "./keys.ts";
import type { Record, StaleSeen } from "./record.ts";

export interface LoadWorld {
  readonly record: Record;
  readonly faces: readonly Face[];
  readonly nodeIds: readonly string[];
  /** Where the processes take requests that have ever run. */
  urls(): readonly string[];
}

/** A client waits about so long between two operations. */
const thinkMs = 4;
/** A write with an idempotency key is repeated for so long. */
const persistMs = 8000;
/** A process that has failed a client is not asked by it for so long, save once in a while. */
const shunMs = 2000;
const stubbornRate = 0.05;
const stalenessMs = 200;
/** Times are taken at the clients, and clocks show whole milliseconds. */
const clockGrainMs = 3;
/** Some values are long, so that states and logs have a size. */
const longBytes = 2000;

export class Client {
  private readonly id: string;
  private readonly random: Random;
  private readonly world: LoadWorld;
  private readonly heard: Map<string, number>;
  /** What it has seen itself: of each key, and of the log. */
  private readonly seen = new Map<string, number>();
  private seenIndex = 0;
  private writes = 0;
  /** Until when it rather asks others than a process that has failed it. */
  private readonly shunnedUntilMs = new Map<string, number>();

  constructor(id: string, random: Random, world: LoadWorld, heard: Map<string, number>) {
    this.id = id;
    this.random = random;
    this.world = world;
    this.heard = heard;
  }

  thinkMs(): number {
    return this.random.exponential(thinkMs);
  }

  async act(round: Round, rounds: readonly Round[]): Promise<void> {
    const { random } = this;
    const draw = random.next();
    // What is written no more must stay.
    const earlier = random.pick(rounds);
    const old = random.pick(earlier.singles.filter((key) => !earlier.deletable.has(key)));
    if (draw < 0.04) return await this.ask({ kind: "get", key: old });
    if (draw < 0.2) return await this.ask(this.drawTogether(round));
    const key = draw < 0.3 ? random.pick(lastingKeys) : random.pick(round.singles);
    if (draw > 0.85 && !round.deletable.has(key)) return await this.askStale(random.chance(0.3) ? old : key);
    return await this.ask(this.drawSingle(key, round.deletable.has(key)));
  }

  private drawSingle(key: string, deletable: boolean): KeyValueCall {
    const { random } = this;
    if (random.chance(0.4)) return { kind: "get", key };
    const expected = this.conditionOn(key);
    const condition = random.chance(0.4) ? { condition: expected } : {};
    // To delete what must be missing is no request that makes sense.
    const removable = deletable && "revision" in expected;
    if (removable && random.chance(0.3)) return { kind: "delete", key, ...condition };
    return { kind: "put", key, value: this.nextValue(), ...condition };
  }

  private drawTogether({ together }: Round): KeyValueCall {
    const { random } = this;
    if (random.chance(0.4)) return { kind: "list", keys: together };
    const keys = random.shuffle(together).slice(0, 2);
    if (random.chance(0.3)) return { kind: "put", key: keys[0] ?? "", value: this.nextValue() };
    const value = this.nextValue();
    return {
      kind: "transaction",
      compare: random.chance(0.3) ? [] : keys.slice(0, 1).map((key) => ({ key, condition: this.conditionOn(key) })),
      success: keys.map((key) => ({ kind: "put", key, value })),
      failure: keys.map((key) => ({ kind: "get", key })),
    };
  }

  /** Holds if nothing has happened since clients last heard of the key. */
  private conditionOn(key: string): Condition {
    const revision = this.heard.get(key) ?? 0;
    return revision === 0 ? { exists: false } : { revision };
  }

  private nextValue(): string {
    this.writes += 1;
    return `${this.id}.${this.writes}`;
  }

  private async ask(call: KeyValueCall): Promise<void> {
    const { record, faces } = this.world;
    const face = this.random.pick(faces);
    const isWrite = call.kind !== "get" && call.kind !== "list";
    const repeats = isWrite && face.readStale !== null && this.random.chance(0.4);
    const invokedAtMs = performance.now();
    const result = repeats
      ? await this.persist(face, call, `${this.id} ${invokedAtMs}`)
      : await this.via((url) => face.ask(url, this.padded(call), null));
    record.add(this.id, call, invokedAtMs, performance.now(), result);
    record.countFace(face.name, result);
    this.learn(call, result);
  }

  /** Repeats a write until it is known what has become of it, or for long enough. */
  private async persist(face: Face, call: KeyValueCall, idempotencyKey: string): Promise<Result> {
    const padded = this.padded(call);
    const untilMs = performance.now() + persistMs;
    for (let uncertain = false; ;) {
      const result = await this.via((url) => face.ask(url, padded, idempotencyKey));
      const done = result.kind === "answered" && isDone(result);
      if (done) return result;
      uncertain ||= result.kind === "unknown";
      // A refusal says nothing of the attempts before it, of which one may still be on its way.
      if (result.kind === "answered" || performance.now() > untilMs) return uncertain ? { kind: "unknown" } : result;
      await sleep(20);
    }
  }

  /** Asks a process, and rather others for a while if it does not answer. */
  private async via(ask: (url: string) => Promise<Result>): Promise<Result> {
    const url = this.pickUrl();
    const result = await ask(url);
    if (result.kind === "answered") this.shunnedUntilMs.delete(url);
    else this.shunnedUntilMs.set(url, performance.now() + shunMs);
    return result;
  }

  private pickUrl(): string {
    const { random, world } = this;
    const all = world.urls();
    const good = all.filter((url) => (this.shunnedUntilMs.get(url) ?? 0) < performance.now());
    return random.pick(good.length === 0 || random.chance(stubbornRate) ? all : good);
  }

  private padded(call: KeyValueCall): KeyValueCall {
    if (call.kind !== "put" || !this.random.chance(0.2)) return call;
    return { ...call, value: `${call.value} ${"x".repeat(this.random.below(longBytes))}` };
  }

  private learn(call: KeyValueCall, result: Result): void {
    if (result.kind !== "answered") return;
    const { answer, index = 0 } = result;
    this.seenIndex = Math.max(this.seenIndex, index);
    if (call.kind !== "get" && call.kind !== "put" && call.kind !== "delete") return;
    const { key } = call;
    if (answer.kind === "written") this.knows(key, answer.revision ?? 0, call.kind === "delete" ? 0 : undefined, index);
    else if (answer.kind === "read") this.knows(key, answer.seen?.revision ?? 0, undefined, index);
    else if (answer.kind === "refused") this.heard.set(key, answer.found ?? 0);
  }

  /** @param now the revision that the next condition names, where it is another one */
  private knows(key: string, revision: number, now: number | undefined, index: number): void {
    this.heard.set(key, now ?? revision);
    // Without an index there is nothing to ask the next node for.
    if (index > 0) this.seen.set(key, Math.max(this.seen.get(key) ?? 0, revision));
  }

  private async askStale(key: string): Promise<void> {
    const { random, world } = this;
    const readStale = world.faces.map((face) => face.readStale).find((found) => found !== null) ?? null;
    if (readStale === null) return;
    const promise = random.pick(promises);
    const invokedAtMs = performance.now();
    const read: StaleRead = { key, node: random.pick(world.nodeIds), ...this.boundOf(promise) };
    const floor = this.floorOf(key, promise, invokedAtMs);
    const result = await this.via((url) => readStale(url, read));
    world.record.counts[result.kind] += 1;
    if (result.kind !== "answered" || result.answer.kind !== "read") return;
    const { seen } = result.answer;
    const revision = seen?.revision ?? 0;
    const value = seen?.value ?? null;
    world.record.stale.push({
      client: this.id,
      key,
      promise,
      invokedAtMs,
      atMs: performance.now(),
      value,
      revision,
      floor,
    });
  }

  private boundOf(promise: StaleSeen["promise"]): Partial<StaleRead> {
    if (promise === "what its client has seen") return { minIndex: this.seenIndex };
    return promise === "any state" ? {} : { maxStalenessMs: stalenessMs };
  }

  private floorOf(key: string, promise: StaleSeen["promise"], nowMs: number): number {
    if (promise === "any state") return 0;
    if (promise === "what its client has seen") return this.seen.get(key) ?? 0;
    return this.world.record.acknowledgedBefore(key, nowMs - stalenessMs - clockGrainMs);
  }
}

const promises: readonly StaleSeen["promise"][] = [
  "any state",
  "what its client has seen",
  "what was acknowledged some time ago",
];

/** Whether a write has taken effect; one that was refused has not. */
function isDone({ answer }: Extract<Result, { readonly kind: "answered" }>): boolean {
  return answer.kind === "written" || (answer.kind === "transacted" && answer.succeeded);
}
