/** A cluster of processes: all of them, the network between them, and the way to ask any that answers. */

import { randomUUID } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../test/sim/random.ts";
import { bundleWorker, stopBundler } from "../lib/bundle.ts";
import { generateMembers, readDeployment } from "../lib/deployment.ts";
import type { Deployment } from "../lib/deployment.ts";
import { Leaderships } from "../smoke/leaderships.ts";
import { clusterTimeoutMs } from "./face.ts";
import { send } from "./http.ts";
import { Network } from "./network.ts";
import { NodeHandle } from "./node-handle.ts";
import { Reaper } from "./reaper.ts";
import type { Route } from "./routed-namespace.ts";

/** So much of the log is kept: little, so that whoever was away for seconds needs a snapshot, in several pages, again and again. */
const logLimits = { keepEntries: 50, maxEntries: 100, maxPageBytes: 8192, cutIdleMs: 20_000 };
const idleAfterMs = 1000;

export class ProcessCluster {
  readonly nodes: readonly NodeHandle[];
  readonly network: Network;
  readonly leaderships = new Leaderships();
  readonly keptEntries = logLimits.maxEntries;
  /** How often each node took over the state of another one. */
  readonly snapshots = new Map<string, number>();
  /** Is told when a node says that it leads. */
  onLeader: (node: string, term: number) => void = () => {};
  private readonly folder: string;

  private constructor(folder: string, nodes: readonly NodeHandle[], network: Network) {
    this.folder = folder;
    this.nodes = nodes;
    this.network = network;
  }

  static async make(count: number, seed: number, mutant: string): Promise<ProcessCluster> {
    const script = await bundleWorker("scripts/chaos/worker.ts");
    await stopBundler();
    const folder = mkdtempSync(join(tmpdir(), "durable-raft-chaos-"));
    const reaper = new Reaper(folder);
    const scriptPath = join(folder, "worker.mjs");
    writeFileSync(scriptPath, script);
    const network: Network = new Network(new Random(seed, "network"), (id) => urlOf(id));
    const address = await network.listen();
    // Addresses are used again by other processes, of other runs too: these serve only whoever knows this word.
    const word = randomUUID();
    const members = generateMembers(count);
    const deployment = readDeployment();
    const nodes = members.map(({ id }) => {
      const route: Route = { own: id, network: address };
      const variables = {
        ...deployment.variables,
        RAFT_PROFILE: "chaos",
        RAFT_TIMINGS: { chaos: timingOf(deployment) },
        RAFT_OPEN: "loopback",
        RAFT_MEMBERS: members,
        RAFT_LOG: logLimits,
        CHAOS_ROUTE: route,
        CHAOS_WORD: word,
        CHAOS_MUTANT: mutant,
      };
      const statePath = join(folder, id);
      mkdirSync(statePath);
      const settings = { node: id, statePath, deployment, scriptPath, variables };
      return new NodeHandle(settings, word, reaper, (line) => cluster.heard(id, line));
    });
    const urlOf = (id: string): string | null =>
      nodes.find((node) => node.id === id && node.state !== "down")?.url ?? null;
    const cluster = new ProcessCluster(folder, nodes, network);
    return cluster;
  }

  async startAll(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.start()));
  }

  /** Waits until every node sees a leader that serves. Throws when that takes longer than `timeoutMs`. */
  async untilReady(timeoutMs: number): Promise<void> {
    const deadlineMs = performance.now() + timeoutMs;
    for (const node of this.nodes) {
      for (;;) {
        const answer = await send("GET", `${node.url}/readyz`);
        if (typeof answer === "object" && answer.status === 200) break;
        if (performance.now() > deadlineMs) {
          const why = typeof answer === "object" ? answer.text : "no answer";
          throw new Error(`${node.id} sees no leader that serves after ${timeoutMs / 1000} s: ${why}`);
        }
        await sleep(100);
      }
    }
  }

  leader(): NodeHandle | undefined {
    return this.nodes.find(({ id }) => id === this.leaderships.newest()?.node);
  }

  /** Where requests can be sent: to all that have ever run, since a client can't know who is dead. */
  urls(): readonly string[] {
    return this.nodes.flatMap(({ url }) => (url === null ? [] : [url]));
  }

  /** Asks one process after another until one does what it is asked; null when none does. */
  async call(method: string, path: string, body?: unknown): Promise<unknown> {
    for (const url of this.urls()) {
      const json = body === undefined ? null : JSON.stringify(body);
      const address = `${url}${path}${path.includes("?") ? "&" : "?"}timeout=${clusterTimeoutMs}ms`;
      const answer = await send(method === "GET" ? "GET" : "POST", address, {}, json);
      if (typeof answer === "object" && answer.status === 200) return JSON.parse(answer.text);
    }
    return null;
  }

  async stop(): Promise<void> {
    await this.network.close();
    await Promise.all(this.nodes.map((node) => node.kill()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  private heard(id: string, line: string): void {
    const before = this.leaderships.terms;
    this.leaderships.see(line);
    const newest = this.leaderships.newest();
    if (newest !== undefined && this.leaderships.terms > before) this.onLeader(newest.node, newest.term);
    if (!line.includes('"event":"snapshot"') || !line.includes('"installed"')) return;
    this.snapshots.set(id, (this.snapshots.get(id) ?? 0) + 1);
  }
}

/** That of a laptop, but for a group that rests as soon as its clients take a breath. */
function timingOf({ variables }: Deployment): object {
  const { laptop } = variables["RAFT_TIMINGS"] as { readonly laptop: object };
  return { ...laptop, idleAfterMs };
}
