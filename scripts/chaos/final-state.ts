/** What is left when everything runs again: each key read once more, what must come to an end, and each node's own state. */

import { setTimeout as sleep } from "node:timers/promises";
import { clientTimeoutMs } from "./face.ts";
import { send } from "./http.ts";
import { keysOf, lastingKeys } from "./keys.ts";
import type { Round } from "./keys.ts";
import { locks } from "./lock-clients.ts";
import type { ProcessCluster } from "./process-cluster.ts";
import type { Record } from "./record.ts";
import { restFace } from "./rest-face.ts";
import type { Watcher } from "./watchers.ts";

const withinMs = 60_000;
/** So long whoever watches may take to be told of the last change, and a lock that nobody renews to end. */
const settleMs = 30_000;

/** Reads every key that was ever written: whatever was acknowledged must show, however long ago it was. */
export async function readEverything(cluster: ProcessCluster, rounds: readonly Round[], record: Record): Promise<void> {
  const calls = [
    ...lastingKeys.map((key) => ({ kind: "get", key }) as const),
    ...rounds.flatMap((round) => round.singles.map((key) => ({ kind: "get", key }) as const)),
    ...rounds.map(({ together }) => ({ kind: "list", keys: together }) as const),
  ];
  for (const [position, call] of calls.entries()) {
    for (const untilMs = performance.now() + withinMs; ;) {
      const url = cluster.urls()[position % cluster.nodes.length] ?? "";
      const invokedAtMs = performance.now();
      const result = await restFace.ask(url, call, null);
      record.add("end", call, invokedAtMs, performance.now(), result);
      if (result.kind === "answered") break;
      if (performance.now() > untilMs) throw new Error("the last reads were not answered");
      await sleep(50);
    }
  }
}

/** Says of each watcher that was not told of the last change. */
export async function watchersBehind(cluster: ProcessCluster, watchers: readonly Watcher[]): Promise<string[]> {
  const read = (await cluster.call("GET", "/v1/kv?limit=1")) as { readonly revision: number } | null;
  if (read === null) throw new Error("the store's revision was not answered");
  const { revision } = read;
  const reached = await Promise.all(watchers.map((watcher) => watcher.until(revision, settleMs)));
  return watchers.flatMap(({ id }, at) => {
    const through = reached[at] ?? 0;
    return through >= revision ? [] : [`${id} was told up to revision ${through}, where the store is at ${revision}`];
  });
}

/** The locks that are still held when nobody has renewed them for long. */
export async function heldLocks(cluster: ProcessCluster): Promise<string[]> {
  const isHeld = async (lock: string): Promise<boolean> => {
    const answer = (await cluster.call("GET", `/v1/locks/${lock}`)) as { readonly held: boolean } | null;
    return answer?.held !== false;
  };
  let held = [...locks];
  for (const untilMs = performance.now() + settleMs; held.length > 0 && performance.now() < untilMs;) {
    await sleep(200);
    const answers = await Promise.all(held.map(isHeld));
    held = held.filter((_lock, at) => answers[at]);
  }
  return held;
}

/** How many different states the nodes have, once each has applied as much as the leader had, and how many keys there are. */
export async function compareStates(
  cluster: ProcessCluster,
  rounds: readonly Round[],
): Promise<{ readonly states: number; readonly keys: number }> {
  const position = await send("GET", `${cluster.urls()[0]}/v1/kv/${lastingKeys[0]}?format=json`);
  const index = typeof position === "object" ? String(position.headers["x-raft-index"]) : "0";
  const keys = [...lastingKeys, ...rounds.flatMap(keysOf)];
  const states = await Promise.all(cluster.nodes.map(({ id, url }) => contentOf(url ?? "", id, index)));
  return { states: new Set(states).size, keys: keys.length };
}

/** All keys of a node's own state, with their values and revisions. */
async function contentOf(url: string, node: string, index: string): Promise<string> {
  let content = "";
  const query = `consistency=stale&node=${node}&min_index=${index}&limit=1000&timeout=${clientTimeoutMs}ms`;
  for (let cursor: string | null = ""; cursor !== null;) {
    const page = JSON.parse(await untilAnswered(`${url}/v1/kv?${query}&cursor=${cursor}`, node)) as Page;
    content += JSON.stringify(page.items);
    cursor = page.cursor;
  }
  return content;
}

interface Page {
  readonly items: readonly unknown[];
  readonly cursor: string | null;
}

/** A node that has been away may need a while to have it all. */
async function untilAnswered(url: string, node: string): Promise<string> {
  for (const untilMs = performance.now() + settleMs; ;) {
    const answer = await send("GET", url);
    if (typeof answer === "object" && answer.status === 200) return answer.text;
    if (performance.now() > untilMs) {
      throw new Error(`${node} does not list its state: ${typeof answer === "object" ? answer.text : answer}`);
    }
    await sleep(200);
  }
}
