/** Sees to it that nothing outlives the run that made it, no process group and no file, however the run ends. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { resolve } from "node:path";

export class Reaper {
  private readonly living = new Set<number>();
  private readonly child: ChildProcess;

  /** @param folder where the processes keep what they store */
  constructor(folder: string) {
    // In a group of its own: what kills the run by its group must not kill this too.
    this.child = spawn("sh", [resolve(import.meta.dirname, "reaper.sh"), folder], {
      detached: true,
      stdio: ["pipe", "ignore", "ignore"],
    });
    this.child.unref();
    this.child.stdin?.on("error", () => {});
    process.once("exit", () => this.killAll());
  }

  started(group: number): void {
    this.living.add(group);
    this.child.stdin?.write(`+${group}\n`);
  }

  ended(group: number): void {
    this.living.delete(group);
    this.child.stdin?.write(`-${group}\n`);
  }

  private killAll(): void {
    for (const group of this.living) killGroup(group, "SIGKILL");
  }
}

/** Signals every process of a group; one that is gone already needs nothing. */
export function killGroup(group: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-group, signal);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
  }
}
