/** How fast the group beats: as configured, or slower when the network needs it. */

import type { RaftOptions } from "./options.ts";

type Bounds = Pick<RaftOptions, "heartbeatMs" | "electionMinMs" | "electionMaxMs" | "electionLimitMs">;

/**
 * The shortest election timeout is twice the slowest round trip that is to be expected, so that a leader whose answers
 * take that long is not deposed; the heartbeat is a tenth of it. What is configured is the lower bound of both,
 * `electionLimitMs` the upper one. The leader measures, and its heartbeats tell the others.
 */
export class Timing {
  electionMinMs: number;
  private readonly bounds: Bounds;

  constructor(bounds: Bounds) {
    this.bounds = bounds;
    this.electionMinMs = bounds.electionMinMs;
  }

  get heartbeatMs(): number {
    return Math.max(this.bounds.heartbeatMs, this.electionMinMs / 10);
  }

  /** Timeouts are drawn from a range that keeps the configured proportions. */
  get electionMaxMs(): number {
    return (this.electionMinMs * this.bounds.electionMaxMs) / this.bounds.electionMinMs;
  }

  /** The election timeout at a place in the range, from 0 to 1. */
  electionTimeoutMs(lot: number): number {
    return this.electionMinMs + lot * (this.electionMaxMs - this.electionMinMs);
  }

  /** Takes the round trip that all but one in a hundred stay within. */
  fit(roundTripMs: number): void {
    this.follow(2 * roundTripMs);
  }

  /** Takes how long the answer to a candidate took: there is no leader yet who measures, and may never be if nobody waits. */
  fitAtLeast(roundTripMs: number): void {
    this.follow(Math.max(this.electionMinMs, 2 * roundTripMs));
  }

  /** Takes the shortest election timeout that the leader goes by. */
  follow(electionMinMs: number): void {
    const { electionMinMs: least, electionLimitMs: most = least } = this.bounds;
    this.electionMinMs = Math.min(Math.max(electionMinMs, least), Math.max(most, least));
  }
}
