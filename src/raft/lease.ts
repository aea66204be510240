/** The leader's lease: until when a majority has promised to elect nobody else (thesis, section 6.4.1). */

import type { Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";
import type { RaftOptions } from "./options.ts";
import { majorityReached } from "./quorum.ts";

interface Start {
  readonly round: number;
  readonly atMs: number;
}

/**
 * Heartbeats ask their receivers to elect nobody else for so long, and only their answers count: other messages ask for no
 * promise. The lease is counted from the time at which a round began, never from its answers, and ends earlier than the
 * promises by the drift that clocks may have.
 */
export class Lease {
  private readonly promiseMs: number;
  private readonly maxClockDriftMs: number;
  /** Promises are asked for from this round on. */
  private firstRound = 1;
  private ended: boolean;
  /** Rounds in which promises were asked for, the newest last. */
  private starts: Start[] = [];
  /** The newest of these rounds that each voter has answered. */
  private readonly promised = new Map<NodeId, number>();
  private sinceMs: number | null = null;

  constructor({ leaseReads, electionMinMs, maxClockDriftMs }: RaftOptions) {
    this.ended = !leaseReads;
    this.promiseMs = Math.floor(electionMinMs);
    this.maxClockDriftMs = maxClockDriftMs;
  }

  /** What a heartbeat asks its receiver to promise, in milliseconds; 0 takes back what was promised before. */
  get askedMs(): number {
    return this.asks ? this.promiseMs : 0;
  }

  /** When it ends; in the past, or infinitely long ago, when it is not held. */
  get untilMs(): number {
    if (this.sinceMs === null) return Number.NEGATIVE_INFINITY;
    return this.sinceMs + this.promiseMs - this.maxClockDriftMs;
  }

  startRound(round: number, nowMs: number): void {
    if (!this.asks) return;
    this.starts.push({ round, atMs: nowMs });
    if (this.starts.length > rememberedRounds) this.starts.shift();
  }

  /** A peer has answered the heartbeat of a round. */
  answered(peer: NodeId, round: number): void {
    if (!this.asks || round < this.firstRound) return;
    this.promised.set(peer, Math.max(round, this.promised.get(peer) ?? 0));
  }

  /** Counts the promises, by the configuration in force: another majority may be able to elect. */
  count(configuration: Configuration, self: NodeId): void {
    const promised = (voter: NodeId): number =>
      voter === self ? Number.POSITIVE_INFINITY : (this.promised.get(voter) ?? 0);
    const round = majorityReached(configuration, promised);
    this.sinceMs = this.starts.findLast((start) => start.round <= round)?.atMs ?? null;
  }

  /** Gives it back: from now on others may be elected. */
  giveUp(): void {
    this.firstRound = Number.POSITIVE_INFINITY;
    this.sinceMs = null;
    this.starts = [];
    this.promised.clear();
  }

  /** Asks for promises again, from this round on. */
  renew(round: number): void {
    this.firstRound = round;
  }

  /** Gives it back for the rest of the term. */
  end(): void {
    this.giveUp();
    this.ended = true;
  }

  private get asks(): boolean {
    return !this.ended && this.firstRound < Number.POSITIVE_INFINITY;
  }
}

/** Enough for every round within an election timeout that may still be answered. */
const rememberedRounds = 256;
