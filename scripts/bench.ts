/** `npm run bench`: writes and reads through Raft, against a plain Durable Object and a Worker alone, all in one workerd. */

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Client } from "undici";
import { keyCount, keyPath, runLoad, send } from "./bench/load.ts";
import type { Operation, Sample } from "./bench/load.ts";
import { formatDoubts, formatTable, formatVerdict } from "./bench/report.ts";
import type { Row } from "./bench/report.ts";
import { summarize } from "./bench/statistics.ts";
import { projectPath, readDeployment } from "./lib/deployment.ts";
import { startLocalCluster } from "./lib/local-cluster.ts";

const usage = `Measures writes and linearizable reads on this machine.

  npm run bench -- [--seconds N]

  --seconds N   how long each of the 27 cells is measured (6)`;

const rounds = 5;
const connectionCounts = [1, 32, 128];
const operations: readonly Operation[] = [
  { name: "PUT 100 B", method: "PUT", body: new Uint8Array(100).fill(97) },
  { name: "PUT 1 KB", method: "PUT", body: new Uint8Array(1000).fill(97) },
  { name: "GET 100 B", method: "GET", body: null },
];
const variants = ["raft", "plain", "none"] as const;
type Origins = Readonly<Record<(typeof variants)[number], string>>;

const { values } = parseArgs({ options: { seconds: { type: "string", default: "6" }, help: { type: "boolean" } } });
const seconds = Number(values.seconds);
if (values.help === true || !(seconds > 0)) console.log(usage);
else await run();

async function run(): Promise<void> {
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-bench-"));
  const { compatibilityDate } = readDeployment();
  const cluster = await startLocalCluster({
    statePath,
    companions: [
      {
        name: "plain",
        entry: "scripts/bench/plain-object.ts",
        compatibilityDate,
        objects: { PLAIN_OBJECT: "PlainObject" },
      },
      { name: "none", entry: "scripts/bench/no-object.ts", compatibilityDate },
    ],
  });
  try {
    await cluster.untilReady(30_000);
    const [raft, plain, none] = await Promise.all(
      [undefined, "plain", "none"].map(async (worker) => (await cluster.addressOf(worker)).origin),
    );
    if (raft === undefined || plain === undefined || none === undefined) throw new Error("a Worker has no address");
    report(await measure({ raft, plain, none }));
  } finally {
    await cluster.stop();
    rmSync(statePath, { recursive: true });
  }
}

async function measure(origins: Origins): Promise<Row[]> {
  const rows: Row[] = [];
  const progress = showProgress(operations.length * connectionCounts.length * rounds * variants.length);
  for (const operation of operations) {
    for (const variant of variants) await prepare(origins[variant]);
    for (const connections of connectionCounts) rows.push(await measureRow(origins, operation, connections, progress));
  }
  return rows;
}

/** The variants take turns within each round, so that whatever else the machine does hits all of them alike. */
async function measureRow(
  origins: Origins,
  operation: Operation,
  connections: number,
  progress: (cell: string) => void,
): Promise<Row> {
  const samples: Record<(typeof variants)[number], Sample[]> = { raft: [], plain: [], none: [] };
  for (const variant of variants) await runLoad(origins[variant], operation, connections, 300);
  for (let round = 0; round < rounds; round += 1) {
    for (const variant of variants) {
      progress(`${operation.name}, ${connections} connections, ${variant}`);
      samples[variant].push(await runLoad(origins[variant], operation, connections, (seconds * 1000) / rounds));
    }
  }
  const { raft, plain, none } = samples;
  const figures = { raft: summarize(raft), plain: summarize(plain), none: summarize(none) };
  return { operation: operation.name, connections, ...figures };
}

/** Gives every key a value of 100 bytes, so that reads find one. */
async function prepare(origin: string): Promise<void> {
  const client = new Client(origin, { pipelining: 1 });
  const write: Operation = { name: "prepare", method: "PUT", body: new Uint8Array(100).fill(97) };
  for (let number = 0; number < keyCount; number += 1) {
    if (!(await send(client, write, keyPath(number)))) throw new Error(`${origin}${keyPath(number)} takes no value`);
  }
  await client.close();
}

function showProgress(steps: number): (cell: string) => void {
  let step = 0;
  return (cell) => {
    step += 1;
    const line = `${step}/${steps}  ${cell}`;
    process.stderr.write(process.stderr.isTTY ? `\r\x1b[K${line}${step === steps ? "\n" : ""}` : `${line}\n`);
  };
}

function report(rows: readonly Row[]): void {
  const machine = { cpu: cpus()[0]?.model ?? "unknown", cores: cpus().length, node: process.version };
  const folder = resolve(projectPath, "bench-results");
  const path = join(folder, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  mkdirSync(folder, { recursive: true });
  writeFileSync(path, `${JSON.stringify({ machine, seconds, rounds, rows }, null, 2)}\n`);
  console.log(`\n${machine.cpu}, ${machine.cores} cores; ${seconds} s a cell in ${rounds} rounds\n`);
  console.log(`${formatTable(rows)}\n`);
  for (const doubt of formatDoubts(rows)) console.log(`doubtful: ${doubt}`);
  console.log(`All figures: ${path}`);
  console.log(formatVerdict(rows));
}
