/** `npm run simulate`: runs seeds in the simulator until one breaks a rule, and prints what was simulated. */

import { parseArgs } from "node:util";
import { runSeeds, seedsFrom, Tally, tellFailure } from "../test/sim/campaign.ts";
import { runSeed } from "../test/sim/run-seed.ts";
import { formatLine, Trace } from "../test/sim/trace.ts";

const usage = `npm run simulate -- [--seeds N] [--minutes M] [--seed N] [--trace]
  --seeds    stop after so many seeds
  --minutes  stop after so many minutes; without --seeds and --minutes: 1
  --seed     the first seed; without --seeds and --minutes the only one
  --trace    print everything that happens in the one seed`;

const progressEveryMs = 2000;
/** What is counted among the faults because it is worth counting. */
const routine = /^(?:log|snapshot|watch|asked|linearizable) /;
/** What clients of the whole store asked. */
const asked = /^asked /;

interface Request {
  readonly first: number;
  readonly seeds: number;
  readonly minutes: number;
  readonly trace: boolean;
}

const request = readRequest();
if (request === null) {
  console.log(usage);
} else {
  const tally = request.trace ? await traceSeed(request.first) : await runMany(request);
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
        help: { type: "boolean", default: false },
      },
    });
    if (values.help) return null;
    const seed = readNumber("seed", values.seed);
    const seeds = readNumber("seeds", values.seeds);
    const minutes = readNumber("minutes", values.minutes);
    const bounded = seeds !== null || minutes !== null;
    return {
      first: seed ?? Math.floor(Math.random() * 2 ** 31),
      seeds: seeds ?? (seed !== null && !bounded ? 1 : Number.POSITIVE_INFINITY),
      minutes: minutes ?? (seed === null && !bounded ? 1 : Number.POSITIVE_INFINITY),
      trace: values.trace,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exit(2);
  }
}

async function traceSeed(seed: number): Promise<Tally> {
  const trace = new Trace(1, (line) => console.log(formatLine(line)));
  const tally = new Tally();
  const result = await runSeed(seed, { trace });
  tally.add(seed, result);
  console.log(result.failure === null ? "every rule held" : `\n${result.failure.message}`);
  return tally;
}

async function runMany({ first, seeds, minutes }: Request): Promise<Tally> {
  const startedAtMs = performance.now();
  let progressAtMs = startedAtMs + progressEveryMs;
  let untilMs = startedAtMs + minutes * 60_000;
  // The seed that is running comes to its end, so that the summary is one of whole runs.
  process.once("SIGINT", () => (untilMs = 0));
  console.log(`seeds from ${first} on`);
  const tally = await runSeeds(seedsFrom(first, seeds), {}, (soFar) => {
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
  console.log(`clients of the whole store: ${describe(tally, (name) => asked.test(name))}`);
  console.log(`and in between: ${describe(tally, (name) => routine.test(name) && !asked.test(name))}`);
  for (const failure of tally.failures) console.log(`\n${await tellFailure(failure)}`);
  console.log(tally.failures.length === 0 ? "every rule held" : "a rule was broken");
  return tally;
}

function summarize({ seeds, events, simulatedMs, operations, faults }: Tally, tookMs: number): string {
  return [
    `${seeds} seeds`,
    `${(simulatedMs / 3_600_000).toFixed(2)} simulated hours`,
    `${Math.round(simulatedMs / tookMs)} times real time`,
    `${Math.round(events / (tookMs / 1000))} events/s`,
    `${operations} operations`,
    `${[...faults].reduce((sum, [name, count]) => sum + (routine.test(name) ? 0 : count), 0)} faults`,
  ].join(", ");
}

function describe({ faults }: Tally, chosen: (name: string) => boolean): string {
  const sorted = [...faults].filter(([name]) => chosen(name)).sort(([, one], [, other]) => other - one);
  return sorted.map(([name, count]) => `${count} ${name}`).join(", ") || "none";
}

function readNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number`);
  return value;
}
