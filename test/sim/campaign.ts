/** Many seeds, one after the other: what they add up to, and the story of one that failed. */

import { runSeed, type RunOptions, type RunResult } from "./run-seed.ts";
import type { Settings } from "./settings.ts";
import { formatLine, Trace } from "./trace.ts";

export interface Failure {
  readonly seed: number;
  readonly error: Error;
}

/** What a number of runs came to. */
export class Tally {
  seeds = 0;
  events = 0;
  simulatedMs = 0;
  elected = 0;
  committed = 0;
  operations = 0;
  acknowledged = 0;
  readonly faults = new Map<string, number>();
  readonly failures: Failure[] = [];

  add(seed: number, result: RunResult): void {
    this.seeds += 1;
    this.events += result.events;
    this.simulatedMs += result.simulatedMs;
    this.elected += result.elected;
    this.committed += result.committed;
    this.operations += result.operations;
    this.acknowledged += result.acknowledged;
    for (const [fault, count] of result.faults) this.faults.set(fault, (this.faults.get(fault) ?? 0) + count);
    if (result.failure !== null) this.failures.push({ seed, error: result.failure });
  }
}

/** Runs seeds until one fails, until there are no more, or until `goOn` says no; `goOn` hears of each run. */
export async function runSeeds(
  seeds: Iterable<number>,
  options: RunOptions = {},
  goOn: (tally: Tally) => boolean = () => true,
): Promise<Tally> {
  const tally = new Tally();
  for (const seed of seeds) {
    tally.add(seed, await runSeed(seed, options));
    if (tally.failures.length > 0 || !goOn(tally)) break;
  }
  return tally;
}

/** `count` seeds, from the first one on. */
export function* seedsFrom(first: number, count = Number.POSITIVE_INFINITY): Generator<number> {
  for (let position = 0; position < count; position += 1) yield first + position;
}

export function replayLine(seed: number): string {
  return `npm run simulate -- --seed ${seed} --trace`;
}

/** What failed, in which world, how to see it again, and what happened before: the run is made once more for it. */
export async function tellFailure({ seed, error }: Failure, options: RunOptions = {}, lines = 60): Promise<string> {
  const trace = new Trace(lines);
  const again = await runSeed(seed, { ...options, trace });
  const unlike = again.failure?.message === error.message ? [] : ["It did not fail in the same way again!"];
  // A broken rule says all in its message; for anything else the place where it was thrown matters.
  const what = error.name === "Violation" ? error.message : (error.stack ?? error.message);
  return [
    `seed ${seed} fails after ${(again.simulatedMs / 1000).toFixed(3)} simulated seconds: ${what}`,
    ...unlike,
    `in a world of ${describeWorld(again.settings)}`,
    `replay: ${replayLine(seed)}`,
    `the last ${trace.lines.length} lines of its trace:`,
    ...trace.lines.map(formatLine),
  ].join("\n");
}

export function describeWorld({ voters, learners, storage, options, network, clients }: Settings): string {
  const { electionMinMs, electionMaxMs, preVote, checkQuorum, leaseReads } = options;
  const switches = Object.entries({ preVote, checkQuorum, leaseReads }).filter(([, on]) => on);
  return [
    `${voters.length} voters and ${learners.length} learners`,
    `storage in ${storage}`,
    `election timeouts of ${electionMinMs}-${electionMaxMs} ms`,
    `${switches.map(([name]) => name).join(", ") || "no options"} on`,
    `${network.latencyMs.toFixed(1)} ms one way, ${Math.round(network.lossRate * 100)}% lost`,
    `${clients.count} clients`,
  ].join(", ");
}
