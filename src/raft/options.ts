/** The parameters of the protocol, with the rules that they must hold. */

import { assert } from "./assert.ts";

export interface RaftOptions {
  /** How often a leader is heard, in milliseconds. */
  readonly heartbeatMs: number;
  /**
   * Election timeouts are drawn evenly from this range, in milliseconds. Within the lower bound of its last contact with
   * a leader a node refuses votes (leader stickiness, thesis section 4.2.3); a leader that hears from no majority for the
   * upper bound steps down (check-quorum, thesis section 6.2).
   */
  readonly electionMinMs: number;
  readonly electionMaxMs: number;
  /**
   * Up to which shortest election timeout the group adapts to measured round trips, in milliseconds. Missing: the timing
   * is as configured.
   */
  readonly electionLimitMs?: number;
  /**
   * After how long without a proposal or a read the group rests, in milliseconds: no heartbeats, no timers, until a
   * request comes. Missing: never. Who rests sticks to no leader, so without `preVote` a node that was removed can disturb it.
   */
  readonly idleAfterMs?: number;
  /** Ask before an election whether it could be won (thesis, section 9.6). */
  readonly preVote: boolean;
  /** Step down without a quorum, and stick to a leader that was heard lately. */
  readonly checkQuorum: boolean;
  /**
   * Answer reads without a round while a majority has promised not to elect another leader (thesis, section 6.4.1). The
   * leader's options decide; who follows promises what it is asked for. It trusts the clocks of all nodes to run equally
   * fast within `maxClockDriftMs` per shortest election timeout; without it no answer depends on a clock.
   */
  readonly leaseReads: boolean;
  /** By how much a lease ends before the promise that it rests on, in milliseconds. */
  readonly maxClockDriftMs: number;
  /** The most bytes of entries in one message; a single larger entry travels alone. */
  readonly maxAppendBytes: number;
  /** The most append messages sent to one peer and not yet answered. */
  readonly maxInflightMessages: number;
  /** The most bytes of entries sent to one peer and not yet answered. */
  readonly maxInflightBytes: number;
  /** The most bytes of proposed entries that wait for their commit; more are refused. */
  readonly maxUncommittedBytes: number;
  /** The most bytes of entries handed out to be applied in one step. */
  readonly maxApplyBytes: number;
  /** How many bytes of stored entries stay in memory for peers that are nearly up to date. */
  readonly maxCachedBytes: number;
}

const mebibyte = 1024 * 1024;

/** Everything but the timing, which depends on where the nodes are. */
export const defaultOptions = {
  preVote: true,
  checkQuorum: true,
  leaseReads: false,
  maxClockDriftMs: 10,
  maxAppendBytes: mebibyte,
  maxInflightMessages: 64,
  maxInflightBytes: 8 * mebibyte,
  maxUncommittedBytes: 16 * mebibyte,
  maxApplyBytes: 8 * mebibyte,
  maxCachedBytes: 4 * mebibyte,
} as const;

export function assertOptions(options: RaftOptions): void {
  assert(options.heartbeatMs > 0, "heartbeatMs must be above 0");
  assert(options.heartbeatMs < options.electionMinMs, "heartbeatMs must be below electionMinMs");
  assert(options.electionMinMs <= options.electionMaxMs, "electionMinMs must not exceed electionMaxMs");
  assert(!options.leaseReads || options.checkQuorum, "leaseReads needs checkQuorum");
  assert(options.maxClockDriftMs >= 0, "maxClockDriftMs must not be negative");
  const drift = options.maxClockDriftMs;
  assert(!options.leaseReads || drift < options.electionMinMs, "maxClockDriftMs must be below electionMinMs");
  assert(options.maxInflightMessages >= 1, "maxInflightMessages must be at least 1");
}
