/** Sends inputs through a door, from a seed, and tells which of them broke a promise. */

import * as fc from "fast-check";
import type { Door, Outcome } from "./door.ts";

export interface Request {
  readonly inputs: number;
  readonly seed: number;
  /** Leads to one input of those of the seed, as a failure has told it. */
  readonly path?: string;
  /** Asked between inputs: whether to go on. */
  readonly goesOn?: (tally: Tally) => boolean;
}

export interface Tally {
  inputs: number;
  readonly outcomes: Record<Outcome, number>;
}

export interface Failure {
  readonly door: string;
  readonly seed: number;
  /** How many inputs the seed was given. */
  readonly inputs: number;
  /** Leads to the shrunk input; empty where no single input is to blame. */
  readonly path: string;
  readonly input: string;
  readonly reason: string;
}

const breathEvery = 50;

export function emptyTally(): Tally {
  return { inputs: 0, outcomes: { refused: 0, accepted: 0, undone: 0, unsent: 0 } };
}

/** Each target gets a seed of its own: the request's, and those after it. Null where nothing was broken. */
export async function fuzz(door: Door, request: Request, tally: Tally): Promise<Failure | null> {
  const goesOn = request.goesOn ?? (() => true);
  const enough = tally.inputs + request.inputs;
  for (let { seed } = request; tally.inputs < enough && goesOn(tally); seed += 1) {
    // Some of them can't be sent: others take their places.
    const inputs = Math.min(enough - tally.inputs, door.inputsPerTarget);
    const failure = await fuzzTarget(door, { ...request, inputs, seed, goesOn }, tally);
    // A path leads to an input of this seed alone.
    if (failure !== null || request.path !== undefined) return failure;
  }
  return null;
}

async function fuzzTarget(door: Door, request: Required<Omit<Request, "path">> & Request, tally: Tally) {
  const { inputs, seed, path } = request;
  const target = await door.open();
  const take = fc.asyncProperty(target.inputs, async (input) => {
    if (!request.goesOn(tally)) return;
    // What never waits for anything outside would keep timers and signals from being heard.
    if (tally.inputs % breathEvery === 0) await new Promise((resolve) => setImmediate(resolve));
    const outcome = await target.take(input);
    if (outcome !== "unsent") tally.inputs += 1;
    tally.outcomes[outcome] += 1;
  });
  try {
    const result = await fc.check(take, { seed, numRuns: inputs, ...(path === undefined ? {} : { path }) });
    const told = { door: door.name, seed, inputs };
    if (result.failed) {
      const { counterexample, counterexamplePath, errorInstance } = result;
      const reason =
        errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : "it was interrupted";
      return { ...told, path: counterexamplePath ?? "", input: fc.stringify(counterexample?.[0]), reason };
    }
    try {
      await target.check();
      return null;
    } catch (error) {
      return { ...told, path: "", input: "", reason: String(error) };
    }
  } finally {
    target.close();
  }
}
