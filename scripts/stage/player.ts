/** A node on the stage: its core, moved step by step, and the disk from which it starts again. */

import type { Configuration } from "../../src/raft/configuration.ts";
import type { Entry, HardState, NodeId } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import { defaultOptions, type RaftOptions } from "../../src/raft/options.ts";
import { Raft } from "../../src/raft/raft.ts";
import type { Ready } from "../../src/raft/ready.ts";
import { EntryStore } from "./entry-store.ts";

/** Scenarios count time in ticks: a heartbeat is one, the shortest election timeout three. */
const tickMs = 1001;
const electionMinMs = 3000;
/** Long enough that no election starts unless a scenario sets its timeout. */
const unsetTimeoutTicks = 5;

export type NodeOptions = Partial<
  Pick<RaftOptions, "preVote" | "checkQuorum" | "leaseReads" | "maxInflightMessages" | "maxAppendBytes">
>;

/** What a node has stored before its first start. */
export interface Beginning {
  /** The entry behind which its log begins. */
  readonly before: { readonly index: number; readonly term: number };
  readonly entries: readonly Entry[];
  readonly term: number;
  readonly configuration: Configuration;
}

export class Player {
  raft: Raft;
  /** Messages of turns that the scenario has not processed yet. */
  held: Message[] = [];
  down = false;
  private timeoutTicks = unsetTimeoutTicks;
  private ticks = 0;
  private readonly id: NodeId;
  private readonly options: RaftOptions;
  private readonly store: EntryStore;
  private hardState: HardState;
  private configuration: Configuration;
  private appliedIndex: number;

  constructor(id: NodeId, options: NodeOptions, { before, entries, term, configuration }: Beginning) {
    this.id = id;
    this.options = {
      ...defaultOptions,
      preVote: false,
      checkQuorum: false,
      maxInflightMessages: 256,
      ...options,
      heartbeatMs: 1000,
      electionMinMs,
      electionMaxMs: electionMinMs + 1,
    };
    this.store = new EntryStore(before);
    this.store.save(entries);
    this.hardState = { term, vote: null };
    this.configuration = configuration;
    this.appliedIndex = before.index;
    this.raft = this.create();
  }

  get nowMs(): number {
    return this.ticks * tickMs;
  }

  pass(): void {
    this.ticks += 1;
  }

  /** Makes durable what a turn has to save. */
  save({ hardState, snapshot, entries, committed, configuration }: Ready): void {
    if (hardState !== null) this.hardState = hardState;
    if (snapshot !== null) {
      this.store.reset(snapshot);
      this.configuration = snapshot.configuration;
      this.appliedIndex = snapshot.index;
    }
    this.store.save(entries);
    this.appliedIndex = committed.at(-1)?.index ?? this.appliedIndex;
    if (configuration !== null) this.configuration = configuration;
  }

  compact(index: number): void {
    this.raft.log.compactTo(index);
    this.store.compact(index);
  }

  crash(): void {
    this.down = true;
    this.held = [];
  }

  restart(): void {
    this.down = false;
    this.raft = this.create();
  }

  setElectionTimeout(ticks: number): void {
    // The running timer is stretched as well, as etcd's is, which compares the time since its start.
    const role = (this.raft as unknown as { current: { deadlineMs: number; lot?: number } }).current;
    role.deadlineMs += (ticks - this.timeoutTicks) * tickMs;
    this.timeoutTicks = ticks;
    if (role.lot !== undefined) role.lot = this.lot;
  }

  /** Where in the range of timeouts, which is one millisecond wide, this node's lies. */
  private get lot(): number {
    return this.timeoutTicks * tickMs - electionMinMs;
  }

  private create(): Raft {
    const { hardState, configuration, appliedIndex } = this;
    const stored = { hardState, configuration, log: { ...this.store.extent, appliedIndex } };
    return new Raft(this.id, this.options, stored, this.store, () => this.lot, this.nowMs);
  }
}
