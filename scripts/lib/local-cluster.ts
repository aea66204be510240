/** A whole cluster on this machine: every node an object of one workerd process, behind the Worker that serves the API. */

import { Log, LogLevel, Miniflare } from "miniflare";
import { setTimeout as sleep } from "node:timers/promises";
import { objectName } from "../../src/internal.ts";
import type { MemberSpecification } from "../../src/internal.ts";
import { stopBundler } from "./bundle.ts";
import { readDeployment } from "./deployment.ts";
import { toWorkerOptions } from "./local-worker.ts";
import type { LocalWorker } from "./local-worker.ts";
import { lockState } from "./state-lock.ts";
import { guardWorkerd } from "./workerd-guard.ts";

export interface LocalClusterOptions {
  /** The module that exports the Worker and the class `KeyValueNode`. */
  readonly entry?: string;
  /** The folder that holds the nodes' databases. One process at a time can use it. */
  readonly statePath: string;
  /** The port of 127.0.0.1 to listen on; 0, the default, takes a free one. */
  readonly port?: number;
  /** The nodes of a new group; those of wrangler.toml unless said. */
  readonly members?: readonly MemberSpecification[];
  /** Variables beside those of wrangler.toml, or instead of them. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Workers to serve from the same process, each at the address that `addressOf` gives. */
  readonly companions?: readonly LocalWorker[];
  /** Is given every line that the Worker, the nodes and workerd log. */
  readonly onLog?: (line: string) => void;
}

export interface LocalCluster {
  readonly url: URL;
  readonly members: readonly MemberSpecification[];
  /** The object that is a node, to be called as the Worker calls it. */
  object(node: string, group?: string): Promise<DurableObjectStub>;
  /** Where a Worker of this process answers directly: a companion by its name, or the cluster's own. */
  addressOf(worker?: string): Promise<URL>;
  /** Waits until a leader serves. Throws when that takes longer than `timeoutMs`. */
  untilReady(timeoutMs: number): Promise<void>;
  stop(): Promise<void>;
}

const objectBinding = "RAFT_NODE";

/** Throws a `StateInUseError`, or a `MiniflareError` with the code `ERR_ADDRESS_IN_USE`. */
export async function startLocalCluster(options: LocalClusterOptions): Promise<LocalCluster> {
  const { entry = "src/worker.ts", statePath, port = 0, companions = [], onLog = () => {} } = options;
  const { name, compatibilityDate, compatibilityFlags, members: configured, variables } = readDeployment();
  const members = options.members ?? configured;
  const worker: LocalWorker = {
    name,
    entry,
    compatibilityDate,
    compatibilityFlags,
    objects: { [objectBinding]: "KeyValueNode" },
    variables: {
      ...variables,
      RAFT_PROFILE: "laptop",
      RAFT_OPEN: "loopback",
      ...options.variables,
      RAFT_MEMBERS: members,
    },
  };
  const workers = await Promise.all([worker, ...companions].map(toWorkerOptions));
  await stopBundler();
  const unlockState = lockState(statePath);
  guardWorkerd();
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port,
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    enableDevRegistry: false,
    resourcePersistencePath: statePath,
    handleStructuredLogs: ({ message }) => onLog(message),
    workers,
  });
  const stop = async (): Promise<void> => {
    await miniflare.dispose();
    unlockState();
  };
  try {
    const url = await miniflare.ready;
    return {
      url,
      members,
      object: async (node, group = "default") => {
        const objects = await miniflare.getDurableObjectNamespace(objectBinding);
        return objects.getByName(objectName(group, node)) as unknown as DurableObjectStub;
      },
      addressOf: (workerName = name) => miniflare.unsafeGetDirectURL(workerName),
      untilReady: (timeoutMs) => untilReady(url, timeoutMs),
      stop,
    };
  } catch (error) {
    await stop().catch(() => {});
    throw error;
  }
}

async function untilReady(url: URL, timeoutMs: number): Promise<void> {
  const signal = AbortSignal.timeout(timeoutMs);
  for (let answer = await askReady(url, signal); answer !== "ready"; answer = await askReady(url, signal)) {
    if (signal.aborted) throw new Error(`no leader served within ${timeoutMs / 1000} s: ${answer}`);
    await sleep(50);
  }
}

/** `ready`, or what stands in the way. */
async function askReady(url: URL, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(new URL("/readyz", url), { signal });
    const text = await response.text();
    return response.ok ? "ready" : text;
  } catch (error) {
    return String(error);
  }
}
