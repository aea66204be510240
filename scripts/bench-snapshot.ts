/** `npm run bench:snapshot`: a new node joins a group that holds much data, by a snapshot, while clients go on writing. */

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { internalHeader, internalOrigin, internalPath } from "../src/internal.ts";
import { PeakMemory, workerdBytes } from "./bench/memory.ts";
import { SteadyWriters, writeKeys } from "./bench/writers.ts";
import { type LocalCluster, startLocalCluster } from "./lib/local-cluster.ts";

const usage = `Measures how a new node gets the state of a group.

  npm run bench:snapshot -- [--keys N] [--value-bytes N] [--connections N] [--nodes N]

  --keys N          how many keys the group holds (20000; the full size is 200000)
  --value-bytes N   how large their values are (1000)
  --connections N   how many clients write meanwhile, each one write after the other (8)
  --nodes N         how many voters the group has before (3)`;

const { values } = parseArgs({
  options: {
    keys: { type: "string", default: "20000" },
    "value-bytes": { type: "string", default: "1000" },
    connections: { type: "string", default: "8" },
    nodes: { type: "string", default: "3" },
    help: { type: "boolean", default: false },
  },
});
const keys = Number(values.keys);
const valueBytes = Number(values["value-bytes"]);
const connections = Number(values.connections);
const nodes = Number(values.nodes);
const mebibyte = 1024 * 1024;
/** So short a log that whoever joins needs the state. */
const log = { keepEntries: 1000, keepBytes: mebibyte, maxEntries: 100_000, maxBytes: 64 * mebibyte };
const prefix = "snapshot";
const newcomer = "newcomer";

if (values.help || !(keys > 0 && valueBytes > 0 && connections > 0 && nodes > 0)) console.log(usage);
else await run();

async function run(): Promise<void> {
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-bench-"));
  const members = Array.from({ length: nodes }, (_, position) => ({ id: `n${position + 1}`, role: "voter" as const }));
  const cluster = await startLocalCluster({ statePath, members, variables: { RAFT_LOG: log } });
  try {
    await cluster.untilReady(30_000);
    await measure(cluster, (await cluster.addressOf()).origin);
  } finally {
    await cluster.stop();
    rmSync(statePath, { recursive: true });
  }
}

async function measure(cluster: LocalCluster, origin: string): Promise<void> {
  const emptyBytes = workerdBytes();
  const loadedInMs = await timed(() =>
    writeKeys(origin, prefix, keys, valueBytes, 64, (written) => tell("loading", written)),
  );
  tell("loading", keys);
  const loadedBytes = workerdBytes();
  const writers = new SteadyWriters(origin, prefix, keys, valueBytes, connections);
  await sleep(3000);
  const memory = new PeakMemory();
  const startedAtMs = performance.now();
  const before = writers.rate(startedAtMs - 2000, startedAtMs);
  await addLearner(origin);
  const stream = await untilInstalled(cluster, startedAtMs);
  const during = writers.rate(startedAtMs, stream.endMs);
  const caughtUpMs = await untilCaughtUp(origin);
  const peakBytes = memory.stop();
  await sleep(2000);
  const now = performance.now();
  const after = writers.rate(now - 2000, now);
  await writers.stop();
  const streamMs = stream.endMs - stream.beginMs;
  console.log(`
${cpus()[0]?.model ?? "unknown"}, ${cpus().length} cores, node ${process.version}
${keys} keys of ${valueBytes} bytes in a group of ${nodes}, loaded in ${seconds(loadedInMs)} (${rate(keys, loadedInMs)} writes/s)
snapshot: ${megabytes(stream.bytes)} in ${seconds(streamMs)}, ${(stream.bytes / 1e6 / (streamMs / 1000)).toFixed(1)} MB/s, with ${connections} clients writing
newcomer: asked to join ${seconds(stream.endMs - startedAtMs)} before its state was in force; level with the leader ${seconds(caughtUpMs - stream.endMs)} after
writes/s: ${Math.round(before)} before, ${Math.round(during)} during, ${Math.round(after)} after
memory:   ${megabytes(emptyBytes)} empty, ${megabytes(loadedBytes)} loaded, ${megabytes(peakBytes)} at most from the join until the newcomer was level
          (resident memory of the one workerd process that holds all ${nodes + 1} nodes, their SQLite caches, and the Worker)`);
}

async function addLearner(origin: string): Promise<void> {
  const body = JSON.stringify({ id: newcomer, role: "learner" });
  const response = await fetch(`${origin}/v1/cluster/members?force=true`, { method: "POST", body });
  if (!response.ok) throw new Error(`the node could not be added: ${await response.text()}`);
  await response.arrayBuffer();
}

interface Stream {
  readonly bytes: number;
  readonly beginMs: number;
  readonly endMs: number;
}

/** Looks at the new node's metrics until it has installed a snapshot. */
async function untilInstalled(cluster: LocalCluster, startedAtMs: number): Promise<Stream> {
  for (let beginMs = startedAtMs; ;) {
    await sleep(20);
    const metrics = await readMetrics(cluster);
    const bytes = metric(metrics, 'durable_raft_snapshot_bytes_total{direction="received"');
    if (bytes === 0) beginMs = performance.now();
    tell("streaming", Math.round(bytes / 1e6), "MB");
    const installed = metric(metrics, "durable_raft_snapshots_installed_total") > 0;
    if (installed) return { bytes, beginMs, endMs: performance.now() };
    if (performance.now() - startedAtMs > 600_000) throw new Error("no snapshot was installed within ten minutes");
  }
}

async function readMetrics(cluster: LocalCluster): Promise<string> {
  const object = await cluster.object(newcomer);
  const headers = { [internalHeader.group]: "default", [internalHeader.node]: newcomer };
  const response = await object.fetch(internalOrigin + internalPath.metrics, { method: "POST", headers });
  return await response.text();
}

/** The value of the first sample whose labels include the given ones; 0 when there is none. */
function metric(text: string, start: string): number {
  const [name = "", label = ""] = start.split("{");
  const line = text.split("\n").find((each) => each.startsWith(`${name}{`) && each.includes(label));
  return line === undefined ? 0 : Number(line.slice(line.lastIndexOf(" ") + 1));
}

interface Cluster {
  readonly nodes: readonly {
    readonly id: string;
    readonly log?: { readonly applied_index: number; readonly commit_index: number };
  }[];
}

/** Waits until the newcomer has applied what the group had committed a moment ago; writes go on. */
async function untilCaughtUp(origin: string): Promise<number> {
  for (;;) {
    const cluster = (await (await fetch(`${origin}/v1/cluster`)).json()) as Cluster;
    const logs = new Map(cluster.nodes.map(({ id, log: indexes }) => [id, indexes]));
    const committed = Math.max(...[...logs.values()].map((indexes) => indexes?.commit_index ?? 0));
    if (committed - (logs.get(newcomer)?.applied_index ?? 0) < 200) return performance.now();
    await sleep(20);
  }
}

async function timed(work: () => Promise<void>): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function tell(what: string, done: number, unit = `of ${keys} keys`): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${what}: ${done} ${unit}${done === keys ? "\n" : ""}`);
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}

function rate(count: number, ms: number): number {
  return Math.round((count / ms) * 1000);
}
