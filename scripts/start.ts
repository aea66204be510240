/** `npm start`: a local cluster for trying things out, until Ctrl-C. */

import { mkdirSync, openSync, writeSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { readClusterStatus } from "./lib/cluster-status.ts";
import { startLocalCluster } from "./lib/local-cluster.ts";
import type { LocalCluster } from "./lib/local-cluster.ts";
import { parseRoleChange } from "./lib/node-log.ts";
import { parseStartOptions, startUsage } from "./lib/start-options.ts";
import type { StartOptions } from "./lib/start-options.ts";
import { claimStateFolder, forgetState } from "./lib/state-folder.ts";
import { chooseMembers, storeMembers } from "./lib/stored-members.ts";

const readyWithinMs = 30_000;

const options = attempt(() => parseStartOptions(process.argv.slice(2)), 2);
if (options.help) {
  console.log(startUsage);
} else {
  endWithOthers();
  await run(options).catch((error: unknown) => fail(describe(error, options), 1));
}

async function run({ nodes, port, statePath, fresh }: StartOptions): Promise<void> {
  claimStateFolder(statePath);
  if (fresh) forgetState(statePath);
  const members = attempt(() => chooseMembers(statePath, nodes), 2);
  const log = openLog(resolve(statePath, "nodes.log"));
  const cluster = await startLocalCluster({ statePath, port, onLog: log.write, ...(members && { members }) });
  storeMembers(statePath, cluster.members);
  await cluster.untilReady(readyWithinMs);
  await printWelcome(cluster, statePath);
  log.announceLeaders();
}

/**
 * Ends by signal, and with npm: a hangup or SIGKILL of npm alone would leave this process behind. Miniflare ends workerd in
 * its handler of "exit", which needs no time; its own handlers of signals come too late to choose another exit code.
 */
function endWithOthers(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, () => process.exit(0));
  if (process.env["npm_lifecycle_event"] === undefined) return;
  const parent = process.ppid;
  setInterval(() => {
    if (process.ppid !== parent) process.exit(0);
  }, 250).unref();
}

/** Lines go to a file; leadership changes are told on the terminal too, once there is somebody to tell. */
function openLog(path: string): { readonly write: (line: string) => void; readonly announceLeaders: () => void } {
  mkdirSync(dirname(path), { recursive: true });
  const file = openSync(path, "a");
  let announcing = false;
  const write = (line: string): void => {
    writeSync(file, `${line}\n`);
    const change = announcing ? parseRoleChange(line) : undefined;
    if (change?.role !== "leader") return;
    const group = change.group === "default" ? "" : `${change.group}: `;
    console.log(`${group}${change.node} leads in term ${change.term}`);
  };
  const announceLeaders = (): void => {
    announcing = true;
  };
  return { write, announceLeaders };
}

async function printWelcome(cluster: LocalCluster, statePath: string): Promise<void> {
  const { leader, term } = await readClusterStatus(cluster.url);
  const leadership = leader === null ? "no leader at the moment" : `${leader} leads in term ${term}`;
  const { href: base } = cluster.url;
  const count = cluster.members.length;
  console.log(`
  ${count} ${count === 1 ? "node" : "nodes"} on ${cluster.url.origin}, ${leadership}

  curl -X PUT ${base}v1/kv/greeting --data-binary 'hello'
  curl ${base}v1/kv/greeting
  curl ${base}v1/cluster

  State is kept in ${brief(statePath)}, where nodes.log is what the nodes log. Ctrl-C stops.
`);
}

/** A path as one would type it here. */
function brief(path: string): string {
  const fromHere = relative(process.cwd(), path);
  return fromHere.startsWith("..") ? path : fromHere;
}

function describe(error: unknown, { port }: StartOptions): string {
  if (!(error instanceof Error)) return String(error);
  if ("code" in error && error.code === "ERR_ADDRESS_IN_USE") {
    return `port ${port} is taken: choose another with --port`;
  }
  return error.message;
}

function attempt<Result>(action: () => Result, exitCode: number): Result {
  try {
    return action();
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error), exitCode);
  }
}

function fail(message: string, exitCode: number): never {
  console.error(`npm start: ${message}`);
  process.exit(exitCode);
}
