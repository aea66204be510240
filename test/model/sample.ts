/** Runs Quint's simulator on the model, and reads what it says. */

import { execFile } from "node:child_process";
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

export const modelPath = resolve(import.meta.dirname, "raft.qnt");

export const invariants = [
  "electionSafety",
  "logMatching",
  "leaderCompleteness",
  "stateMachineSafety",
  "readLinearizability",
  "decidedIsStored",
  "restIsComplete",
] as const;

/** What some samples must reach, or all of them together say little. */
export const witnesses = [
  "oneLeader",
  "twoLeaders",
  "threeTerms",
  "membersChanged",
  "twoChanges",
  "readServed",
  "leaderRests",
] as const;

export interface Sampling {
  readonly specification: string;
  readonly samples: number;
  readonly steps: number;
  readonly seed: number;
  /** Where the traces are written; null for none. */
  readonly folder: string | null;
}

export interface Sampled {
  /** The invariants that were violated. */
  readonly violated: readonly string[];
  /** In how many of the samples each witness was true. */
  readonly witnessed: ReadonlyMap<string, number>;
  /** The files of the traces. */
  readonly traces: readonly string[];
}

/** Quint's own simulator is slow beside the one that it would download; but it is there. */
const backend = "typescript";

/** Throws when Quint does not get as far as sampling. */
export async function sample({ specification, samples, steps, seed, folder }: Sampling): Promise<Sampled> {
  const quint = createRequire(import.meta.url).resolve("@informalsystems/quint/dist/src/cli.js");
  const traces = folder === null ? [] : [`--n-traces=${samples}`, `--out-itf=${join(folder, "trace-{seq}.itf.json")}`];
  const bounds = [`--max-samples=${samples}`, `--max-steps=${steps}`, `--seed=${seed}`];
  const checked = ["--invariants", ...invariants, "--witnesses", ...witnesses];
  const how = ["--main=raft", `--backend=${backend}`, "--verbosity=1"];
  const words = [quint, "run", specification, ...how, ...bounds, ...checked, ...traces];
  const said = await run(words);
  const isBroken = /^\[error\] Runtime error/m.test(said);
  if (!isBroken && !/^\[(?:ok|violation)\]/m.test(said)) throw new Error(`quint says: ${said}`);
  const witnessed = [...said.matchAll(/^(\w+) was witnessed in (\d+) trace/gm)].map(
    ([, name = "", count]) => [name, Number(count)] as const,
  );
  return {
    violated: [
      ...invariants.filter((name) => new RegExp(`❌ ${name}\\b`).test(said)),
      // As when something is read that is not there.
      ...(isBroken ? ["a step that makes no sense"] : []),
    ],
    witnessed: new Map(witnessed),
    traces: folder === null ? [] : readdirSync(folder).map((name) => join(folder, name)),
  };
}

/** What it prints, whether or not it ends well: a violation is a failure to it. */
async function run(words: readonly string[]): Promise<string> {
  const options = { maxBuffer: 64 * 1024 * 1024, env: { ...process.env, NO_COLOR: "1", FORCE_COLOR: "0" } };
  try {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, words, options);
    return stdout + stderr;
  } catch (error) {
    if (!(error instanceof Error && "stdout" in error && "stderr" in error)) throw error;
    return String(error.stdout) + String(error.stderr);
  }
}
