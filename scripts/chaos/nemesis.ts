/** Draws one fault after another in each lane, from one seed, and notes when each was in force. */

import { Random } from "../../test/sim/random.ts";
import { until } from "./fault.ts";
import type { Arena, Fault, Lane } from "./fault.ts";
import { groupFaults } from "./group-faults.ts";
import { networkFaults } from "./network-faults.ts";
import { processFaults } from "./process-faults.ts";
import { targetedFaults } from "./targeted-faults.ts";

export const faults: readonly Fault[] = [...processFaults, ...targetedFaults, ...networkFaults, ...groupFaults];

const lanes: readonly Lane[] = ["processes", "network", "group"];

/** Between two faults of a lane there is nothing of it for about so long: time to do the work that the next one endangers. */
const restMs = 3000;

/** A fault that has happened. */
export interface Happened {
  readonly name: string;
  readonly fromMs: number;
  toMs: number;
  /** Whether its aim was reached. */
  reached: boolean;
}

export class Nemesis {
  /** All faults so far, in the order in which they began. */
  readonly happened: Happened[] = [];
  private readonly arena: Arena;
  private readonly seed: number;
  private readonly chosen: readonly Fault[];
  /** A fault that is alone is in force, or waits for others to end. */
  private reserved = false;

  /** @param names of the faults to draw from */
  constructor(arena: Arena, seed: number, names: readonly string[]) {
    this.arena = arena;
    this.seed = seed;
    const { length } = arena.nodes;
    this.chosen = faults.filter(({ name, leastNodes, mostNodes = length }) => {
      return names.includes(name) && length >= leastNodes && length <= mostNodes;
    });
  }

  /** Until the run is over and every fault has ended. */
  async run(): Promise<void> {
    await Promise.all(lanes.map((lane) => this.runLane(lane)));
  }

  private async runLane(lane: Lane): Promise<void> {
    const random = new Random(this.seed, `nemesis ${lane}`);
    const possible = this.chosen.filter((fault) => fault.lane === lane);
    if (possible.length === 0) return;
    const arena = { ...this.arena, random };
    await arena.sleep(random.between(0, restMs));
    while (!arena.isOver()) {
      await this.inflict(drawWeighted(possible, random), arena);
      await arena.sleep(random.between(0.3 * restMs, 1.7 * restMs));
    }
  }

  private async inflict(fault: Fault, arena: Arena): Promise<void> {
    const { alone = false } = fault;
    const wait = (isTrue: () => boolean): Promise<boolean> => until(arena, isTrue, Number.POSITIVE_INFINITY);
    await wait(() => !this.reserved);
    if (alone) this.reserved = true;
    if (alone) await wait(() => this.happened.every(({ toMs }) => Number.isFinite(toMs)));
    if (!arena.isOver()) await this.note(fault, arena);
    if (alone) this.reserved = false;
  }

  private async note(fault: Fault, arena: Arena): Promise<void> {
    const happened: Happened = {
      name: fault.name,
      fromMs: performance.now(),
      toMs: Number.POSITIVE_INFINITY,
      reached: false,
    };
    this.happened.push(happened);
    happened.reached = await fault.run(arena);
    happened.toMs = performance.now();
  }

  /** Which faults were in force at some time between two moments. */
  between(fromMs: number, toMs: number): string[] {
    return this.happened.filter((fault) => fault.fromMs < toMs && fault.toMs > fromMs).map(({ name }) => name);
  }
}

function drawWeighted(possible: readonly Fault[], random: Random): Fault {
  const total = possible.reduce((sum, { weight }) => sum + weight, 0);
  let left = random.next() * total;
  for (const fault of possible) {
    left -= fault.weight;
    if (left < 0) return fault;
  }
  return possible[0] as Fault;
}
