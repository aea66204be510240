/** The network: calls and answers travel on lines that lose, delay, reorder, double and block them. */

import type { NodeId } from "../../src/raft/entry.ts";
import type { CallAnswer } from "../../src/node/transport.ts";
import type { Random } from "./random.ts";
import type { NetworkSettings } from "./settings.ts";
import type { World } from "./world.ts";

/** One direction between two places. */
export interface Line {
  blocked: boolean;
  /** What travels arrives after this time. */
  cloggedUntilMs: number;
  /** Added to the loss everywhere, until a time. */
  lossRate: number;
  /** When the last of what was sent so far arrives. */
  lastArrivalMs: number;
}

/** What a node answers to a call. */
export interface Reply {
  /** It has not taken what it was sent, and says why. */
  readonly refused: boolean;
  readonly bytes: Uint8Array;
}

/** Answers a call, or loses it: exactly one of the two is called, once, or neither for ever. */
export interface Callee {
  arrive(answer: (reply: Reply) => void, lost: () => void): void;
}

export class Network {
  private readonly world: World;
  private readonly random: Random;
  private settings: NetworkSettings;
  private readonly lines = new Map<string, Map<string, Line>>();

  constructor(world: World, random: Random, settings: NetworkSettings) {
    this.world = world;
    this.random = random;
    this.settings = settings;
  }

  line(from: string, to: string): Line {
    let lines = this.lines.get(from);
    if (lines === undefined) this.lines.set(from, (lines = new Map<string, Line>()));
    let line = lines.get(to);
    if (line === undefined) {
      line = { blocked: false, cloggedUntilMs: 0, lossRate: 0, lastArrivalMs: 0 };
      lines.set(to, line);
    }
    return line;
  }

  /** Opens all lines between the given places, to both sides. */
  heal(places: readonly string[]): void {
    for (const from of places) {
      for (const to of places) {
        const line = this.line(from, to);
        line.blocked = false;
        line.cloggedUntilMs = 0;
        line.lossRate = 0;
      }
    }
  }

  /** From now on nothing goes wrong by itself. */
  calm(): void {
    this.settings = { ...this.settings, lossRate: 0, duplicateRate: 0, strayRate: 0, silenceRate: 0 };
  }

  /** Carries something one way. It arrives some time, or never: then, if the loss is noticed here, `lost` is called. */
  travel(from: string, to: string, arrive: () => void, lost: () => void): void {
    const line = this.line(from, to);
    if (this.random.chance(this.settings.lossRate + line.lossRate)) {
      this.world.count("lost message");
      lost();
      return;
    }
    const arrivesAtMs = Math.max(this.world.nowMs, line.cloggedUntilMs) + this.drawDelayMs();
    if (arrivesAtMs < line.lastArrivalMs) this.world.count("message overtaken");
    else line.lastArrivalMs = arrivesAtMs;
    this.world.at(arrivesAtMs, () => {
      if (!line.blocked) return arrive();
      this.world.count("message cut off");
      lost();
    });
  }

  /** Makes a call between nodes; `settle` hears of its end at most once. */
  call(from: NodeId, to: NodeId, callee: Callee, settle: (answer: CallAnswer | Reply) => void): void {
    const lost = (): void => this.lose(settle);
    const answer = (reply: Reply): void => this.travel(to, from, () => settle(reply), lost);
    const arrive = (): void => callee.arrive(answer, lost);
    this.travel(from, to, arrive, lost);
    if (!this.random.chance(this.settings.duplicateRate)) return;
    this.world.count("doubled call");
    this.world.after(this.random.exponential(this.settings.strayMs), () => {
      this.travel(from, to, arrive, () => {});
    });
  }

  private lose(settle: (answer: CallAnswer) => void): void {
    const { errorRate, silenceRate } = this.settings;
    if (this.random.chance(errorRate)) {
      const failure: CallAnswer = { result: "unreachable", detail: "the connection was lost" };
      this.world.after(this.drawDelayMs(), () => settle(failure));
    } else if (this.random.chance(silenceRate)) {
      this.world.count("silent loss");
      this.world.after(this.drawDelayMs(), () => settle({ result: "ok", messages: [] }));
    }
  }

  private drawDelayMs(): number {
    const { latencyMs, jitterMs, strayRate, strayMs } = this.settings;
    const delayMs = latencyMs + this.random.exponential(jitterMs);
    if (!this.random.chance(strayRate)) return delayMs;
    this.world.count("stray message");
    return delayMs + this.random.exponential(strayMs);
  }
}
