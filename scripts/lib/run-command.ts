/** Runs a command of this project and lets the terminal see what it prints. */

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { projectPath } from "./deployment.ts";
import { quietEnvironment } from "./quiet.ts";

export interface CommandResult {
  /** 1 for a command that a signal ended. */
  readonly exitCode: number;
  readonly output: string;
}

/** Runs the program at `path` with this Node. Lines that match `noise` are not shown. */
export function runNode(path: string, words: readonly string[], noise = /(?!)/): Promise<CommandResult> {
  const child = spawn(process.execPath, [path, ...words], {
    cwd: projectPath,
    env: { ...process.env, ...quietEnvironment, ...(process.stdout.isTTY && { FORCE_COLOR: "1" }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  createInterface(child.stdout).on("line", (line) => {
    if (noise.test(line)) return;
    output += `${line}\n`;
    process.stdout.write(`${line}\n`);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode: exitCode ?? 1, output }));
  });
}
