/** Whole groups under everything at once: loss, delay, repetition, partitions, crashes, late timers, snapshots, reads. */

import { expect, test } from "vitest";
import { Cluster } from "./cluster.ts";

/** So small that every limit is met all the time. */
const narrow = {
  heartbeatMs: 20,
  maxInflightMessages: 3,
  maxAppendBytes: 100,
  maxCachedBytes: 200,
  maxApplyBytes: 100,
};

class Storm {
  readonly cluster: Cluster;
  /** Members come and go. */
  private readonly changes: boolean;
  /** One value a command, so that one that is applied twice is seen. */
  private proposed = 0;

  constructor(seed: number) {
    const every = (count: number): boolean => seed % count === 0;
    this.changes = every(2);
    // Without pre-vote, members that were removed would disturb the others for ever.
    const preVote = this.changes || !every(5);
    const options = { ...narrow, leaseReads: every(4), preVote, ...(every(3) ? { idleAfterMs: 100 } : {}) };
    this.cluster = new Cluster({ voters: every(2) ? 5 : 3, learners: every(3) ? 1 : 0, spares: 2, options, seed });
  }

  step(): void {
    const { cluster } = this;
    const { network } = cluster;
    const anyMessage = this.below(network.length);
    const anyNode = this.any([...cluster.nodes.keys()]);
    const deeds: readonly (readonly [weight: number, deed: () => void])[] = [
      [150, () => cluster.deliverAt(this.below(Math.min(5, network.length)))],
      [10, () => cluster.deliverAt(anyMessage)],
      [4, () => cluster.dropAt(anyMessage)],
      [4, () => cluster.put(...network.slice(anyMessage, anyMessage + 1))],
      [12, () => this.passTime()],
      [12, () => this.propose()],
      [12, () => this.read(anyNode)],
      [1, () => this.crash(anyNode)],
      [4, () => cluster.restart(...[...cluster.nodes.values()].filter(({ down }) => down).map(({ id }) => id))],
      [1, () => cluster.partition(anyNode, this.any([...cluster.nodes.keys()]))],
      [1, () => cluster.cut(anyNode, this.any([...cluster.nodes.keys()]))],
      [4, () => cluster.heal()],
      [1, () => this.compact(anyNode)],
      [1, () => this.transfer(anyNode)],
      [1, () => this.wake(anyNode)],
      [this.changes ? 3 : 0, () => this.change()],
    ];
    let left = this.below(deeds.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, deed] of deeds) {
      left -= weight;
      if (left < 0) return deed();
    }
  }

  private passTime(): void {
    const { cluster } = this;
    cluster.nowMs += this.below(this.below(20) === 0 ? 100 : 15);
    for (const { id, raft } of cluster.running) if (raft.deadlineMs <= cluster.nowMs) cluster.tick(id);
  }

  private propose(): void {
    for (const { id } of this.cluster.running.filter(({ raft }) => raft.role === "leader")) {
      this.cluster.propose(id, `${(this.proposed += 1)}`);
    }
  }

  private read(id: string): void {
    if (!this.cluster.node(id).down) this.cluster.read(id);
  }

  /** The power fails now, or at the next write. */
  private crash(id: string): void {
    const points = ["before the write", "after the write"] as const;
    if (this.below(3) === 0) this.cluster.crash(id);
    else this.cluster.node(id).losesPower = () => points[this.below(2)] ?? null;
  }

  private compact(id: string): void {
    const { raft, down } = this.cluster.node(id);
    const { firstIndex, appliedIndex } = raft.log;
    if (!down && appliedIndex > firstIndex) this.cluster.act(id, (node) => node.compactTo(appliedIndex - 1));
  }

  private transfer(to: string): void {
    for (const { id } of this.cluster.running.filter(({ raft }) => raft.role === "leader")) {
      this.cluster.act(id, (node) => node.turn(() => node.raft.transferLeadership(to, node.nowMs)));
    }
  }

  private wake(id: string): void {
    const { down, raft } = this.cluster.node(id);
    if (!down) this.cluster.act(id, (node) => node.turn(() => node.raft.wake(raft.leader, node.nowMs)));
  }

  private change(): void {
    const types = ["addVoter", "addVoter", "addLearner", "addPromotable", "remove"] as const;
    const changes = Array.from({ length: 1 + this.below(2) }, () => ({
      type: this.any(types),
      id: this.any([...this.cluster.nodes.keys()]),
    }));
    for (const { id } of this.cluster.running.filter(({ raft }) => raft.role === "leader")) {
      this.cluster.act(id, (node) =>
        node.turn(() => node.raft.proposeChange({ changes, transition: "auto" }, node.nowMs)),
      );
    }
  }

  private below(count: number): number {
    return Math.floor(this.cluster.random() * count);
  }

  private any<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }
}

const seeds = 60;

test(`no promise is broken in any of ${seeds} storms, and after each the group works as one`, () => {
  let committed = 0;
  let reads = 0;
  for (let seed = 1; seed <= seeds; seed += 1) {
    const { cluster, step } = bound(new Storm(seed));
    try {
      for (let count = 0; count < 1_000; count += 1) step();
      cluster.witness.comparesLogs(cluster.nodes.values());
      reads += [...cluster.nodes.values()].reduce((sum, node) => sum + node.reads.length, 0);
      for (const node of cluster.nodes.values()) node.losesPower = () => null;
      cluster.recovers();
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
    const texts = cluster.applied(cluster.leader.id);
    expect(new Set(texts).size, `seed ${seed} applied a command twice`).toBe(texts.length);
    committed += texts.length;
  }
  // A storm in which nothing gets done would show nothing.
  expect(committed / seeds).toBeGreaterThan(15);
  expect(reads / seeds).toBeGreaterThan(10);
});

function bound(storm: Storm): { readonly cluster: Cluster; readonly step: () => void } {
  return { cluster: storm.cluster, step: () => storm.step() };
}
