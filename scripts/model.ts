/** `npm run model`: samples the formal model against its invariants, and lets the real core go the same ways. */

import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { modelMutants, mutate } from "../test/model/model-mutants.ts";
import { divergenceOf } from "../test/model/replay.ts";
import { modelPath, sample, witnesses } from "../test/model/sample.ts";
import type { Sampled } from "../test/model/sample.ts";
import { readTrace } from "../test/model/trace.ts";
import { memberMutants } from "../test/sim/member-mutants.ts";
import { mutants } from "../test/sim/mutants.ts";

const usage = `npm run model -- [--samples N] [--steps N] [--seed N] [--mutants]
  --samples  how many ways to go (200)
  --steps    how long each is (150)
  --seed     the first seed
  --mutants  also makes mistakes on purpose, in the model and in the core, and says which of them were found`;

/** So many samples are taken at a time; their traces are read one after the other. */
const batch = 25;
/** Each mistake in the model gets so many samples, so many at a time. */
const mutantSamples = 1000;
const mutantBatch = 100;
/** Each mistake in the core has to go wrong in one of so many traces. */
const mutantTraces = 100;
/** With fewer samples some witness may be missing by chance. */
const enoughSamples = 150;

interface Totals {
  traces: number;
  steps: number;
  readonly witnessed: Map<string, number>;
}

const { values } = parseArgs({
  options: {
    samples: { type: "string", default: "200" },
    steps: { type: "string", default: "150" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
    mutants: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});
const [samples, steps, firstSeed] = [Number(values.samples), Number(values.steps), Number(values.seed)];
const folder = mkdtempSync(join(tmpdir(), "durable-raft-model-"));
if (values.help) {
  console.log(usage);
} else if (!(samples >= 1 && steps >= 1 && firstSeed >= 0)) {
  console.error(usage);
  process.exitCode = 2;
} else {
  process.exitCode = (await run()) ? 0 : 1;
}
rmSync(folder, { recursive: true, force: true });

async function run(): Promise<boolean> {
  console.log(`model: ${samples} samples of ${steps} steps, seeds from ${firstSeed} on`);
  const totals: Totals = { traces: 0, steps: 0, witnessed: new Map() };
  const startedAtMs = performance.now();
  for (let done = 0; done < samples; done += batch) {
    const seed = firstSeed + done;
    const sampled = await sampleBatch(modelPath, Math.min(batch, samples - done), seed);
    if (!isClean(sampled, seed) || !replayAll(sampled, totals, seed)) return false;
    console.log(`  ${totals.traces} traces, ${totals.steps} steps`);
  }
  const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(0);
  console.log(
    `every invariant held in ${totals.steps} steps, and the core did what the model does in each, in ${seconds} s`,
  );
  for (const name of witnesses) console.log(`  ${name} in ${totals.witnessed.get(name) ?? 0} traces`);
  const missing = witnesses.filter((name) => (totals.witnessed.get(name) ?? 0) === 0);
  if (samples >= enoughSamples && missing.length > 0) {
    console.log(`these samples say little: none of them shows ${missing.join(", ")}`);
    return false;
  }
  return values.mutants ? await findMutants() : true;
}

async function sampleBatch(specification: string, count: number, seed: number): Promise<Sampled> {
  const traces = join(folder, "traces");
  rmSync(traces, { recursive: true, force: true });
  mkdirSync(traces);
  return await sample({ specification, samples: count, steps, seed, folder: traces });
}

function isClean({ violated }: Sampled, seed: number): boolean {
  if (violated.length === 0) return true;
  console.log(`the model violates ${violated.join(", ")}: --seed ${seed} --samples ${batch}`);
  return false;
}

function replayAll({ traces, witnessed }: Sampled, totals: Totals, seed: number): boolean {
  for (const [name, count] of witnessed) totals.witnessed.set(name, (totals.witnessed.get(name) ?? 0) + count);
  for (const path of traces) {
    const states = readTrace(path);
    const divergence = divergenceOf(states);
    if (divergence !== null) {
      console.log(`the core goes another way, with --seed ${seed} --samples ${batch}:\n  ${divergence}`);
      return false;
    }
    totals.traces += 1;
    totals.steps += states.length - 1;
  }
  return true;
}

/** How many samples it takes at most, rounded up to whole batches. */
async function findViolation(specification: string) {
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1000;
  for (let tried = 0; tried < mutantSamples; tried += mutantBatch) {
    const seed = firstSeed + tried;
    const { violated } = await sample({ specification, samples: mutantBatch, steps, seed, folder: null });
    if (violated.length > 0) return { violated, tried: tried + mutantBatch, seconds: seconds() };
  }
  return { violated: [], tried: mutantSamples, seconds: seconds() };
}

async function findMutants(): Promise<boolean> {
  console.log(`mistakes in the model, ${mutantSamples} samples for each at most:`);
  let missed = 0;
  for (const mutant of modelMutants) {
    const specification = join(folder, "mutant.qnt");
    writeFileSync(specification, mutate(readFileSync(modelPath, "utf8"), mutant));
    const { violated, tried, seconds } = await findViolation(specification);
    if (violated.length === 0) missed += 1;
    const told = `${String(tried).padStart(4)} samples  ${seconds.toFixed(0).padStart(4)} s`;
    console.log(`  ${told}  ${(violated.join(", ") || "NOT FOUND").padEnd(20)}  ${mutant.name}`);
  }
  const { traces } = await sampleBatch(modelPath, mutantTraces, firstSeed);
  console.log(`mistakes in the core, ${traces.length} traces for each:`);
  const ways = traces.map(readTrace);
  let found = 0;
  const patched = [...mutants, ...memberMutants].filter(({ install }) => install !== undefined);
  for (const { name, install } of patched) {
    const undo = install?.() ?? (() => {});
    const at = ways.findIndex((states) => divergenceOf(states) !== null);
    undo();
    if (at >= 0) found += 1;
    console.log(`  ${(at < 0 ? "-" : `trace ${at + 1}`).padEnd(20)}  ${name}`);
  }
  // Most of those that are left are mistakes of something that the model does not have.
  console.log(
    `${modelMutants.length - missed} of ${modelMutants.length} in the model, ${found} of ${patched.length} in the core`,
  );
  return missed === 0 && found > 0;
}
