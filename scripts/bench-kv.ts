/** `npm run bench:kv`: what a write costs the store as its keys grow, beside one table with the key as primary key. */

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Log, LogLevel, Miniflare } from "miniflare";
import { batchWrites, contestantNames, orderNames } from "./bench/kv-contestants.ts";
import type { ContestantName, Segment } from "./bench/kv-contestants.ts";
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

/** What one contestant has needed for one segment. */
interface Cost {
  elapsedMs: number;
  rowsWritten: number;
  databaseBytes: number;
  pages: number;
}

if (values.help || !(keys >= 1000)) console.log(usage);
else await run();

async function run(): Promise<void> {
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
    for (const order of orderNames) await measureOrder(url, order);
  } finally {
    await miniflare.dispose();
    rmSync(statePath, { recursive: true });
  }
}

async function measureOrder(url: URL, order: Segment["order"]): Promise<void> {
  const counters = { store: new PageCounter("store"), naive: new PageCounter("naive") };
  let from = 0;
  for (let size = 1000; size <= keys; size *= 10) {
    const filling: Segment = { order, from, count: size - from, among: 0 };
    report(size, "new keys", filling, await measure(url, filling, counters));
    const overwriting: Segment = { order, from: size, count: Math.min(size, 20_000), among: size };
    report(size, "old keys", overwriting, await measure(url, overwriting, counters));
    from = size;
  }
  for (const counter of Object.values(counters)) counter.close();
}

/** The contestants take turns, part by part, so that whatever else the machine does hits both alike. */
async function measure(
  url: URL,
  segment: Segment,
  counters: Readonly<Record<ContestantName, PageCounter>>,
): Promise<Record<ContestantName, Cost>> {
  const newCost = (): Cost => ({ elapsedMs: 0, rowsWritten: 0, databaseBytes: 0, pages: 0 });
  const costs = { store: newCost(), naive: newCost() };
  for (let first = 0; first < segment.count; first += partWrites) {
    const count = Math.min(partWrites, segment.count - first);
    for (const name of contestantNames) {
      const begunMs = performance.now();
      const { rowsWritten, databaseBytes } = await writePart(url, { name, segment, first, count });
      const cost = costs[name];
      cost.elapsedMs += performance.now() - begunMs;
      cost.rowsWritten += rowsWritten;
      cost.databaseBytes = databaseBytes;
    }
  }
  for (const name of contestantNames) costs[name].pages = counters[name].write(segment);
  return costs;
}

async function writePart(url: URL, part: Part): Promise<PartWritten> {
  const path = new URL(`/${part.name}-${part.segment.order}`, url);
  const response = await fetch(path, { method: "POST", body: JSON.stringify(part) });
  if (!response.ok) throw new Error(`an object could not write: ${await response.text()}`);
  return (await response.json()) as PartWritten;
}

function report(size: number, writesTo: string, { order, count }: Segment, costs: Record<ContestantName, Cost>): void {
  const { store, naive } = costs;
  const rate = ({ elapsedMs }: Cost): number => (count / elapsedMs) * 1000;
  const pairs = [
    ...[store, naive].map(({ rowsWritten }) => (rowsWritten / count).toFixed(2)),
    ...[store, naive].map(({ pages }) => (pages / count).toFixed(2)),
    ...[store, naive].map(({ databaseBytes }) => (databaseBytes / 1e6).toFixed(1)),
  ];
  const rates = [store, naive].map((cost) => Math.round(rate(cost)).toLocaleString("en"));
  const ratio = `${(rate(store) / rate(naive)).toFixed(2)}x`;
  printLine([size.toLocaleString("en"), order, writesTo, ...rates, ratio, ...pairs]);
}

function printLine(cells: readonly string[]): void {
  console.log(cells.map((cell, at) => cell.padStart(columnWidths[at] ?? 9)).join(" "));
}
