/** The command line of `npm run chaos`. */

import { parseArgs } from "node:util";
import { mutants } from "./mutants.ts";
import { faults } from "./nemesis.ts";

const list = (names: readonly string[]): string => names.join(", ");
const table = (rows: readonly (readonly [string, string])[]): string =>
  rows.map(([name, text]) => `  ${name.padEnd(18)}${text}`).join("\n");

export const chaosUsage = `Runs a cluster of which each node is a process of its own with its own disk, has clients write and read through
its HTTP APIs, kills, pauses and separates the processes meanwhile, and checks what the clients were told.

  npm run chaos -- [options]

  --minutes M     how long (1)
  --seconds S     how long, instead
  --seed N        decides which faults come and what clients ask; when things happen is up to the machine
  --nodes N       1 to 7 nodes (3)
  --clients N     1 to 64 clients that read and write (12); besides them three take locks, and two a face watch
  --nemesis A,B   the faults to choose from; unless said all, or those that bring the mistake out
  --face F        rest, etcd or both (both)
  --mutant M      makes a mistake on purpose, which the run must find
  --history F     where to write what the clients saw; without it, only if a rule was broken
  --verbose       prints each fault when it happens, and who leads
  --help          shows this text

The faults, and what has to happen for one to count as having done what it is for:
${table(faults.map(({ name, aim }) => [name, aim]))}

The mistakes:
${table(Object.entries(mutants).map(([name, { text }]) => [name, text]))}

Ends with 0 if no rule was broken, or if the mistake was found, and else with 1; with 2 for a command line that makes no
sense. Whatever ends it, by a signal too, no process and no file of the cluster is left behind.`;

export interface ChaosOptions {
  readonly durationMs: number;
  readonly seed: number;
  readonly nodes: number;
  readonly clients: number;
  readonly nemesis: readonly string[];
  readonly faces: readonly string[];
  /** Empty for none. */
  readonly mutant: string;
  readonly historyPath: string | null;
  readonly verbose: boolean;
  readonly help: boolean;
}

/** Throws an `Error` that names the mistake in one line. */
export function parseChaosOptions(words: readonly string[]): ChaosOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      minutes: { type: "string" },
      seconds: { type: "string" },
      seed: { type: "string" },
      nodes: { type: "string", default: "3" },
      clients: { type: "string", default: "12" },
      nemesis: { type: "string" },
      face: { type: "string", default: "both" },
      mutant: { type: "string" },
      history: { type: "string" },
      verbose: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const mutant = parseNames("--mutant", values.mutant ?? "", Object.keys(mutants))[0] ?? "";
  const minutes = parseWithin("--minutes", values.minutes ?? "1", 0, 100_000);
  const seconds = values.seconds === undefined ? minutes * 60 : parseWithin("--seconds", values.seconds, 1, 1_000_000);
  return {
    durationMs: seconds * 1000,
    seed: Math.floor(parseWithin("--seed", values.seed ?? String(Math.floor(Math.random() * 1e6)), 0, 2 ** 31)),
    nodes: Math.floor(parseWithin("--nodes", values.nodes, 1, 7)),
    clients: Math.floor(parseWithin("--clients", values.clients, 1, 64)),
    nemesis: parseNemesis(values.nemesis, mutant),
    faces: parseNames("--face", values.face === "both" ? undefined : values.face, ["rest", "etcd"]),
    mutant,
    historyPath: values.history ?? null,
    verbose: values.verbose,
    help: values.help,
  };
}

function parseNemesis(text: string | undefined, mutant: string): readonly string[] {
  if (text === undefined && mutants[mutant] !== undefined) return mutants[mutant].nemesis;
  return parseNames(
    "--nemesis",
    text,
    faults.map(({ name }) => name),
  );
}

function parseWithin(option: string, text: string, least: number, most: number): number {
  const value = text.trim() === "" ? Number.NaN : Number(text);
  if (value >= least && value <= most) return value;
  throw new Error(`${option} takes a number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}

function parseNames(option: string, text: string | undefined, known: readonly string[]): readonly string[] {
  if (text === undefined) return known;
  const names = text.split(",").filter((name) => name !== "");
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${option} knows ${list(known)}, not ${JSON.stringify(unknown)}`);
  return names;
}
