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

const { values } = parseArgs({
  options: {
    seeds: { type: "string" },
    minutes: { type: "string" },
    seed: { type: "string" },
    trace: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) {
  console.log(usage);
} else {
  const single = values.seed !== undefined && values.seeds === undefined && values.minutes === undefined;
  const first = readNumber("seed", values.seed) ?? Math.floor(Math.random() * 2 ** 31);
  const tally = values.trace
    ? await traceSeed(first)
    : await runMany(first, single ? 1 : readNumber("seeds", values.seeds));
  process.exitCode = tally.failures.length === 0 ? 0 : 1;
}

async function traceSeed(seed: number): Promise<Tally> {
  const trace = new Trace(1, (line) => console.log(formatLine(line)));
  const tally = new Tally();
  const result = await runSeed(seed, { trace });
  tally.add(seed, result);
  console.log(result.failure === null ? "every rule held" : `\n${result.failure.message}`);
  return tally;
}

async function runMany(first: number, seeds: number | null): Promise<Tally> {
  const minutes = readNumber("minutes", values.minutes) ?? (seeds === null ? 1 : Number.POSITIVE_INFINITY);
  const startedAtMs = performance.now();
  const untilMs = startedAtMs + minutes * 60_000;
  let progressAtMs = startedAtMs + progressEveryMs;
  console.log(`seeds from ${first} on`);
  const tally = await runSeeds(seedsFrom(first, seeds ?? Number.POSITIVE_INFINITY), {}, (soFar) => {
    const nowMs = performance.now();
    if (nowMs >= progressAtMs) {
      progressAtMs = nowMs + progressEveryMs;
      console.log(summarize(soFar, nowMs - startedAtMs));
    }
    return nowMs < untilMs;
  });
  console.log(`\n${summarize(tally, performance.now() - startedAtMs)}`);
  console.log(
    `${tally.elected} leaders elected, ${tally.committed} entries committed, ${tally.operations} client operations`,
  );
  console.log(`faults: ${describeFaults(tally)}`);
  for (const failure of tally.failures) console.log(`\n${await tellFailure(failure)}`);
  console.log(tally.failures.length === 0 ? "every rule held" : "a rule was broken");
  return tally;
}

function summarize({ seeds, events, simulatedMs }: Tally, tookMs: number): string {
  return [
    `${seeds} seeds`,
    `${(simulatedMs / 3_600_000).toFixed(2)} simulated hours`,
    `${Math.round(simulatedMs / tookMs)} times real time`,
    `${Math.round(events / (tookMs / 1000))} events/s`,
  ].join(", ");
}

function describeFaults({ faults }: Tally): string {
  const sorted = [...faults].sort(([, one], [, other]) => other - one);
  return sorted.map(([fault, count]) => `${count} ${fault}`).join(", ") || "none";
}

function readNumber(name: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (text === "" || !Number.isFinite(value) || value < 0) throw new Error(`--${name} must be a number\n${usage}`);
  return value;
}
