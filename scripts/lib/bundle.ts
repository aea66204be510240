/** How a Worker's modules become the one script that workerd loads. */

import { build, stop } from "esbuild";
import { projectPath } from "./deployment.ts";

/** Bundles the module at `entry`, a path inside the project or an absolute one. Throws when it does not compile. */
export async function bundleWorker(entry: string): Promise<string> {
  const result = await build({
    absWorkingDir: projectPath,
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2024",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:*"],
    sourcemap: "inline",
    logLevel: "silent",
  });
  const output = result.outputFiles[0];
  if (output === undefined) throw new Error(`nothing came of bundling ${entry}`);
  return output.text;
}

/** Ends the process that bundled; the next bundling starts another. */
export async function stopBundler(): Promise<void> {
  await stop();
}
