/** `npm run idle`: lets a group in workerd rest, and counts what its objects do in a minute of real time. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { internalOrigin } from "../src/internal.ts";
import { type Activity, activityPath } from "./idle/activity.ts";
import { type LocalCluster, startLocalCluster } from "./lib/local-cluster.ts";

const usage = `Counts requests, calls and alarms of a group that nobody asks, and of the same group awake.

  npm run idle -- [--seconds N]

  --seconds N   how long each of the two is watched (60)`;

const { values } = parseArgs({
  options: { seconds: { type: "string", default: "60" }, help: { type: "boolean", default: false } },
});
const seconds = Number(values.seconds);
if (values.help || !(seconds > 0)) console.log(usage);
else await run();

async function run(): Promise<void> {
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-idle-"));
  const cluster = await startLocalCluster({ entry: "scripts/idle/counting-worker.ts", statePath });
  try {
    await cluster.untilReady(30_000);
    await put(cluster);
    const awake = await watch(cluster, seconds);
    tell("awake, after a request", awake);
    await untilAllRest(cluster);
    const atRest = await watch(cluster, seconds);
    tell("at rest", atRest);
    await put(cluster);
    console.log("the next write is acknowledged");
    process.exitCode = total(atRest) === 0 && total(awake) > 0 ? 0 : 1;
  } finally {
    await cluster.stop();
    rmSync(statePath, { recursive: true });
  }
}

async function put(cluster: LocalCluster): Promise<void> {
  const { status } = await fetch(new URL("/v1/kv/key", cluster.url), { method: "PUT", body: "value" });
  if (status >= 300) throw new Error(`a write was answered with ${status}`);
}

/** Waits until nothing has happened for longer than any timer takes. */
async function untilAllRest(cluster: LocalCluster): Promise<void> {
  for (let tries = 0; tries < 20; tries += 1) {
    if (total(await watch(cluster, 5)) === 0) return;
  }
  throw new Error("the group does not rest");
}

/** What all objects of the group together do in so many seconds. */
async function watch(cluster: LocalCluster, duration: number): Promise<Activity> {
  const before = await read(cluster);
  await sleep(duration * 1000);
  const after = await read(cluster);
  const difference = (name: keyof Activity): number => after[name] - before[name];
  return {
    requests: difference("requests"),
    calls: difference("calls"),
    alarmsSet: difference("alarmsSet"),
    alarmsFired: difference("alarmsFired"),
  };
}

async function read(cluster: LocalCluster): Promise<Activity> {
  const sum: Activity = { requests: 0, calls: 0, alarmsSet: 0, alarmsFired: 0 };
  for (const { id } of cluster.members) {
    const object = await cluster.object(id);
    const activity: Activity = await (await object.fetch(internalOrigin + activityPath)).json();
    sum.requests += activity.requests;
    sum.calls += activity.calls;
    sum.alarmsSet += activity.alarmsSet;
    sum.alarmsFired += activity.alarmsFired;
  }
  return sum;
}

function total({ requests, calls, alarmsSet, alarmsFired }: Activity): number {
  return requests + calls + alarmsSet + alarmsFired;
}

function tell(what: string, { requests, calls, alarmsSet, alarmsFired }: Activity): void {
  const counts = `${requests} requests, ${calls} calls between objects, ${alarmsSet} alarms set, ${alarmsFired} fired`;
  console.log(`${what}, in ${seconds} s: ${counts}`);
}
