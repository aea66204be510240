/** One run: the cluster, the clients and the nemesis beside one another, until the time is over or a rule is broken. */

import { setTimeout as sleep } from "node:timers/promises";
import { Random } from "../../test/sim/random.ts";
import { etcdFace } from "./etcd-face.ts";
import type { Arena } from "./fault.ts";
import { etcdWatch } from "./etcd-watch.ts";
import { compareStates, heldLocks, readEverything, watchersBehind } from "./final-state.ts";
import { closeConnections } from "./http.ts";
import { keysOf, roundMs } from "./keys.ts";
import type { Round } from "./keys.ts";
import { Load } from "./load.ts";
import { LockClient } from "./lock-clients.ts";
import { Nemesis } from "./nemesis.ts";
import type { ChaosOptions } from "./options.ts";
import { ProcessCluster } from "./process-cluster.ts";
import { Record } from "./record.ts";
import { restFace } from "./rest-face.ts";
import { restWatch } from "./rest-watch.ts";
import {
  judge,
  judgeLeaders,
  judgeLocks,
  judgeOperations,
  judgeProcesses,
  judgeRevisions,
  judgeStale,
  judgeWatches,
} from "./verdict.ts";
import type { Verdict } from "./verdict.ts";
import { viewsOf } from "./views.ts";
import { Watcher } from "./watchers.ts";

const readyWithinMs = 90_000;
const lookEveryMs = 500;
const progressEveryMs = 10_000;
const longSilenceMs = 5000;
const recentAnswers = 10_000;
/** Operations that begin in a round have ended this many rounds later. */
const roundsToEnd = 3;

export class ChaosRun {
  readonly record = new Record();
  readonly nemesis: Nemesis;
  readonly cluster: ProcessCluster;
  /** All processes have run, and seen a leader. */
  hasBegun = false;
  private readonly options: ChaosOptions;
  private readonly load: Load;
  private readonly watchers: readonly Watcher[];
  private readonly lockClients: readonly LockClient[];
  private readonly startedAtMs = performance.now();
  private untilMs = Number.POSITIVE_INFINITY;
  private checkedRounds = 0;
  private explainedAtMs = 0;

  static async make(options: ChaosOptions): Promise<ChaosRun> {
    return new ChaosRun(options, await ProcessCluster.make(options.nodes, options.seed, options.mutant));
  }

  private constructor(options: ChaosOptions, cluster: ProcessCluster) {
    this.options = options;
    this.cluster = cluster;
    const faces = [restFace, etcdFace].filter(({ name }) => options.faces.includes(name.toLowerCase()));
    cluster.onLeader = (node, term) => {
      if (options.verbose) this.tell(`${node} leads in term ${term}`);
    };
    const nodeIds = cluster.nodes.map(({ id }) => id);
    this.load = new Load({ record: this.record, faces, nodeIds, urls: () => cluster.urls() }, options.seed);
    this.nemesis = new Nemesis(this.arena(), options.seed, options.nemesis);
    const urls = (): readonly string[] => cluster.urls();
    const random = (id: string): Random => new Random(options.seed, id);
    const watches = [restWatch, etcdWatch].filter(({ name }) => options.faces.includes(name.toLowerCase()));
    this.watchers = watches.flatMap((face) =>
      [1, 2].map((number) => `${face.name} watcher ${number}`).map((id) => new Watcher(id, face, random(id), urls)),
    );
    this.lockClients = ["l1", "l2", "l3"].map((id) => new LockClient(id, random(id), urls));
  }

  /** What every rule says in the end; or the first broken one, when it is broken. */
  async run(): Promise<readonly Verdict[]> {
    const { cluster, load, options } = this;
    await cluster.startAll();
    await cluster.untilReady(readyWithinMs);
    this.hasBegun = true;
    this.tell("all processes run");
    this.untilMs = performance.now() + options.durationMs;
    const others = [...this.watchers, ...this.lockClients];
    const clients = Promise.all([load.run(options.clients), ...others.map((client) => client.run())]);
    const faults = this.nemesis.run();
    const failure = new Promise<never>((_done, reject) => {
      for (const work of [clients, faults]) work.catch(reject);
    });
    const broken = await Promise.race([this.watch(), failure]);
    this.untilMs = 0;
    await faults;
    load.stop();
    for (const client of this.lockClients) client.stop();
    const verdicts = broken.length > 0 ? broken : await this.judgeEnd();
    for (const watcher of this.watchers) watcher.stop();
    await clients;
    return verdicts;
  }

