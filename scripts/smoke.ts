/** `npm run smoke`: real data through real HTTP into a real cluster whose leader is crashed thrice; then everything is counted. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startLocalCluster } from "./lib/local-cluster.ts";
import type { LocalCluster } from "./lib/local-cluster.ts";
import { formatTally } from "./lib/tally.ts";
import {
  checkAcknowledged,
  checkContents,
  checkCrashes,
  checkLeaders,
  checkOnce,
  checkReadBack,
} from "./smoke/checks.ts";
import type { Check } from "./smoke/checks.ts";
import { readDataSet } from "./smoke/data-set.ts";
import { longestGaps, median } from "./smoke/gaps.ts";
import { Leaderships } from "./smoke/leaderships.ts";
import { runLoad } from "./smoke/load.ts";
import type { LoadResult } from "./smoke/load.ts";

const concurrency = 16;
const targetGapMs = 500;
const withinMs = 120_000;

setTimeout(() => finish([{ passed: false, finding: `not done within ${withinMs / 1000} s` }]), withinMs).unref();
finish(await run().catch((error: unknown) => [{ passed: false, finding: String(error) }]));

async function run(): Promise<Check[]> {
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-smoke-"));
  const leaderships = new Leaderships();
  const cluster = await startLocalCluster({
    statePath,
    entry: "test/support/worker.ts",
    onLog: (line) => leaderships.see(line),
  });
  try {
    return await loadAndCheck(cluster, leaderships);
  } finally {
    await cluster.stop();
    rmSync(statePath, { recursive: true });
  }
}

async function loadAndCheck(cluster: LocalCluster, leaderships: Leaderships): Promise<Check[]> {
  const pairs = readDataSet();
  await cluster.untilReady(30_000);
  console.log(`smoke: ${pairs.length} keys by ${concurrency} clients into ${cluster.members.length} nodes`);
  const result = await runLoad(cluster, leaderships, pairs, concurrency);
  printGaps(result);
  return [
    checkAcknowledged(pairs, result),
    checkCrashes(result, leaderships),
    await checkReadBack(cluster, result.acknowledgements, concurrency),
    await checkOnce(cluster, pairs.length),
    await checkContents(cluster, pairs.length),
    checkLeaders(leaderships),
  ];
}

function printGaps({ acknowledgements, crashes }: LoadResult): void {
  const gaps = longestGaps(
    acknowledgements.map(({ atMs }) => atMs),
    crashes.map(({ atMs }) => atMs),
  );
  for (const [position, { node, term }] of crashes.entries()) {
    console.log(
      `  crash of ${node}, leader of term ${term}: ${gaps[position]?.toFixed(0)} ms without an acknowledgement`,
    );
  }
  const middle = median(gaps);
  const verdict = middle <= targetGapMs ? "within" : "OVER";
  console.log(`  median ${middle.toFixed(0)} ms, ${verdict} the target of ${targetGapMs} ms`);
}

function finish(checks: readonly Check[]): never {
  for (const { passed, finding } of checks) console.log(`  ${passed ? "✓" : "✗"} ${finding}`);
  const passed = checks.filter((check) => check.passed).length;
  console.log(formatTally({ passed, failed: checks.length - passed }));
  process.exit(passed === checks.length ? 0 : 1);
}
