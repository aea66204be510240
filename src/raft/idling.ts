/** How a leader lets an idle group rest: first everybody says that he rests, then it rests itself. */

import type { Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { Progress } from "./progress.ts";
import { majorityReached } from "./quorum.ts";

/**
 * A peer that is gone does not keep the others awake for ever. Once it has been silent for as long as a group must be idle,
 * and some election timeouts more, the leader rests without it, if a majority rests. No read and no write relies on a rest,
 * so what the peer does matters for its own sake alone, and when it comes back it gets what it lacks:
 *
 * - It asks for votes, as it hears no leader. The leader, if it is still in memory, wakes and sends heartbeats. If not, and
 *   the peer lacks nothing, it is elected and leads. If it lacks entries, whoever refuses it for that wakes, watches in vain
 *   for a leader, and stands for election itself (`Follower.missedBy`).
 * - Or it rests too, since an earlier time: then it lacks what was written since, and gets it when the group wakes next, as
 *   any node that is cut off.
 */
export class Idling {
  private readonly idleAfterMs: number;
  private readonly silentAfterMs: number;
  private awakeSinceMs: number;
  private activeAtMs: number;
  /** The first round in which the peers were asked to rest; null when they are not asked. */
  private askedInRound: number | null = null;
  private readonly restingPeers = new Set<NodeId>();
  private rested = false;

  constructor(idleAfterMs: number, patienceMs: number, nowMs: number) {
    this.idleAfterMs = idleAfterMs;
    this.silentAfterMs = idleAfterMs + patienceMs;
    this.awakeSinceMs = nowMs;
    this.activeAtMs = nowMs;
  }

  /** The peers are asked to rest. */
  get asking(): boolean {
    return this.askedInRound !== null;
  }

  /** The leader rests too. */
  get resting(): boolean {
    return this.rested;
  }

  /** Something was wanted of the group. Answers whether anybody may be resting, and so has to be woken. */
  activity(nowMs: number): boolean {
    this.activeAtMs = nowMs;
    if (this.rested) this.awakeSinceMs = nowMs;
    const wasAsking = this.asking;
    this.askedInRound = null;
    this.restingPeers.clear();
    this.rested = false;
    return wasAsking;
  }

  /** A round begins while nothing is on its way: if it is time, the peers are asked to rest in it. */
  ask(round: number, nowMs: number): void {
    if (this.askedInRound === null && nowMs - this.activeAtMs >= this.idleAfterMs) this.askedInRound = round;
  }

  /** A peer has answered a round and rests. */
  rests(peer: NodeId, round: number): void {
    if (this.askedInRound !== null && round >= this.askedInRound) this.restingPeers.add(peer);
  }

  /** The peers that a rest has to wait for: all that were heard while the group was awake, and not too long ago. */
  present(peers: ReadonlyMap<NodeId, Progress>, nowMs: number): ReadonlyMap<NodeId, Progress> {
    const heardSinceMs = nowMs - this.silentAfterMs;
    if (this.awakeSinceMs > heardSinceMs) return peers;
    return new Map([...peers].filter(([, { lastContactMs }]) => (lastContactMs ?? heardSinceMs) > heardSinceMs));
  }

  /** True when the peers were asked, and both all that have to and a majority, with the leader itself, rest. */
  enoughRest(present: Iterable<NodeId>, configuration: Configuration, self: NodeId): boolean {
    if (this.askedInRound === null || this.rested) return false;
    for (const peer of present) if (!this.restingPeers.has(peer)) return false;
    return majorityReached(configuration, (voter) => Number(voter === self || this.restingPeers.has(voter))) === 1;
  }

  rest(): void {
    this.rested = true;
  }
}
