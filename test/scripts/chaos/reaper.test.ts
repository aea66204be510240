/** A run that is killed leaves nothing behind, not even a process that it had paused. */

import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { expect, test } from "vitest";
import { projectPath } from "../../support/source-tree.ts";

/** Starts two groups, pauses one, forgets the other, and says which they are. */
const script = `
  import { spawn } from "node:child_process";
  import { mkdtempSync } from "node:fs";
  import { tmpdir } from "node:os";
  import { join } from "node:path";
  import { Reaper } from "${projectPath}/scripts/chaos/reaper.ts";
  const folder = mkdtempSync(join(tmpdir(), "durable-raft-reaper-"));
  const reaper = new Reaper(folder);
  const groups = [1, 2, 3].map(() => spawn("sleep", ["30"], { detached: true, stdio: "ignore" }).pid);
  for (const group of groups) reaper.started(group);
  process.kill(-groups[1], "SIGSTOP");
  process.kill(-groups[2], "SIGKILL");
  reaper.ended(groups[2]);
  console.log(JSON.stringify([folder, ...groups]));
  setInterval(() => {}, 1000);
`;

/** What is dead may wait for a parent that does not look: it runs no more. */
const isAlive = (pid: number): boolean => {
  const { stdout } = spawnSync("ps", ["-o", "stat=", "-p", String(pid)], { encoding: "utf8" });
  return /^[^Z\s]/.test(stdout);
};

test("groups and files end with the run that made them", async () => {
  const run = spawn(process.execPath, ["--input-type=module-typescript", "--eval", script], {
    cwd: projectPath,
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = await new Promise<string[]>((done) =>
    createInterface(run.stdout).once("line", (text) => done([text])),
  );
  const [folder, running, paused] = JSON.parse(line ?? "") as [string, number, number];
  expect([running, paused].map(isAlive)).toEqual([true, true]);
  expect(existsSync(folder)).toBe(true);
  run.kill("SIGKILL");
  await expect.poll(() => [running, paused].map(isAlive), { timeout: 4000 }).toEqual([false, false]);
  await expect.poll(() => existsSync(folder)).toBe(false);
});
