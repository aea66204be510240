/** Many seeds, one after the other: what they add up to, and the story of one that failed. */

import { runSeed, type RunOptions, type RunResult } from "./run-seed.ts";
import { faultKinds, type Settings } from "./settings.ts";
import { simplify, simplifying } from "./simplify.ts";
import { formatLine, isRoutine, isTurn, Trace, type TraceLine } from "./trace.ts";

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
  /** Histories that were checked for linearizability, and those of them that were too much work. */
  histories = 0;
  undecided = 0;
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
    if (result.history !== null) this.histories += 1;
    if (result.history === "undecided") this.undecided += 1;
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

/** What a story is told of beside its seed, on the command line. */
export interface Circumstances {
  /** What was left out of the world. */
  readonly without?: readonly string[];
  /** The name of a bug that was made on purpose. */
  readonly mutant?: string;
}

export function replayLine(seed: number, { without = [], mutant }: Circumstances = {}): string {
  const left = without.length === 0 ? "" : ` --without ${without.join(",")}`;
  return `npm run simulate -- --seed ${seed}${left}${mutant === undefined ? "" : ` --mutant "${mutant}"`} --trace`;
}

/**
 * What failed, in which world, how to see it again, and what happened before. For people, the world is first made as simple
 * as it can be.
 */
export async function tellFailure(
  { seed, error }: Failure,
  options: RunOptions = {},
  { without = [], mutant }: Circumstances = {},
): Promise<string> {
  const untilMs = performance.now() + longestSimplifyingMs;
  const more = await simplify(seed, error, simplifying(options, without), () => performance.now() < untilMs);
  const left = [...without, ...more];
  const trace = new Trace(Number.MAX_SAFE_INTEGER);
  const again = await runSeed(seed, { ...simplifying(options, left), trace });
  const { failure, simulatedMs, settings } = again;
  const circumstances = mutant === undefined ? {} : { mutant };
  return [
    `seed ${seed} fails: ${wordsOf(error)}`,
    `replay: ${replayLine(seed, { ...circumstances, without })}`,
    "",
    more.length === 0
      ? "Nothing can be left out of its world:"
      : `It fails by the same rule in a simpler world, after ${(simulatedMs / 1000).toFixed(3)} simulated seconds:`,
    failure === null ? "It did not fail in the same way again!" : wordsOf(failure),
    `a world of ${describeWorld(settings)}`,
    `replay: ${replayLine(seed, { ...circumstances, without: left })}`,
    "",
    ...tellStory(trace.lines),
  ].join("\n");
}

/** Of a whole trace what a person wants to see first: the course of things, and then the end in every detail. */
function tellStory(lines: readonly TraceLine[]): string[] {
  const telling = lines.filter((line) => !isRoutine(line));
  const end = telling.slice(-linesOfEnd);
  const before = telling.slice(0, -linesOfEnd).filter(isTurn);
  return [
    `what turned the course of things before (${Math.min(before.length, linesOfCourse)} of ${before.length} lines):`,
    ...before.slice(-linesOfCourse).map(formatLine),
    `the last ${end.length} lines, without heartbeats:`,
    ...end.map(formatLine),
  ];
}

/** A broken rule says all in its message; for anything else the place where it was thrown matters. */
function wordsOf(error: Error): string {
  return error.name === "Violation" ? error.message : (error.stack ?? error.message);
}

const longestSimplifyingMs = 20_000;
const linesOfCourse = 30;
const linesOfEnd = 40;

export function describeWorld({ voters, learners, storage, options, network, clients, faults }: Settings): string {
  const { electionMinMs, electionMaxMs, preVote, checkQuorum, leaseReads } = options;
  const switches = Object.entries({ preVote, checkQuorum, leaseReads }).filter(([, on]) => on);
  const kinds = faultKinds.filter((kind) => faults.weights[kind] > 0);
  return [
    `${voters.length} voters and ${learners.length} learners`,
    `storage in ${storage}`,
    `election timeouts of ${electionMinMs}-${electionMaxMs} ms`,
    `${switches.map(([name]) => name).join(", ") || "no options"} on`,
    `${network.latencyMs.toFixed(1)} ms one way, ${Math.round(network.lossRate * 100)}% lost`,
    `${clients.count} clients`,
    `faults: ${kinds.join(", ") || "none"}`,
  ].join(", ");
}
