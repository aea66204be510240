/** One node in a process of its own, with workerd and a disk of its own: started by the chaos run, which also ends it. */

import { readFileSync } from "node:fs";
import { Log, LogLevel, Miniflare } from "miniflare";
import type { Deployment } from "../lib/deployment.ts";
import { toWorkerOptions } from "../lib/local-worker.ts";
import { guardWorkerd } from "../lib/workerd-guard.ts";

/** What the process is told on its command line, as JSON. */
export interface NodeProcessSettings {
  readonly node: string;
  readonly statePath: string;
  readonly deployment: Pick<Deployment, "name" | "compatibilityDate" | "compatibilityFlags">;
  /** The file that holds the Worker's one script. */
  readonly scriptPath: string;
  readonly variables: Readonly<Record<string, unknown>>;
}

/** What the process prints, a line each, beside what the node logs. */
export interface ReadyLine {
  readonly event: "process ready";
  readonly url: string;
}

// Whoever has started this process holds the other end; when that is gone there is nobody to serve.
process.stdin.on("end", () => process.exit(0)).resume();
await serve(JSON.parse(process.argv[2] ?? "") as NodeProcessSettings);

async function serve({ statePath, deployment, scriptPath, variables }: NodeProcessSettings): Promise<void> {
  const worker = await toWorkerOptions({
    ...deployment,
    entry: "",
    script: readFileSync(scriptPath, "utf8"),
    objects: { RAFT_NODE: "KeyValueNode" },
    variables,
  });
  guardWorkerd();
  const miniflare = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    log: new Log(LogLevel.NONE),
    logRequests: false,
    enableDevRegistry: false,
    resourcePersistencePath: statePath,
    handleStructuredLogs: ({ message }) => console.log(message),
    workers: [worker],
  });
  await miniflare.ready;
  const url = await miniflare.unsafeGetDirectURL(deployment.name);
  const ready: ReadyLine = { event: "process ready", url: url.origin };
  console.log(JSON.stringify(ready));
}
