/** The one history that was committed: what every node agrees on, for ever. */

import { changeConfiguration } from "../../../src/raft/configuration-change.ts";
import type { Configuration } from "../../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../../src/raft/entry.ts";
import { majorityReached } from "../../../src/raft/quorum.ts";
import type { DurableImage } from "../disk/durable-image.ts";
import type { AppliedCommand } from "../disk/write-record.ts";
import type { Storages } from "./storages.ts";
import { equalEntries } from "./log-matching.ts";
import { demand } from "./violation.ts";

interface Committed {
  readonly entry: Entry;
  /** The term in which it was committed, or a later one. */
  readonly term: number;
}

interface Reached {
  readonly configuration: Configuration;
  /** The entry that has led to it; 0 for the first one. */
  readonly index: number;
}

export class Ledger {
  /** All configurations that were committed, the first one included. */
  private readonly configurations: Reached[];
  private readonly images: Storages;
  private readonly onCommit: (entry: Entry) => void;
  private readonly history: Committed[] = [];
  private readonly digests: (number | undefined)[] = [];
  private readonly contents = new Map<number, string>();

  constructor(configuration: Configuration, images: Storages, onCommit: (entry: Entry) => void) {
    this.configurations = [{ configuration, index: 0 }];
    this.images = images;
    this.onCommit = onCommit;
  }

  /** The configuration that was committed last. */
  get configuration(): Configuration {
    const last = this.configurations.at(-1);
    if (last === undefined) throw new Error("there is always a first configuration");
    return last.configuration;
  }

  /**
   * The configurations that may decide who leads now: the last one that a majority of its own voters has durably applied,
   * and all since. Of any other majority of that one some voter knows it, and tells the others.
   */
  get configurationsInForce(): readonly Configuration[] {
    const established = this.configurations.findLastIndex((each) => this.isKnown(each));
    return this.configurations.slice(Math.max(0, established)).map(({ configuration }) => configuration);
  }

  /** Whether a majority of its own voters has durably applied the configuration in force at `index`, or a later one. */
  isEstablished(index: number): boolean {
    const at = this.configurations.findLastIndex((each) => each.index <= index);
    return this.configurations.slice(at).some((each) => this.isKnown(each));
  }

  get lastIndex(): number {
    return this.history.length;
  }

  /** A node in `term` takes its entries `first..last` for committed. What nobody claimed before becomes history. */
  claim(node: NodeId, image: DurableImage, first: number, last: number, term: number): void {
    for (let index = first; index <= last; index += 1) {
      const known = this.history[index - 1];
      // What a state stands for was committed before the state was made.
      if (known !== undefined && index <= image.beginning.index) continue;
      const entry = image.entry(index);
      demand(entry !== undefined, "committed on a quorum", () => `${node} claims entry ${index} and does not hold it`);
      if (known === undefined) this.commit(entry, term);
      else this.compare(node, entry, known.entry);
    }
  }

  /** A new leader holds everything that was committed in earlier terms (Raft paper, section 5.4.3). */
  requireComplete(leader: NodeId, leaderTerm: number, holds: (entry: Entry) => boolean): void {
    const last = this.history.findLast(({ term }) => term < leaderTerm);
    if (last === undefined) return;
    const { index, term } = last.entry;
    demand(
      holds(last.entry),
      "leader completeness",
      () => `${leader} leads term ${leaderTerm} without entry ${index} of term ${term}, which is committed`,
    );
  }

  /** Equal commands, order and results on every node. */
  applied(node: NodeId, { index, digest }: Pick<AppliedCommand, "index" | "digest">): void {
    const known = this.digests[index] ?? digest;
    demand(known === digest, "state-machine safety", () => `${node} has another state at ${index}`);
    this.digests[index] = digest;
  }

  /** What all commands up to `index` come to. */
  digestAt(index: number): number {
    return this.digests.findLast((digest, at) => digest !== undefined && at <= index) ?? 0;
  }

  /** Equal states, not only equal commands: what a state machine holds once everything up to `index` is applied. */
  holds(node: NodeId, index: number, content: string): void {
    const known = this.contents.get(index) ?? content;
    demand(known === content, "state-machine safety", () => `${node} holds another state at ${index}`);
    this.contents.set(index, content);
  }

  /** Entries from `first` on were removed from a disk: what is committed among them must still be on a majority. */
  truncated(first: number): void {
    const lost = this.history[first - 1];
    if (lost !== undefined) this.requireQuorum(lost.entry);
  }

  private commit(entry: Entry, term: number): void {
    this.requireQuorum(entry);
    this.history.push({ entry, term });
    this.reconfigure(entry);
    this.onCommit(entry);
  }

  private isKnown({ configuration, index }: Reached): boolean {
    // A storage that was lost since counts, too: no majority of voters that can go on is made without one of the others.
    const applied = (voter: NodeId): number => this.images.meantBy(configuration, voter)?.appliedIndex ?? 0;
    return majorityReached(configuration, applied) >= index;
  }

  private reconfigure({ change, index }: Entry): void {
    if (change === undefined) return;
    const outcome = changeConfiguration(this.configuration, change);
    demand(outcome.changed, "possible changes", () => `${JSON.stringify(change)} was committed but is not possible`);
    this.configurations.push({ configuration: outcome.configuration, index });
  }

  private compare(node: NodeId, entry: Entry, committed: Entry): void {
    demand(
      equalEntries(entry, committed),
      "state-machine safety",
      () =>
        `${node} has entry ${entry.index} of term ${entry.term} in the place of the committed one of ${committed.term}`,
    );
  }

  /**
   * A change is in force when it is applied, so a leader may commit it, and what follows it, by the configuration before
   * it; and one that has not heard of the commit of the change before that, by the one before both.
   */
  private requireQuorum(entry: Entry): void {
    const { index, term } = entry;
    const holds = (configuration: Configuration, voter: NodeId): boolean =>
      this.images.meantBy(configuration, voter)?.holds(entry) === true;
    const byQuorum = this.configurations
      .slice(-3)
      .some(({ configuration }) => majorityReached(configuration, (voter) => Number(holds(configuration, voter))) >= 1);
    const holders = this.images.ids.filter((id) => this.images.get(id)?.holds(entry) === true);
    demand(
      byQuorum,
      "committed on a quorum",
      () => `entry ${index} of term ${term} is durable on ${holders.join(", ") || "no node"} only`,
    );
  }
}
