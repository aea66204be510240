/** A node's process as the run sees it: started, killed, paused and woken as a group, with the lines that it prints. */

import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { projectPath } from "../lib/deployment.ts";
import { quietEnvironment } from "../lib/quiet.ts";
import type { NodeProcessSettings, ReadyLine } from "./node-process.ts";
import { killGroup } from "./reaper.ts";
import type { Reaper } from "./reaper.ts";

export type NodeState = "down" | "starting" | "up" | "paused";

const startWithinMs = 60_000;

export class NodeHandle {
  state: NodeState = "down";
  /** Where the process that runs, or ran last, takes requests. */
  url: string | null = null;
  /** What is known of the end of a process that nobody had ended. */
  endedByItself: string | null = null;
  private readonly settings: NodeProcessSettings;
  private readonly word: string;
  private readonly reaper: Reaper;
  private readonly onLine: (line: string) => void;
  private child: ChildProcess | null = null;
  private isKilled = false;
  private exited: Promise<void> = Promise.resolve();

  /** @param word stands before every path that the process serves */
  constructor(settings: NodeProcessSettings, word: string, reaper: Reaper, onLine: (line: string) => void) {
    this.settings = settings;
    this.word = word;
    this.reaper = reaper;
    this.onLine = onLine;
  }

  get id(): string {
    return this.settings.node;
  }

  /** Starts the process and waits until it serves. */
  async start(): Promise<void> {
    if (this.state !== "down") return;
    this.state = "starting";
    this.isKilled = false;
    const child = spawn(
      process.execPath,
      [resolve(projectPath, "scripts/chaos/node-process.ts"), JSON.stringify(this.settings)],
      {
        cwd: projectPath,
        env: { ...process.env, ...quietEnvironment },
        // A group of its own, so that workerd is killed and paused with the process that has started it.
        detached: true,
        stdio: ["pipe", "pipe", "pipe"],
      },
    );
    this.child = child;
    const group = child.pid ?? 0;
    this.reaper.started(group);
    let said = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (said = (said + text).slice(-4000)));
    this.exited = new Promise((done) => {
      child.once("close", (code, signal) => {
        if (!this.isKilled) this.endedByItself = `${this.id} ended with ${signal ?? code}: ${said}`;
        // Whatever of the group is left has nobody to talk to.
        killGroup(group, "SIGKILL");
        this.reaper.ended(group);
        if (this.child === child) {
          this.state = "down";
          this.child = null;
        }
        done();
      });
    });
    this.url = `${await untilReady(child, this.onLine, () => said)}/${this.word}`;
    // It may have been killed as soon as it was ready.
    if (this.child === child) this.state = "up";
  }

  /** Ends every process of the node at once, as a machine ends that loses its power. */
  async kill(): Promise<void> {
    this.interrupt();
    await this.exited;
  }

  /** Kills without waiting for the end. */
  interrupt(): void {
    this.isKilled = true;
    if (this.child?.pid !== undefined) killGroup(this.child.pid, "SIGKILL");
  }

  pause(): void {
    if (this.state !== "up" || this.child?.pid === undefined) return;
    killGroup(this.child.pid, "SIGSTOP");
    this.state = "paused";
  }

  wake(): void {
    if (this.state !== "paused" || this.child?.pid === undefined) return;
    killGroup(this.child.pid, "SIGCONT");
    this.state = "up";
  }
}

/** Where the process serves. Rejects when it ends before it does. */
function untilReady(child: ChildProcess, onLine: (line: string) => void, said: () => string): Promise<string> {
  return new Promise((done, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`a node did not start in ${startWithinMs / 1000} s`)),
      startWithinMs,
    );
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(timer);
      reject(new Error(`a node's process ended with ${signal ?? code}: ${said()}`));
    });
    if (child.stdout === null) throw new Error("a process without output");
    createInterface(child.stdout).on("line", (line) => {
      const url = readyUrl(line);
      if (url === null) return onLine(line);
      clearTimeout(timer);
      done(url);
    });
  });
}

function readyUrl(line: string): string | null {
  if (!line.includes('"process ready"')) return null;
  return (JSON.parse(line) as ReadyLine).url;
}
