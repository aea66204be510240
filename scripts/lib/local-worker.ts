/** The shape in which Miniflare 5 takes a Worker, which is that of its betas and may yet change. */

import type { WorkerOptions } from "miniflare";
import { bundleWorker } from "./bundle.ts";

export interface LocalWorker {
  readonly name: string;
  /** The module that exports the Worker and its object classes. */
  readonly entry: string;
  /** What bundling the entry has given; without it, it is bundled. */
  readonly script?: string;
  readonly compatibilityDate: string;
  readonly compatibilityFlags?: readonly string[];
  /** Class names by the name of their binding; all of them keep their state in SQLite. */
  readonly objects?: Readonly<Record<string, string>>;
  /** Other Workers' entrypoints by the name of their binding. */
  readonly services?: Readonly<Record<string, LocalService>>;
  /** Namespaces of Workers KV, by the names of their bindings. */
  readonly namespaces?: readonly string[];
  /** Other bindings, each a value that JSON can hold. */
  readonly variables?: Readonly<Record<string, unknown>>;
}

export interface LocalService {
  readonly worker: string;
  readonly exportName: string;
  readonly props?: Readonly<Record<string, unknown>>;
}

export async function toWorkerOptions(worker: LocalWorker): Promise<WorkerOptions> {
  const { name, compatibilityDate, compatibilityFlags = [], objects = {}, variables = {} } = worker;
  const { services = {}, namespaces = [] } = worker;
  const options = {
    config: {
      name,
      compatibilityDate,
      compatibilityFlags: [...compatibilityFlags],
      manifest: {
        mainModule: "worker.mjs",
        modules: { "worker.mjs": { type: "esm", contents: worker.script ?? (await bundleWorker(worker.entry)) } },
      },
      env: {
        ...mapValues(variables, (value) => ({ type: "json", value })),
        ...mapValues(services, (service) => ({ type: "worker", ...service })),
        ...Object.fromEntries(namespaces.map((id) => [id, { type: "kv", id }])),
        ...mapValues(objects, (exportName) => ({ type: "durable-object", worker: name, exportName })),
      },
      exports: Object.fromEntries(
        Object.values(objects).map((className) => [className, { type: "durable-object", storage: "sqlite" }]),
      ),
    },
    // A socket of its own, past Miniflare's entry Worker, for whoever measures.
    dev: { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] },
  };
  return options as WorkerOptions;
}

function mapValues<Value, Result>(
  record: Readonly<Record<string, Value>>,
  change: (value: Value) => Result,
): Record<string, Result> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