  /** Everything runs again, and nothing disturbs it. */
  private async judgeEnd(): Promise<readonly Verdict[]> {
    const { cluster, load, record, watchers } = this;
    const healedAtMs = performance.now();
    await cluster.startAll();
    await cluster.untilReady(readyWithinMs);
    this.tell(`all nodes see a leader, ${((performance.now() - healedAtMs) / 1000).toFixed(1)} s after the last fault`);
    await readEverything(cluster, load.rounds, record);
    const held = await heldLocks(cluster);
    const behind = await watchersBehind(cluster, watchers);
    const { states, keys } = await compareStates(cluster, load.rounds);
    const equal = {
      passed: states === 1,
      text: `all nodes hold the same state: ${cluster.nodes.length} nodes, ${keys} keys`,
      findings: states === 1 ? [] : [`the nodes hold ${states} different states`],
    };
    return [
      ...judge(record, cluster.leaderships),
      judgeWatches(watchers, record, behind),
      judgeLocks(this.lockClients, held),
      equal,
      judgeProcesses(cluster.nodes),
    ];
  }

  async stop(): Promise<void> {
    await this.cluster.stop();
    await closeConnections();
  }

  tell(text: string): void {
    console.log(`${((performance.now() - this.startedAtMs) / 1000).toFixed(1).padStart(7)} s  ${text}`);
  }

  /** Looks at what has happened while it happens; what breaks a rule ends the run. */
  private async watch(): Promise<readonly Verdict[]> {
    let progressAtMs = performance.now() + progressEveryMs;
    while (performance.now() < this.untilMs) {
      await sleep(lookEveryMs);
      const { leaderships, nodes } = this.cluster;
      const verdicts = [judgeLeaders(leaderships), judgeProcesses(nodes), ...this.checkRounds()];
      const broken = verdicts.filter(({ passed, findings }) => !passed && findings.length > 0);
      if (broken.length > 0) return broken;
      await this.explainSilence();
      if (performance.now() < progressAtMs) continue;
      progressAtMs += progressEveryMs;
      this.tell(this.progress());
    }
    return [];
  }

  /** Once in each time without writes that is long, if anybody wants to know. */
  private async explainSilence(): Promise<void> {
    const { acknowledgedMs } = this.record;
    const writtenAtMs = acknowledgedMs.at(-1) ?? this.startedAtMs;
    if (!this.options.verbose || this.explainedAtMs === writtenAtMs) return;
    if (performance.now() - writtenAtMs < longSilenceMs) return;
    this.explainedAtMs = writtenAtMs;
    for (const view of await viewsOf(this.cluster.nodes)) this.tell(`no write for long; ${view}`);
  }

  private checkRounds(): Verdict[] {
    const ended = this.load.rounds.slice(this.checkedRounds, -roundsToEnd);
    this.checkedRounds += ended.length;
    if (ended.length === 0) return [];
    // What came long before has been looked at before.
    const { operations } = this.record;
    const revisions = this.record.revisions.slice(-recentAnswers);
    // What was read may be of a write that has not come to its end yet.
    const isSettled = (atMs: number): boolean => atMs < performance.now() - roundsToEnd * roundMs;
    const stale = this.record.stale.slice(-recentAnswers).filter(({ atMs }) => isSettled(atMs));
    return [
      judgeRevisions({ revisions }),
      judgeStale({ stale, operations }),
      ...ended.map((round) => judgeOperations(operationsOf(round, this.record))),
    ];
  }

  private progress(): string {
    const { answered, unknown } = this.record.counts;
    const { nemesis } = this;
    const now = nemesis.between(performance.now(), performance.now()).join(", ") || "nothing";
    return `${answered} answers, ${unknown} unknown outcomes, ${nemesis.happened.length} faults; in force: ${now}`;
  }

  private arena(): Arena {
    const { cluster, record } = this;
    return {
      nodes: cluster.nodes,
      network: cluster.network,
      random: new Random(this.options.seed),
      keptEntries: cluster.keptEntries,
      leader: () => cluster.leader(),
      snapshots: ({ id }) => cluster.snapshots.get(id) ?? 0,
      hush: (isQuiet) => {
        for (const clients of [this.load, ...this.lockClients]) clients.hush(isQuiet);
      },
      acknowledged: () => record.acknowledgedMs.length,
      call: (method, path, body) => cluster.call(method, path, body),
      isOver: () => performance.now() >= this.untilMs,
      sleep: async (ms) => {
        const wakeAtMs = performance.now() + ms;
        while (performance.now() < Math.min(wakeAtMs, this.untilMs)) {
          await sleep(Math.min(50, Math.max(1, wakeAtMs - performance.now())));
        }
      },
      tell: (text) => {
        if (this.options.verbose) this.tell(text);
      },
    };
  }
}

function operationsOf(round: Round, { operations }: Record): Record["operations"] {
  const keys = new Set(keysOf(round));
  return operations.filter(({ call }) => {
    if (call.kind === "list") return keys.has(call.keys[0] ?? "");
    return keys.has(call.kind === "transaction" ? (call.success[0]?.key ?? "") : call.key);
  });
}
