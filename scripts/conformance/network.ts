/** A group of pure cores on a queue of messages, moved step by step: the stage on which recorded scenarios are played. */

import type { ConfigurationChange } from "../../src/raft/configuration-change.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import type { Message, Snapshot } from "../../src/raft/message.ts";
import { defaultOptions, type RaftOptions } from "../../src/raft/options.ts";
import { Raft } from "../../src/raft/raft.ts";
import { EntryStore } from "./entry-store.ts";

/** Recorded scenarios count time in ticks: a heartbeat is one, the shortest election timeout three. */
const tickMs = 1001;
const electionMinMs = 3000;
/** Long enough that no election starts unless a scenario sets its timeout. */
const unsetTimeoutTicks = 5;

export interface NodeOptions {
  readonly preVote?: boolean;
  readonly checkQuorum?: boolean;
  readonly leaseReads?: boolean;
  readonly maxInflightMessages?: number;
}

interface Stored {
  readonly index: number;
  readonly configuration: Configuration;
}

class Player {
  readonly raft: Raft;
  readonly store: EntryStore;
  /** Messages of turns that the scenario has not processed yet. */
  held: Message[] = [];
  timeoutTicks = unsetTimeoutTicks;
  ticks = 0;

  constructor(id: NodeId, options: NodeOptions, { index, configuration }: Stored) {
    const previousTerm = index > 0 ? 1 : 0;
    this.store = new EntryStore(index);
    const raftOptions: RaftOptions = {
      ...defaultOptions,
      preVote: false,
      checkQuorum: false,
      maxInflightMessages: 256,
      ...options,
      heartbeatMs: 1000,
      electionMinMs,
      electionMaxMs: electionMinMs + 1,
    };
    this.raft = new Raft(
      id,
      raftOptions,
      {
        hardState: { term: 0, vote: null },
        configuration,
        log: { firstIndex: index + 1, lastIndex: index, previousTerm, previousTimeMs: 0, appliedIndex: index },
      },
      this.store,
      () => this.random(),
      // Started long ago, so that no promise from before the start holds any more.
      -electionMinMs,
    );
  }

  /** Where in the range of timeouts, which is one millisecond wide, the scenario's lies. */
  random(): number {
    return this.timeoutTicks * tickMs - electionMinMs;
  }

  get nowMs(): number {
    return this.ticks * tickMs;
  }
}

export class Network {
  private readonly players = new Map<NodeId, Player>();
  private queue: Message[] = [];

  get ids(): readonly NodeId[] {
    return [...this.players.keys()];
  }

  raft(id: NodeId): Raft {
    return this.player(id).raft;
  }

  entries(id: NodeId): readonly Entry[] {
    const { log } = this.raft(id);
    const entries: Entry[] = [];
    while (log.firstIndex + entries.length <= log.lastIndex) {
      entries.push(...log.read(log.firstIndex + entries.length, log.lastIndex, Number.POSITIVE_INFINITY));
    }
    return entries;
  }

  add(
    count: number,
    voters: readonly NodeId[],
    learners: readonly NodeId[],
    index: number,
    options: NodeOptions,
  ): void {
    for (let added = 0; added < count; added += 1) {
      const id = String(this.players.size + 1);
      this.players.set(id, new Player(id, options, { index, configuration: simpleConfiguration(voters, learners) }));
    }
  }

  campaign(id: NodeId): void {
    this.raft(id).campaign(this.player(id).nowMs);
  }

  propose(id: NodeId, data: string): void {
    const proposer = this.proposerFor(id);
    const { raft, nowMs } = this.player(proposer);
    raft.propose(new TextEncoder().encode(data), nowMs);
    this.endTurn(proposer);
  }

  /** Where etcd/raft appends an empty entry for a change that it refuses, ours appends none: keep the indexes equal. */
  proposeChange(id: NodeId, change: ConfigurationChange): void {
    const proposer = this.proposerFor(id);
    const { raft, nowMs } = this.player(proposer);
    const proposal = raft.proposeChange(change, nowMs);
    if (!proposal.accepted && raft.leadership !== null) raft.propose(new Uint8Array(0), nowMs);
    this.endTurn(proposer);
  }

