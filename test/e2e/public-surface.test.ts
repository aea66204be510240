/** Nothing that nodes answer to each other, or to a test, can be reached from outside. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";
import { internalHeader, internalPath } from "../../src/internal.ts";

let statePath: string;
let cluster: LocalCluster;
const logged: string[] = [];

beforeAll(async () => {
  statePath = mkdtempSync(join(tmpdir(), "durable-raft-surface-"));
  cluster = await startLocalCluster({ statePath, entry: "test/support/worker.ts", onLog: (line) => logged.push(line) });
  await cluster.untilReady(30_000);
});

afterAll(async () => {
  await cluster.stop();
  rmSync(statePath, { recursive: true });
});

const hidden = [
  ...Object.values(internalPath).filter((path) => path !== internalPath.metrics),
  "/test/crash",
  "/test/content",
];
const prefixes = ["", "/v1", "/v1/groups/default", "//node.internal", "/default/n1", "/v1/kv/..", "/v1/kv/%2e%2e"];
const addresses = prefixes.flatMap((prefix) => hidden.map((path) => `${prefix}${path}`));

test.each(addresses)("%s is not served", async (address) => {
  for (const method of ["GET", "POST"]) {
    const response = await fetch(`${cluster.url.origin}${address}`, {
      method,
      headers: { [internalHeader.group]: "default", [internalHeader.node]: "n1", [internalHeader.timeoutMs]: "1000" },
    });
    const { error } = await response.json<{ readonly error: { readonly code: string } }>();
    expect([response.status, error.code]).toEqual([404, "not_found"]);
  }
});

test("no node was disturbed", () => {
  const leaders = logged.filter((line) => line.includes('"role":"leader"'));
  expect(leaders).toHaveLength(1);
  expect(logged.filter((line) => line.includes('"abort"'))).toEqual([]);
});

test("the routes that tests use exist behind the stub", async () => {
  const response = await (await cluster.object("n1")).fetch("https://node.internal/test/content");
  expect(response.status).toBe(200);
});
