/** The load: the whole data set written by concurrent clients, while the leader is crashed at spread points. */

import type { LocalCluster } from "../lib/local-cluster.ts";
import { put, withClients } from "./clients.ts";
import type { Acknowledgement } from "./clients.ts";
import type { Pair } from "./data-set.ts";
import type { Leaderships } from "./leaderships.ts";

export interface Crash {
  readonly node: string;
  /** The term that it led in. */
  readonly term: number;
  /** When it was told to crash, on `performance`'s clock. */
  readonly atMs: number;
}

export interface LoadResult {
  /** In the order of their answers. */
  readonly acknowledgements: readonly Acknowledgement[];
  readonly crashes: readonly Crash[];
}

/** After which parts of the load the leader is crashed. */
const crashPoints = [0.25, 0.5, 0.75];

export async function runLoad(
  cluster: LocalCluster,
  leaderships: Leaderships,
  pairs: readonly Pair[],
  concurrency: number,
): Promise<LoadResult> {
  const acknowledgements: Acknowledgement[] = [];
  const crashing: Promise<Crash>[] = [];
  await withClients(cluster.url.origin, concurrency, pairs, async (client, pair) => {
    acknowledgements.push(await put(client, pair));
    const point = crashPoints[crashing.length];
    if (point !== undefined && acknowledgements.length >= point * pairs.length) {
      crashing.push(crashLeader(cluster, leaderships));
    }
  });
  return { acknowledgements, crashes: await Promise.all(crashing) };
}

async function crashLeader(cluster: LocalCluster, leaderships: Leaderships): Promise<Crash> {
  const leader = leaderships.newest();
  if (leader === undefined) throw new Error("no node has logged that it leads");
  const object = await cluster.object(leader.node);
  const atMs = performance.now();
  const outcome = await object.fetch("https://node.internal/test/crash").then(
    (response) => `it answered with ${response.status}`,
    () => "crashed",
  );
  if (outcome !== "crashed") throw new Error(`${leader.node} did not crash: ${outcome}`);
  return { ...leader, atMs };
}
