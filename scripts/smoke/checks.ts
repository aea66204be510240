/** What must hold after the load: nothing lost, nothing twice, nothing different between nodes, one leader a term. */

import { setTimeout as sleep } from "node:timers/promises";
import { readClusterStatus } from "../lib/cluster-status.ts";
import type { LocalCluster } from "../lib/local-cluster.ts";
import { get, withClients } from "./clients.ts";
import type { Acknowledgement } from "./clients.ts";
import type { Pair } from "./data-set.ts";
import type { Leaderships } from "./leaderships.ts";
import type { LoadResult } from "./load.ts";

export interface Check {
  readonly passed: boolean;
  /** A sentence with the counts. */
  readonly finding: string;
}

export function checkAcknowledged(pairs: readonly Pair[], { acknowledgements }: LoadResult): Check {
  const revisions = new Set(acknowledgements.map(({ revision }) => revision));
  const repeated = acknowledgements.filter(({ attempts }) => attempts > 1).length;
  return {
    passed: acknowledgements.length === pairs.length && revisions.size === pairs.length,
    finding: `${acknowledgements.length} of ${pairs.length} writes acknowledged, with ${revisions.size} revisions; ${repeated} had to be repeated`,
  };
}

export function checkCrashes({ acknowledgements, crashes }: LoadResult, leaderships: Leaderships): Check {
  const last = acknowledgements.at(-1)?.atMs ?? 0;
  const underLoad = crashes.filter(({ atMs }) => atMs < last).length;
  const terms = new Set(crashes.map(({ term }) => term));
  return {
    passed: crashes.length === 3 && underLoad === 3 && terms.size === 3 && leaderships.terms > 3,
    finding: `${underLoad} crashes under load, of leaders of ${terms.size} terms`,
  };
}

export function checkLeaders(leaderships: Leaderships): Check {
  const disputed = leaderships.disputed();
  return {
    passed: disputed.length === 0 && leaderships.terms > 0,
    finding: `${leaderships.terms} terms had a leader, ${disputed.length} of them more than one`,
  };
}

/** Every key, read linearizably, has the bytes that were written and the revision that was acknowledged. */
export async function checkReadBack(
  cluster: LocalCluster,
  acknowledgements: readonly Acknowledgement[],
  concurrency: number,
): Promise<Check> {
  let present = 0;
  await withClients(cluster.url.origin, concurrency, acknowledgements, async (client, { pair, revision }) => {
    const read = await get(client, pair);
    if (read.value === pair.value && read.revision === revision) present += 1;
  });
  return {
    passed: present === acknowledgements.length,
    finding: `${present} of ${acknowledgements.length} acknowledged writes read back as written`,
  };
}

/** A write that took effect twice would show as a second version, or as a revision too many. */
export async function checkOnce(cluster: LocalCluster, keys: number): Promise<Check> {
  let [listed, once, revision] = [0, 0, 0];
  for await (const page of pages(cluster)) {
    listed += page.items.length;
    once += page.items.filter((item) => item.version === 1).length;
    revision = page.revision;
  }
  return {
    passed: listed === keys && once === keys && revision === keys + 1,
    finding: `${listed} keys listed, ${once} of them written once, at revision ${revision}`,
  };
}

interface Page {
  readonly items: readonly { readonly version: number }[];
  readonly cursor: string | null;
  readonly revision: number;
}

async function* pages(cluster: LocalCluster): AsyncGenerator<Page> {
  let cursor: string | null = "";
  while (cursor !== null) {
    const response: Response = await fetch(new URL(`/v1/kv?limit=1000&keys_only=true&cursor=${cursor}`, cluster.url));
    const page = await response.json<Page>();
    yield page;
    cursor = page.cursor;
  }
}

/** Every node's own content, as its own database holds it. */
export async function checkContents(cluster: LocalCluster, keys: number): Promise<Check> {
  const appliedIndex = await untilAllApplied(cluster);
  const contents = await Promise.all(
    cluster.members.map(async ({ id }) => {
      const response = await (await cluster.object(id)).fetch("https://node.internal/test/content");
      return response.text();
    }),
  );
  const [first = ""] = contents;
  const equal = contents.filter((content) => content === first).length;
  const rows = first.split("\n").length;
  return {
    passed: equal === cluster.members.length && rows > keys,
    finding: `${equal} of ${contents.length} nodes hold the same ${rows} rows at index ${appliedIndex}, byte for byte`,
  };
}

/** Waits until every node has applied all that is committed; answers up to where. */
async function untilAllApplied(cluster: LocalCluster): Promise<number> {
  const deadlineMs = performance.now() + 10_000;
  for (;;) {
    const { nodes } = await readClusterStatus(cluster.url);
    const applied = new Set(nodes.map(({ log }) => log?.applied_index ?? -1));
    const committed = new Set(nodes.map(({ log }) => log?.commit_index ?? -1));
    const [index = -1] = applied;
    if (index > 0 && applied.size === 1 && committed.size === 1 && committed.has(index)) return index;
    if (performance.now() > deadlineMs) throw new Error(`nodes stay at different indexes: ${JSON.stringify(nodes)}`);
    await sleep(50);
  }
}
