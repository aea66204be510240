/** Runs `npm start` as a user's terminal does: in a process group of its own, with its output read as it comes. */

import { execFileSync, spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { projectPath } from "../support/source-tree.ts";

export class StartProcess {
  output = "";
  private readonly child: ChildProcess;
  private readonly exited: Promise<number | null>;

  constructor(words: readonly string[]) {
    // As npm runs it, without npm's own half second.
    this.child = spawn(process.execPath, ["scripts/start.ts", ...words], {
      cwd: projectPath,
      detached: true,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => {
        this.output += text;
      });
    }
    this.exited = new Promise((resolve) => {
      this.child.on("close", (code) => resolve(code));
    });
  }

  /** Waits until the cluster serves, and gives its address. */
  async ready(): Promise<string> {
    const address = /on (http:\/\/\S+), (\S+) leads in term \d+/;
    for (let waitedMs = 0; !this.output.includes("Ctrl-C stops."); waitedMs += 50) {
      if (waitedMs > 30_000 || this.child.exitCode !== null) throw new Error(`npm start said: ${this.output}`);
      await sleep(50);
    }
    const match = address.exec(this.output);
    if (match?.[1] === undefined) throw new Error(`npm start named no address or no leader: ${this.output}`);
    return match[1];
  }

  /** The exit code; null when a signal ended it. */
  exit(): Promise<number | null> {
    return this.exited;
  }

  async kill(signal: NodeJS.Signals): Promise<number | null> {
    this.child.kill(signal);
    return this.exited;
  }

  /** The processes of its group that still run: itself, workerd, and whatever else it started. */
  async survivors(): Promise<string[]> {
    let living: string[] = [];
    // The kernel takes a moment to end what was killed.
    for (let attempt = 0; attempt < 20; attempt += 1) {
      living = execFileSync("ps", ["-eo", "pgid=,stat=,args="], { encoding: "utf8" })
        .split("\n")
        .filter((line) => new RegExp(`^\\s*${this.child.pid} +[^Z]`).test(line));
      if (living.length === 0) break;
      await sleep(50);
    }
    return living;
  }
}