  /** One `Ready` of a node: saves, applies, queues its messages. False when it had nothing to do. */
  process(id: NodeId): boolean {
    const player = this.player(id);
    const { raft, store, nowMs, held } = player;
    player.held = [];
    this.queue.push(...held);
    const ready = raft.ready(nowMs);
    if (ready === null) return held.length > 0;
    if (ready.snapshot !== null) store.reset(ready.snapshot.index);
    store.save(ready.entries);
    this.queue.push(...ready.early, ...ready.messages);
    return true;
  }

  /** Delivers what is queued for a node, or loses it. False when nothing was queued. */
  deliver(id: NodeId, kind: Message["type"] | null, drop: boolean): boolean {
    const chosen = this.queue.filter((message) => message.to === id && (kind === null || message.type === kind));
    if (chosen.length === 0) return false;
    this.queue = this.queue.filter((message) => !chosen.includes(message));
    if (drop) return true;
    const { raft, nowMs } = this.player(id);
    for (const message of chosen) raft.step(message, nowMs);
    return true;
  }

  /** Processes and delivers among some nodes until nothing is left to do; no time passes. */
  stabilize(ids: readonly NodeId[]): void {
    for (let moved = true; moved;) {
      const processed = ids.map((id) => this.process(id));
      const delivered = ids.map((id) => this.deliver(id, null, false));
      moved = [...processed, ...delivered].includes(true);
    }
  }

  tick(id: NodeId, count: number): void {
    const player = this.player(id);
    for (let passed = 0; passed < count; passed += 1) {
      player.ticks += 1;
      player.raft.tick(player.nowMs);
      this.endTurn(id);
    }
  }

  setElectionTimeout(id: NodeId, ticks: number): void {
    const player = this.player(id);
    // The running timer is stretched as well, as etcd's is, which compares the time since its start.
    const role = (player.raft as unknown as { current: { deadlineMs: number; lot?: number } }).current;
    role.deadlineMs += (ticks - player.timeoutTicks) * tickMs;
    player.timeoutTicks = ticks;
    if (role.lot !== undefined) role.lot = player.random();
  }

  compact(id: NodeId, index: number): void {
    const { raft, store } = this.player(id);
    raft.log.compactTo(index);
    store.compact(index);
  }

  sendSnapshot(from: NodeId, to: NodeId): void {
    const { term } = this.raft(from);
    const snapshot: Snapshot = this.raft(from).snapshot();
    this.queue.push({ type: "installSnapshot", from, to, term, snapshot, round: 0 });
  }

  reportUnreachable(reporter: NodeId, peer: NodeId): void {
    this.raft(reporter).reportUnreachable(peer);
  }

  transfer(from: NodeId, to: NodeId): void {
    this.raft(from).transferLeadership(to, this.player(from).nowMs);
  }

  forgetLeader(id: NodeId): void {
    this.raft(id).forgetLeader();
  }

  /** Followers of etcd/raft forward proposals; ours leave it to the caller to follow the leader, which is done here. */
  private proposerFor(id: NodeId): NodeId {
    const { leader } = this.raft(id);
    return leader !== null && this.players.has(leader) ? leader : id;
  }

  /**
   * etcd/raft sends while it handles each event, ours at the end of a turn, which a host ends after each event. Alone in
   * its group a node would commit by that, which etcd/raft leaves to the next `Ready`.
   */
  private endTurn(id: NodeId): void {
    const { raft, store, nowMs, held } = this.player(id);
    if (raft.leadership === null || raft.leadership.peers.size === 0) return;
    const ready = raft.ready(nowMs);
    if (ready === null) return;
    store.save(ready.entries);
    held.push(...ready.early, ...ready.messages);
  }

  private player(id: NodeId): Player {
    const player = this.players.get(id);
    if (player === undefined) throw new Error(`no node ${id}`);
    return player;
  }
}
