/** How a leader lets an idle group rest: first everybody says that he rests, then it rests itself. */

import type { NodeId } from "./entry.ts";

export class Idling {
  private readonly idleAfterMs: number;
  private activeAtMs: number;
  /** The first round in which the peers were asked to rest; null when they are not asked. */
  private askedInRound: number | null = null;
  private readonly restingPeers = new Set<NodeId>();
  private rested = false;

  constructor(idleAfterMs: number, nowMs: number) {
    this.idleAfterMs = idleAfterMs;
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

  /** True when the peers were asked and all of them rest. */
  allRest(peers: Iterable<NodeId>): boolean {
    if (this.askedInRound === null || this.rested) return false;
    for (const peer of peers) if (!this.restingPeers.has(peer)) return false;
    return true;
  }

  rest(): void {
    this.rested = true;
  }
}
