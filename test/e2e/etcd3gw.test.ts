/** The Python package etcd3gw, unchanged, against a whole cluster; it runs where that package is. */

import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import { projectPath } from "../support/source-tree.ts";

const script = join(projectPath, "test/e2e/etcd3gw-client.py");
/** Debian installs the package for its own Python, which need not be the one that is found first. */
const python = ["python3", "/usr/bin/python3"].find(
  (command) => spawnSync(command, ["-c", "import etcd3gw"]).status === 0,
);

test.skipIf(python === undefined)("etcd3gw does all that its users do", async () => {
  const statePath = mkdtempSync(join(tmpdir(), "durable-raft-etcd3gw-"));
  const cluster = await startLocalCluster({ statePath });
  try {
    await cluster.untilReady(30_000);
    const { hostname, port } = cluster.url;
    const { stdout } = await promisify(execFile)(python ?? "python3", [script, hostname, port], { timeout: 50_000 });
    expect(stdout.trim().split("\n")).toHaveLength(14);
  } finally {
    await cluster.stop();
    rmSync(statePath, { recursive: true });
  }
});
