/** A Worker written for Workers KV does the same with the binding of this project: in words, values and errors. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";

type Outcome = readonly [string, unknown];

let statePath: string;
let cluster: LocalCluster;
let consumer: URL;

beforeAll(async () => {
  statePath = mkdtempSync(join(tmpdir(), "durable-raft-kv-"));
  const service = { worker: "durable-raft", exportName: "KvNamespace" };
  cluster = await startLocalCluster({
    statePath,
    companions: [
      {
        name: "consumer",
        entry: "test/support/kv-consumer.ts",
        compatibilityDate: "2026-10-01",
        namespaces: ["WORKERS_KV"],
        services: {
          RAFT_KV: { ...service, props: { prefix: "first/" } },
          OTHER_KV: { ...service, props: { group: "other" } },
        },
      },
    ],
  });
  await cluster.untilReady(30_000);
  consumer = await cluster.addressOf("consumer");
});

afterAll(async () => {
  await cluster.stop();
  rmSync(statePath, { recursive: true });
});

test("every step comes to the same", async () => {
  const response = await fetch(new URL("/steps", consumer));
  const { workers, raft } = (await response.json()) as Record<"workers" | "raft", Outcome[]>;
  expect(raft.length).toBeGreaterThan(80);
  expect(raft).toEqual(workers);
});

test("what is put there is in the group and behind the prefix that the binding names, with its end", async () => {
  const listed = await fetch(new URL("/v1/kv?prefix=first/&limit=1000", cluster.url));
  const { items } = (await listed.json()) as { items: { key: string; lease?: string; metadata?: unknown }[] };
  expect(items.find(({ key }) => key === "first/a")).toMatchObject({ value: "text" });
  const lease = items.find(({ key }) => key === "first/b")?.lease;
  const left = await fetch(new URL(`/v1/leases/${lease}`, cluster.url));
  expect(await left.json()).toMatchObject({
    granted_ttl_ms: expect.toSatisfy((ttl: number) => ttl > 598_000 && ttl <= 600_000) as number,
  });
  const other = await fetch(new URL("/other", consumer));
  expect(await other.json()).toEqual({ keys: [], list_complete: true, cacheStatus: null });
});

test("a value that is too long for a command is refused in the words of Workers KV", async () => {
  const response = await fetch(new URL("/large", consumer));
  expect(await response.json()).toEqual({
    threw: "Error",
    message: "KV PUT failed: 413 Value length of 1048577 exceeds limit of 1048576.",
  });
});
