/** `npm test`: every test and the smoke run, and one line that counts them. `npm test -- words` runs only matching test files. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { projectPath } from "./lib/deployment.ts";
import { runNode } from "./lib/run-command.ts";
import { addTallies, formatTally, parseTally } from "./lib/tally.ts";
import type { Tally } from "./lib/tally.ts";
import { countTests } from "./lib/vitest-report.ts";

/** What workerd says of objects that tests reset on purpose, and where vitest left its report. */
const noise = /^(?:uncaught exception; exception = workerd\/|stack: .*\bworkerd@|JSON report written to )/;

const words = process.argv.slice(2);
const tests = await runTests(words);
const total = words.length > 0 ? tests : addTallies(tests, await runSmoke());
console.log(formatTally(total));
process.exitCode = total.failed === 0 ? 0 : 1;

async function runTests(filters: readonly string[]): Promise<Tally> {
  const folder = mkdtempSync(join(tmpdir(), "durable-raft-"));
  const reportPath = join(folder, "report.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${reportPath}`];
  const vitest = resolve(projectPath, "node_modules/vitest/vitest.mjs");
  const { exitCode } = await runNode(vitest, ["run", ...reporters, ...filters], noise);
  const tally = countTests(reportPath, exitCode);
  rmSync(folder, { recursive: true });
  return tally;
}

async function runSmoke(): Promise<Tally> {
  const { exitCode, output } = await runNode(resolve(projectPath, "scripts/smoke.ts"), []);
  const tally = parseTally(output);
  return exitCode !== 0 && tally.failed === 0 ? { ...tally, failed: 1 } : tally;
}
