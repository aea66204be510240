/** A group whose objects are all restarted at once, as a deployment does, comes back by itself and has lost nothing. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";
import { Leaderships } from "../../scripts/smoke/leaderships.ts";

let statePath: string;
let cluster: LocalCluster;
const leaderships = new Leaderships();

beforeAll(async () => {
  statePath = mkdtempSync(join(tmpdir(), "durable-raft-restart-"));
  cluster = await startLocalCluster({
    statePath,
    entry: "test/support/worker.ts",
    onLog: (line) => leaderships.see(line),
  });
  await cluster.untilReady(30_000);
});

afterAll(async () => {
  await cluster.stop();
  rmSync(statePath, { recursive: true });
});

async function crashAll(): Promise<void> {
  const objects = await Promise.all(cluster.members.map(({ id }) => cluster.object(id)));
  const outcomes = await Promise.allSettled(objects.map((object) => object.fetch("https://node.internal/test/crash")));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
}

test("its alarms alone elect a leader, without any request", async () => {
  const before = leaderships.newest()?.term ?? 0;
  await crashAll();
  await vi.waitFor(() => expect(leaderships.newest()?.term).toBeGreaterThan(before), { timeout: 2000, interval: 10 });
});

test("writes are accepted again, and those from before are there", async () => {
  const address = new URL("/v1/kv/before", cluster.url);
  await fetch(address, { method: "PUT", body: "written before" });
  await crashAll();
  const written = await fetch(new URL("/v1/kv/after", cluster.url), { method: "PUT", body: "written after" });
  expect(written.status).toBe(201);
  const read = await fetch(address);
  expect(await read.text()).toBe("written before");
});

test("no term ever had two leaders", () => {
  expect(leaderships.terms).toBeGreaterThanOrEqual(3);
  expect(leaderships.disputed()).toEqual([]);
});
