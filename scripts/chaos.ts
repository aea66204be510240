/** `npm run chaos`: a cluster of real processes, killed, paused and separated under load, and judged by what its clients saw. */

import { tmpdir } from "node:os";
import { join } from "node:path";
import { statuses } from "./chaos/http.ts";
import type { Happened, Nemesis } from "./chaos/nemesis.ts";
import { onOrphaned } from "./chaos/parent.ts";
import { mutants } from "./chaos/mutants.ts";
import { chaosUsage, parseChaosOptions } from "./chaos/options.ts";
import type { ChaosOptions } from "./chaos/options.ts";
import { ChaosRun } from "./chaos/run.ts";
import type { Verdict } from "./chaos/verdict.ts";
import { formatTally } from "./lib/tally.ts";

/** Beyond the time that was asked for, and half of that again: to start, to heal, to read everything again, to check. */
const mostOvertimeMs = 300_000;

const options = readOptions();
if (options.help) {
  console.log(chaosUsage);
} else {
  setTimeout(() => fail("the run did not end in time"), 1.5 * options.durationMs + mostOvertimeMs).unref();
  // Not once: a second signal would end this process before it has ended the others.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => fail(`ended by ${signal}`));
  onOrphaned(() => fail("ended, as npm has"));
  process.exit((await start(options)) ? 0 : 1);
}

/** True if all is as it should be: no rule broken, or one by a mistake that was made on purpose. */
async function start({ mutant, nodes, clients, seed, durationMs, historyPath }: ChaosOptions): Promise<boolean> {
  console.log(`chaos: seed ${seed}, ${nodes} processes, ${clients} clients, ${durationMs / 1000} s`);
  if (mutant !== "") console.log(`with a mistake made on purpose: ${mutants[mutant]?.text}`);
  const run = await ChaosRun.make(options);
  try {
    const verdicts = await run.run();
    printCounts(run);
    const isBroken = verdicts.some(({ passed }) => !passed);
    for (const verdict of verdicts) print(verdict);
    const path = historyPath ?? (isBroken ? join(tmpdir(), `durable-raft-chaos-${seed}.jsonl`) : null);
    if (path !== null) await run.record.save(path, { seed, nodes, clients, durationMs, mutant });
    if (path !== null) console.log(`  the history is in ${path}; the seed is ${seed}`);
    if (mutant !== "") return tellMutant(isBroken);
    const passed = verdicts.filter((verdict) => verdict.passed).length;
    console.log(formatTally({ passed, failed: verdicts.length - passed }));
    return !isBroken;
  } catch (error) {
    printCounts(run);
    // A mistake made on purpose may also keep the cluster from coming back.
    console.log(`  ✗ ${error instanceof Error ? error.message : String(error)}`);
    if (mutant !== "" && run.hasBegun) return tellMutant(true);
    console.log(formatTally({ passed: 0, failed: 1 }));
    return false;
  } finally {
    await run.stop();
  }
}

function tellMutant(isBroken: boolean): boolean {
  console.log(isBroken ? "the mistake was found" : "the mistake was NOT found");
  return isBroken;
}

function printCounts({ record, nemesis, cluster }: ChaosRun): void {
  const { answered, refused, unknown } = record.counts;
  const faces = [...record.faces].map(([name, count]) => `${count} over ${name}`).join(", ");
  const { passed, blocked, lost, duplicated, delayed, queued } = cluster.network.counts;
  const snapshots = [...cluster.snapshots.values()].reduce((sum, count) => sum + count, 0);
  console.log(`  ${answered} operations answered (${faces}), ${refused} refused, ${unknown} of unknown outcome`);
  const told = [...statuses].toSorted(([one], [other]) => one - other).map(([status, count]) => `${count} × ${status}`);
  console.log(`  answers by status: ${told.join(", ")}`);
  console.log(`  ${nemesis.happened.length} faults; in brackets, how many did what they are for:`);
  console.log(`    ${tallyFaults(nemesis.happened)}`);
  console.log(
    `  calls between processes: ${passed} answered, ${blocked} cut off, ${lost} lost, ${duplicated} repeated,`,
  );
  console.log(`    ${delayed} delayed, ${queued} behind others; ${snapshots} snapshots installed`);
  printAvailability(record.acknowledgedMs, nemesis);
}

function tallyFaults(happened: readonly Happened[]): string {
  const names = new Set(happened.map(({ name }) => name).toSorted());
  const counts = [...names].map((name) => {
    const all = happened.filter((fault) => fault.name === name);
    return `${all.length} ${name} (${all.filter(({ reached }) => reached).length})`;
  });
  return counts.join(", ") || "none";
}

function printAvailability(acknowledgedMs: readonly number[], nemesis: Nemesis): void {
  const sorted = acknowledgedMs.toSorted((one, other) => one - other);
  let [longestMs, endedAtMs] = [0, 0];
  for (const [position, atMs] of sorted.entries()) {
    const gapMs = atMs - (sorted[position - 1] ?? atMs);
    if (gapMs > longestMs) [longestMs, endedAtMs] = [gapMs, atMs];
  }
  const served = new Set(sorted.map((atMs) => Math.floor(atMs / 1000))).size;
  const during = nemesis.between(endedAtMs - longestMs, endedAtMs).join(", ") || "nothing";
  console.log(
    `  writes were acknowledged in ${served} seconds; the longest time without: ${inSeconds(longestMs)} (${during})`,
  );
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function print({ passed, text, findings }: Verdict): void {
  console.log(`  ${passed ? "✓" : "✗"} ${text}`);
  for (const finding of findings) console.log(finding);
}

function readOptions(): ChaosOptions {
  try {
    return parseChaosOptions(process.argv.slice(2));
  } catch (error) {
    console.error(`npm run chaos: ${error instanceof Error ? error.message : String(error)}`);
    process.exit(2);
  }
}

function fail(reason: string): never {
  console.log(`  ✗ ${reason}`);
  console.log(formatTally({ passed: 0, failed: 1 }));
  process.exit(1);
}
