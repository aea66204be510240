/** The command line of `npm start`. */

import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { projectPath } from "./deployment.ts";

export const startUsage = `Runs a cluster on this machine, inside workerd, on 127.0.0.1.

  npm start -- [options]

  --nodes N   1 to 9 nodes, n1 to n9; without it those of wrangler.toml, or of the state that is there
  --port P    the port to listen on (8787)
  --state F   the folder that keeps the state (.wrangler/state/local), new, empty or of an earlier run; one process at a
              time can use it
  --fresh     forget the state; needed to change the number of nodes
  --help      show this text`;

export interface StartOptions {
  readonly nodes: number | undefined;
  readonly port: number;
  /** An absolute path. */
  readonly statePath: string;
  readonly fresh: boolean;
  readonly help: boolean;
}

/** Throws an `Error` that names the mistake in one line. */
export function parseStartOptions(words: readonly string[]): StartOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      nodes: { type: "string" },
      port: { type: "string", default: "8787" },
      state: { type: "string", default: resolve(projectPath, ".wrangler/state/local") },
      fresh: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  return {
    nodes: values.nodes === undefined ? undefined : parseWithin("--nodes", values.nodes, 1, 9),
    port: parseWithin("--port", values.port, 0, 65_535),
    statePath: resolve(values.state),
    fresh: values.fresh,
    help: values.help,
  };
}

function parseWithin(option: string, text: string, least: number, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (value >= least && value <= most) return value;
  throw new Error(`${option} takes a whole number from ${least} to ${most}, not ${JSON.stringify(text)}`);
}
