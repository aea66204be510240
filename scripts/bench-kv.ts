/** `npm run bench:kv`: what a write costs the store as its keys grow, beside one table with the key as primary key. */

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare } from "miniflare";
import { batchWrites, contestantNames, orderNames } from "./bench/kv-contestants.ts";
import type { Segment } from "./bench/kv-contestants.ts";
import type { Part, PartWritten } from "./bench/kv-object.ts";
import { PageCounter } from "./bench/kv-pages.ts";
import { stopBundler } from "./lib/bundle.ts";
import { readDeployment } from "./lib/deployment.ts";
import { toWorkerOptions } from "./lib/local-worker.ts";
import { guardWorkerd } from "./lib/workerd-guard.ts";

const usage = `Measures writes of 100 bytes, applied by the hundred, in workerd: to new keys and to keys that exist.

  npm run bench:kv -- [--keys N]

  --keys N   how many keys the store gets (100000; the full size is 1000000)

Rows are those that Cloudflare bills; pages are those of the database file, counted with Node's SQLite.`;

const { values } = parseArgs({
  options: { keys: { type: "string", default: "100000" }, help: { type: "boolean", default: false } },
});
const keys = Number(values.keys);
/** So many writes at most travel in one call to an object. */
const partWrites = 2000;
const columnWidths = [11, 10, 11, 10, 10, 8, 9, 9, 9, 9, 9, 9];

/** Writes that are measured together. */
interface Measured {
  readonly keys: number;
  readonly writesTo: "new keys" | "old keys";
  readonly segment: Segment;
}

/** What one contestant has needed for one segment. */
interface Cost {
  elapsedMs: number;
  rowsWritten: number;
  databaseBytes: number;
}

if (values.help || !(keys >= 1000)) console.log(usage);
else await run();

async function run(): Promise<void> {
  // Counted first: meanwhile this process answers nobody, and connections to workerd would not outlast it.
  const pages = new Map(orderNames.map((order) => [order, countPages(segmentsOf(order))]));
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-bench-"));
  const { compatibilityDate } = readDeployment();
  const worker = { name: "kv", entry: "scripts/bench/kv-object.ts", compatibilityDate };
  const options = await toWorkerOptions({ ...worker, objects: { CONTESTANT: "ContestantObject" } });
  await stopBundler();
  guardWorkerd();
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.NONE),
    resourcePersistencePath: statePath,
    workers: [options],
  });
  try {
    const url = await miniflare.ready;
    console.log(`${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores; ${batchWrites} writes a transaction\n`);
    printLine(["", "", "", "writes/s", "", "", "rows a", "write", "pages a", "write", "MB", ""]);
    const pair = ["store", "naive"];
    printLine(["keys", "order", "writes to", ...pair, "ratio", ...pair, ...pair, ...pair]);
    for (const order of orderNames) {
      for (const [at, measured] of segmentsOf(order).entries()) {
        report(measured, await measure(url, measured.segment), pages.get(order)?.[at] ?? []);
      }
    }
  } finally {
    await miniflare.dispose();
    rmSync(statePath, { recursive: true });
  }
}

function segmentsOf(order: Segment["order"]): Measured[] {
  const sizes: number[] = [];
  for (let size = 1000; size <= keys; size *= 10) sizes.push(size);
  return sizes.flatMap((size, at): Measured[] => {
    const before = sizes[at - 1] ?? 0;
    const filling = { order, from: before, count: size - before, among: 0 };
    const overwriting = { order, from: size, count: Math.min(size, 20_000), among: size };
    return [
      { keys: size, writesTo: "new keys", segment: filling },
      { keys: size, writesTo: "old keys", segment: overwriting },
    ];
  });
}

/** For each segment, how many pages each contestant writes. */
function countPages(segments: readonly Measured[]): number[][] {
  const counters = contestantNames.map((name) => new PageCounter(name));
  const pages = segments.map(({ segment }) => counters.map((counter) => counter.write(segment)));
  for (const counter of counters) counter.close();
  return pages;
}

/** The contestants take turns, part by part, so that whatever else the machine does hits both alike. */
async function measure(url: URL, segment: Segment): Promise<Cost[]> {
  const costs = contestantNames.map((): Cost => ({ elapsedMs: 0, rowsWritten: 0, databaseBytes: 0 }));
  for (let first = 0; first < segment.count; first += partWrites) {
    const count = Math.min(partWrites, segment.count - first);
    for (const [at, name] of contestantNames.entries()) {
      const begunMs = performance.now();
      const { rowsWritten, databaseBytes } = await writePart(url, { name, segment, first, count });
      const cost = costs[at];
      if (cost === undefined) throw new Error("a contestant has no costs");
      cost.elapsedMs += performance.now() - begunMs;
      cost.rowsWritten += rowsWritten;
      cost.databaseBytes = databaseBytes;
    }
  }
  return costs;
}

async function writePart(url: URL, part: Part): Promise<PartWritten> {
  const path = new URL(`/${part.name}-${part.segment.order}`, url);
  const response = await fetch(path, { method: "POST", body: JSON.stringify(part) });
  if (!response.ok) throw new Error(`an object could not write: ${await response.text()}`);
  return (await response.json()) as PartWritten;
}

function report({ keys: size, writesTo, segment }: Measured, costs: readonly Cost[], pages: readonly number[]): void {
  const { order, count } = segment;
  const rates = costs.map(({ elapsedMs }) => (count / elapsedMs) * 1000);
  printLine([
    size.toLocaleString("en"),
    order,
    writesTo,
    ...rates.map((rate) => Math.round(rate).toLocaleString("en")),
    `${((rates[0] ?? 0) / (rates[1] ?? 0)).toFixed(2)}x`,
    ...costs.map(({ rowsWritten }) => (rowsWritten / count).toFixed(2)),
    ...pages.map((written) => (written / count).toFixed(2)),
    ...costs.map(({ databaseBytes }) => (databaseBytes / 1e6).toFixed(1)),
  ]);
}

function printLine(cells: readonly string[]): void {
  console.log(cells.map((cell, at) => cell.padStart(columnWidths[at] ?? 9)).join(" "));
}
