/** Runs a command of this project and lets the terminal see what it prints. */

import { spawn } from "node:child_process";
import { projectPath } from "./deployment.ts";
import { quietEnvironment } from "./quiet.ts";

export interface CommandResult {
  /** 1 for a command that a signal ended. */
  readonly exitCode: number;
  readonly output: string;
}

/** Runs the program at `path` with this Node. */
export function runNode(path: string, words: readonly string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [path, ...words], {
    cwd: projectPath,
    env: { ...process.env, ...quietEnvironment, ...(process.stdout.isTTY && { FORCE_COLOR: "1" }) },
    stdio: ["ignore", "pipe", "inherit"],
  });
  let output = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output += text;
    process.stdout.write(text);
  });
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (exitCode) => resolve({ exitCode: exitCode ?? 1, output }));
  });
}
