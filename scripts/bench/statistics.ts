/** What the samples of one cell come to. */

import type { Sample } from "./load.ts";

export interface Figures {
  readonly requests: number;
  readonly failures: number;
  /** The median of the rounds' rates: a disturbance of the machine that hits one round does not count. */
  readonly requestsPerSecond: number;
  readonly medianMs: number;
  readonly p99Ms: number;
  readonly generatorLoad: number;
  /** Each round's own rate, which shows how steady the machine was. */
  readonly roundsPerSecond: readonly number[];
}

export function summarize(samples: readonly Sample[]): Figures {
  const latenciesMs = Float64Array.from(samples.flatMap((sample) => sample.latenciesMs)).sort();
  const roundsPerSecond = samples.map((sample) => (sample.latenciesMs.length / sample.durationMs) * 1000);
  return {
    requests: latenciesMs.length,
    failures: sum(samples.map((sample) => sample.failures)),
    requestsPerSecond: quantile(Float64Array.from(roundsPerSecond).sort(), 0.5),
    medianMs: quantile(latenciesMs, 0.5),
    p99Ms: quantile(latenciesMs, 0.99),
    generatorLoad: Math.max(...samples.map((sample) => sample.generatorLoad)),
    roundsPerSecond,
  };
}

/** The least of the sorted values that is not below the given part of them (nearest rank). */
export function quantile(sorted: Float64Array, part: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * part) - 1)] ?? Number.NaN;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
