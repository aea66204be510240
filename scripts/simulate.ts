/** `npm run simulate`: runs seeds in the simulator until one breaks a rule, and prints what was simulated. */

import { parseArgs } from "node:util";
import { allMutants } from "../test/sim/all-mutants.ts";
import { runSeeds, seedsFrom, Tally, tellFailure } from "../test/sim/campaign.ts";
import { mutantOptions } from "../test/sim/find-mutant.ts";
import type { Mutant } from "../test/sim/mutants.ts";
import { runSeed, type RunOptions } from "../test/sim/run-seed.ts";
import { simplificationNames, simplifying } from "../test/sim/simplify.ts";
import { formatLine, Trace } from "../test/sim/trace.ts";

const usage = `npm run simulate -- [--seeds N] [--minutes M] [--seed N] [--trace] [--without NAME,…] [--mutant TEXT]
  --seeds    stop after so many seeds
  --minutes  stop after so many minutes; without --seeds and --minutes: 1
  --seed     the first seed; without --seeds and --minutes the only one
  --trace    print everything that happens in the one seed
  --without  leave something out of each world: ${simplificationNames.join(", ")}
  --mutant   put in the first of the bugs made on purpose that has this text in its name`;

const progressEveryMs = 2000;
/** What is counted among the faults because it is worth counting. */
const routine = /^(?:log|snapshot|watch|asked|refused|node) /;
/** What clients of the whole store asked. */
const asked = /^asked (?!to )/;

interface Request {
  readonly first: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly trace: boolean;
  readonly without: readonly string[];
  readonly mutant: Mutant | null;
}

const asking = readRequest();
if (asking === null) {
  console.log(usage);
} else {
  asking.mutant?.install?.();
  const tally = asking.trace ? await traceSeed(asking) : await runMany(asking);
  process.exitCode = tally.failures.length === 0 ? 0 : 1;
}

/** What the command line asks for; null when it only asks what can be asked. Ends the process when it makes no sense. */
function readRequest(): Request | null {
  try {
    const { values } = parseArgs({
      options: {
        seeds: { type: "string" },
        minutes: { type: "string" },
        seed: { type: "string" },
        trace: { type: "boolean", default: false },
        without: { type: "string", default: "" },
        mutant: { type: "string" },
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return null;
    const without = values.without.split(",").filter((name) => name !== "");
    const unknown = without.find((name) => !simplificationNames.includes(name));
    if (unknown !== undefined) throw new Error(`no world is known without ${unknown}`);
    const seed = readNumber("seed", values.seed);
    const seeds = readNumber("seeds", values.seeds);
    const minutes = readNumber("minutes", values.minutes);
    const bounded = seeds !== null || minutes !== null;
    return {
      first: seed ?? Math.floor(Math.random() * 2 ** 31),
      seeds: seeds ?? (seed !== null && !bounded ? 1 : Number.POSITIVE_INFINITY),
      minutes: minutes ?? (seed === null && !bounded ? 1 : Number.POSITIVE_INFINITY),
      trace: values.trace,
      without,
      mutant: readMutant(values.mutant),
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

async function traceSeed(request: Request): Promise<Tally> {
  const trace = new Trace(1, (line) => console.log(formatLine(line)));
  const tally = new Tally();
  const result = await runSeed(request.first, { ...optionsOf(request), trace });
  tally.add(request.first, result);
  console.log(result.failure === null ? "every rule held" : `\n${result.failure.message}`);
  return tally;
}

function optionsOf({ mutant, without }: Request): RunOptions {
  return simplifying(mutant === null ? {} : mutantOptions(mutant), without);
}

async function runMany(request: Request): Promise<Tally> {
  const { first, seeds, minutes, without, mutant } = request;
  const startedAtMs = performance.now();
  let progressAtMs = startedAtMs + progressEveryMs;
  let untilMs = startedAtMs + minutes * 60_000;
  // The seed that is running comes to its end, so that the summary is one of whole runs.
  process.once("SIGINT", () => (untilMs = 0));
  console.log(`seeds from ${first} on`);
  const tally = await runSeeds(seedsFrom(first, seeds), optionsOf(request), (soFar) => {
    const nowMs = performance.now();
    if (nowMs >= progressAtMs) {
      progressAtMs = nowMs + progressEveryMs;
      console.log(summarize(soFar, nowMs - startedAtMs));
    }
    return nowMs < untilMs;
  });
  console.log(`\n${summarize(tally, performance.now() - startedAtMs)}`);
  const { elected, committed, acknowledged } = tally;
  console.log(`${elected} leaders elected, ${committed} entries committed, ${acknowledged} writes acknowledged`);
  console.log(`faults: ${describe(tally, (name) => !routine.test(name))}`);
  console.log(`clients of the whole store asked for: ${describe(tally, (name) => asked.test(name))}`);
  console.log(`and in between: ${describe(tally, (name) => routine.test(name) && !asked.test(name))}`);
  const circumstances = mutant === null ? { without } : { without, mutant: mutant.name };
  const options = mutant === null ? {} : mutantOptions(mutant);
  for (const failure of tally.failures) console.log(`\n${await tellFailure(failure, options, circumstances)}`);
  console.log(tally.failures.length === 0 ? "every rule held" : "a rule was broken");
  return tally;
}

function summarize(tally: Tally, tookMs: number): string {
  const { seeds, events, simulatedMs, operations, faults, histories, undecided } = tally;
  const { user, system } = process.cpuUsage();
  return [
    `${seeds} seeds`,
    `${(simulatedMs / 3_600_000).toFixed(2)} simulated hours`,
    `${Math.round(simulatedMs / tookMs)} times real time`,
    `${Math.round(events / (tookMs / 1000))} events/s (${Math.round(events / ((user + system) / 1e6))} per second of processor time)`,
    `${operations} operations`,
    `${[...faults].reduce((sum, [name, count]) => sum + (routine.test(name) ? 0 : count), 0)} faults`,
    `${histories} histories ordered but for ${undecided}`,
  ].join(", ");
}

function describe({ faults }: Tally, chosen: (name: string) => boolean): string {
  const sorted = [...faults].filter(([name]) => chosen(name)).sort(([, one], [, other]) => other - one);
  return sorted.map(([name, count]) => `${count} ${name.replace(asked, "")}`).join(", ") || "none";
}

function readMutant(text: string | undefined): Mutant | null {
  if (text === undefined) return null;
  const found = allMutants.find(({ name }) => name.includes(text));
  if (found === undefined) throw new Error(`no bug is called ${text}`);
  return found;
}

function readNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number`);
  return value;
}
