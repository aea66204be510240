/** Which group a binding speaks for, and how it reaches that: one view of the cluster for all bindings of an isolate. */

import { ClusterClient } from "../api/cluster.ts";
import { Parameters } from "../api/parameters.ts";
import { StoreClient } from "../api/store.ts";
import { defaultGroup, targetOf } from "../api/target.ts";
import type { Env } from "../env.ts";

/** What `props` of a binding may say. */
export interface BindingProps {
  /** The group that is meant; `default` unless said. */
  readonly group?: string;
  /** How long a call waits for the cluster, from 1 to 60,000 ms; 10,000 unless said. */
  readonly timeoutMs?: number;
}

const cluster = new ClusterClient();

/** Throws an `ApiError` for a group or a time that is none. */
export function openStore(env: Env, { group = defaultGroup, timeoutMs }: BindingProps = {}): StoreClient {
  const address = timeoutMs === undefined ? "" : `?timeout=${timeoutMs}ms`;
  return new StoreClient(cluster, targetOf(env, group, new Parameters(address, ["timeout"])));
}
