/** A group of pure cores on a queue of messages, moved step by step: the stage on which scenarios are played. */

import type { ConfigurationChange } from "../../src/raft/configuration-change.ts";
import { type Configuration, simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry, NodeId } from "../../src/raft/entry.ts";
import type { Message, Snapshot } from "../../src/raft/message.ts";
import type { Raft } from "../../src/raft/raft.ts";
import type { Ready } from "../../src/raft/ready.ts";
import type { RoleName } from "../../src/raft/role.ts";
import { type Beginning, type NodeOptions, Player } from "./player.ts";

/** What can be seen of a node. */
export interface Look {
  readonly role: RoleName;
  readonly term: number;
  readonly vote: NodeId | null;
  readonly leader: NodeId | null;
  readonly commitIndex: number;
  readonly firstIndex: number;
  readonly entries: readonly Entry[];
  readonly configuration: Configuration;
}

/** Sees what happens on the stage. */
export interface Audience {
  delivered(message: Message): void;
  lost(message: Message, reason: string): void;
  changed(id: NodeId, before: Look, after: Look): void;
}

export class Stage {
  private readonly players = new Map<NodeId, Player>();
  private readonly audience: Audience | null;
  private queue: Message[] = [];
  /** Who is on the same side of a partition; null when there is none. */
  private sides: readonly (readonly NodeId[])[] | null = null;

  constructor(audience: Audience | null = null) {
    this.audience = audience;
  }

  get ids(): readonly NodeId[] {
    return [...this.players.keys()];
  }

  raft(id: NodeId): Raft {
    return this.player(id).raft;
  }

  isDown(id: NodeId): boolean {
    return this.player(id).down;
  }

  look(id: NodeId): Look {
    const { role, term, vote, leader, log, configuration } = this.raft(id);
    const { commitIndex, firstIndex } = log;
    return { role, term, vote, leader, commitIndex, firstIndex, entries: this.entries(id), configuration };
  }

  entries(id: NodeId): readonly Entry[] {
    const { log } = this.raft(id);
    const entries: Entry[] = [];
    while (log.firstIndex + entries.length <= log.lastIndex) {
      entries.push(...log.read(log.firstIndex + entries.length, log.lastIndex, Number.POSITIVE_INFINITY));
    }
    return entries;
  }

  /** @param index where the logs begin, behind a state of term 1 */
  add(
    ids: readonly NodeId[],
    voters: readonly NodeId[],
    learners: readonly NodeId[],
    index: number,
    options: NodeOptions,
  ): void {
    const before = { index, term: index > 0 ? 1 : 0 };
    const configuration = simpleConfiguration(voters, learners);
    for (const id of ids) this.enter(id, options, { before, entries: [], term: 0, configuration });
  }

  /** A node with a past. */
  enter(id: NodeId, options: NodeOptions, beginning: Beginning): void {
    if (this.players.has(id)) throw new Error(`there is a node ${id} already`);
    this.players.set(id, new Player(id, options, beginning));
  }

  campaign(id: NodeId): void {
    this.act(id, ({ raft, nowMs }) => raft.campaign(nowMs));
  }

  propose(id: NodeId, data: string): void {
    const proposer = this.proposerFor(id);
    this.act(proposer, ({ raft, nowMs }) => raft.propose(new TextEncoder().encode(data), nowMs));
    this.endTurn(proposer);
  }

  /** Where etcd/raft appends an empty entry for a change that it refuses, ours appends none: keep the indexes equal. */
  proposeChange(id: NodeId, change: ConfigurationChange): void {
    const proposer = this.proposerFor(id);
    this.act(proposer, ({ raft, nowMs }) => {
      const proposal = raft.proposeChange(change, nowMs);
      if (!proposal.accepted && raft.leadership !== null) raft.propose(new Uint8Array(0), nowMs);
    });
    this.endTurn(proposer);
  }

  /** One `Ready` of a node: saves, applies, queues its messages. False when it had nothing to do. */
  process(id: NodeId): boolean {
    const player = this.player(id);
    if (player.down) return false;
    const { held } = player;
    player.held = [];
    this.queue.push(...held);
    const ready = this.takeReady(player, id);
    if (ready === null) return held.length > 0;
    this.queue.push(...ready.early, ...ready.messages);
    return true;
  }

  /** Delivers what is queued for a node, or loses it. False when nothing was queued. */
  deliver(id: NodeId, kind: Message["type"] | null, drop: boolean): boolean {
    const chosen = this.queue.filter((message) => message.to === id && (kind === null || message.type === kind));
    if (chosen.length === 0) return false;
    this.queue = this.queue.filter((message) => !chosen.includes(message));
    for (const message of chosen) {
      const obstacle = drop ? "dropped" : this.obstacle(message);
      if (obstacle === null) this.arrive(message);
      else this.audience?.lost(message, obstacle);
    }
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
      player.pass();
      this.act(id, ({ raft, nowMs }) => raft.tick(nowMs));
      this.endTurn(id);
    }
  }

  setElectionTimeout(id: NodeId, ticks: number): void {
    this.player(id).setElectionTimeout(ticks);
  }

  compact(id: NodeId, index: number): void {
    this.player(id).compact(index);
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
    this.act(from, ({ raft, nowMs }) => void raft.transferLeadership(to, nowMs));
  }

  forgetLeader(id: NodeId): void {
    this.act(id, ({ raft }) => raft.forgetLeader());
  }

  /** Whatever goes from one side to another is lost, until `heal`; who is on no side is alone. */
  partition(sides: readonly (readonly NodeId[])[]): void {
    this.sides = sides;
  }

  heal(): void {
    this.sides = null;
  }

  /** Ends a node: what it has saved remains, and what it has sent is on its way. */
  crash(id: NodeId): void {
    this.player(id).crash();
  }

  restart(id: NodeId): void {
    this.act(id, (player) => player.restart());
  }

  private arrive(message: Message): void {
    this.audience?.delivered(message);
    this.act(message.to, ({ raft, nowMs }) => raft.step(message, nowMs));
  }

  private obstacle({ from, to }: Message): string | null {
    if (this.player(to).down) return `${to} is down`;
    const side = this.sides?.find((ids) => ids.includes(from)) ?? [from];
    return this.sides === null || side.includes(to) ? null : "cut off";
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
    const player = this.player(id);
    const { raft, held } = player;
    if (raft.leadership === null || raft.leadership.peers.size === 0) return;
    const ready = this.takeReady(player, id);
    if (ready !== null) held.push(...ready.early, ...ready.messages);
  }

  private takeReady(player: Player, id: NodeId): Ready | null {
    let ready: Ready | null = null;
    this.act(id, ({ raft, nowMs }) => {
      ready = raft.ready(nowMs);
      if (ready !== null) player.save(ready);
    });
    return ready;
  }

  /** Lets something happen to a node, for all to see. */
  private act(id: NodeId, happens: (player: Player) => void): void {
    const player = this.player(id);
    const before = this.audience === null ? null : this.look(id);
    happens(player);
    if (before !== null) this.audience?.changed(id, before, this.look(id));
  }

  private player(id: NodeId): Player {
    const player = this.players.get(id);
    if (player === undefined) throw new Error(`no node ${id}`);
    return player;
  }
}
