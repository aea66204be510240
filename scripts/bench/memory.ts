/** How much memory workerd takes, as the operating system counts it. */

import { execFileSync } from "node:child_process";

interface Process {
  readonly id: number;
  readonly parent: number;
  readonly residentBytes: number;
  readonly command: string;
}

/** The resident bytes of this process's workerd: of all nodes and the Worker together, code and caches included. */
export function workerdBytes(): number {
  const processes = listProcesses();
  const parents = new Map(processes.map(({ id, parent }) => [id, parent]));
  const isOurs = (id: number): boolean => {
    let at = parents.get(id);
    while (at !== undefined && at > 1 && at !== process.pid) at = parents.get(at);
    return at === process.pid;
  };
  return processes
    .filter(({ id, command }) => command.includes("workerd") && isOurs(id))
    .reduce((most, { residentBytes }) => Math.max(most, residentBytes), 0);
}

/** Looks again and again, from now on. */
export class PeakMemory {
  peakBytes = workerdBytes();
  private readonly timer = setInterval(() => {
    this.peakBytes = Math.max(this.peakBytes, workerdBytes());
  }, 200);

  stop(): number {
    clearInterval(this.timer);
    return this.peakBytes;
  }
}

function listProcesses(): Process[] {
  const text = execFileSync("ps", ["-A", "-o", "pid=,ppid=,rss=,comm="], { encoding: "utf8" });
  return text
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .map(([id, parent, kibibytes, ...command]) => ({
      id: Number(id),
      parent: Number(parent),
      residentBytes: Number(kibibytes) * 1024,
      command: command.join(" "),
    }));
}
