/** How one request's search for a leader goes: its time, its doubts, and the error that it may end with. */

import { internalPath } from "../internal.ts";
import { ApiError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import type { ReadBounds } from "./node-call.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** What is asked of the leader. */
export interface LeaderCall {
  readonly path: (typeof internalPath)[
    | "propose"
    | "proposeAll"
    | "query"
    | "subscribe"
    | "confirm"
    | "members"
    | "transfer"];
  readonly body: Uint8Array | null;
  /** Whether it does no harm to ask again after an attempt whose outcome is unknown. */
  readonly repeatable: boolean;
  readonly bounds?: ReadBounds;
}

/** Why there is no answer yet. */
export type Failure = "no_leader" | "timeout" | "unavailable";

const firstBackoffMs = 10;
const maxBackoffMs = 250;
/** Whoever has waited long asks less often, for so much of the time that has passed, but not more seldom than that. */
const backoffShare = 1 / 8;
const maxLateBackoffMs = 1000;
/** How long to wait for a node that is asked who leads: two round trips around the world. */
export const firstDiscoveryMs = 600;
const maxDiscoveryMs = 5000;
/** An attempt that may be repeated leaves time for another: a node that hangs must not hide one that lives. */
const maxAttemptMs = 2500;
/** But no attempt is cut shorter than a slow commit around the world. */
const minAttemptMs = 1000;

export const failureMessages = {
  no_leader: "No node that answers knows a leader: too few nodes may be reachable, or an election is under way.",
  timeout: "The leader could not get a majority of the nodes to confirm this in time.",
  unavailable: "No node answered in time.",
} as const;

/** How long an attempt may take that another one may follow. */
function attemptMs(remainingMs: number): number {
  return Math.min(remainingMs, maxAttemptMs, Math.max(minAttemptMs, remainingMs / 2));
}

export class LeaderSearch {
  readonly target: Target;
  readonly call: LeaderCall;
  /** What the last attempt failed by. */
  failure: Failure = "unavailable";
  /** What the node said that failed last, where that is more than `failure` says. */
  reason: string | undefined;
  /** Where the node stood that refused last. */
  position: Position | undefined;
  /** Who failed last as a leader; a node of an idle group that knows no other will stand for election. */
  suspect: string | null = null;
  /** How many nodes were asked to stand for election. */
  roused = 0;
  /** Some attempt may still take effect. */
  private doubtful = false;
  /** How many named leaders have been asked without a pause before. */
  private hops = 0;
  private backoffMs = firstBackoffMs;
  private patienceMs = firstDiscoveryMs;
  private readonly deadlineMs: number;

  /** The client's time begins now: that of sending its body was its own. */
  constructor(target: Target, call: LeaderCall) {
    this.target = target;
    this.call = call;
    this.deadlineMs = Date.now() + target.timeoutMs;
  }

  get ambiguous(): boolean {
    return this.doubtful;
  }

  get remainingMs(): number {
    return this.deadlineMs - Date.now();
  }

  /** How long the next attempt may take; zero or less when the time is over. */
  get attemptMs(): number {
    return this.call.repeatable ? attemptMs(this.remainingMs) : this.remainingMs;
  }

  /** How long to wait for nodes that are asked who leads. */
  get discoveryMs(): number {
    return Math.min(this.remainingMs, this.patienceMs);
  }

  /** Nodes that have not even said what they know are asked less often: they may have too much to do. */
  discovered(failure: Failure): void {
    this.failure = failure;
    if (failure === "unavailable") this.patienceMs = Math.min(maxDiscoveryMs, this.patienceMs * 2);
  }

  /** After an attempt without a result. Throws when it may still take effect and must not be repeated. */
  failedAttempt(failure: Failure, ambiguous: boolean): void {
    this.failure = failure;
    this.reason = undefined;
    const { path } = this.call;
    if (path === internalPath.query || path === internalPath.subscribe || !ambiguous) return;
    this.doubtful = true;
    if (!this.call.repeatable) throw this.exhausted();
  }

  /**
   * Before the next attempt. A leader that has just been named is asked at once, but not in circles; otherwise there is a
   * pause, with jitter, so that the requests that met one failure do not come back as one. Throws when the time is over.
   */
  async next(leaderNamed: boolean): Promise<void> {
    if (leaderNamed && this.hops < this.target.members.length) {
      this.hops += 1;
      return;
    }
    const waitMs = this.backoffMs * (0.5 + Math.random() / 2);
    const passedMs = this.target.timeoutMs - this.remainingMs;
    const longestMs = Math.min(maxLateBackoffMs, Math.max(maxBackoffMs, passedMs * backoffShare));
    this.backoffMs = Math.min(longestMs, this.backoffMs * 2);
    if (this.remainingMs <= waitMs) throw this.exhausted();
    await new Promise((resolve) => setTimeout(resolve, waitMs));
  }

  /** The error for a request whose time is over. */
  exhausted(): ApiError {
    return this.error(this.failure, this.reason ?? failureMessages[this.failure]);
  }

  /** The error for a client that has not seen what it says: it must not try again, as it would for ever. */
  futureIndex(): ApiError {
    const position = this.position === undefined ? "" : `, only to ${this.position.index}`;
    return this.error(
      "future_index",
      `This group has not come to index ${this.call.bounds?.minIndex}${position}. ` +
        "min_index and X-Raft-Bookmark must be those of an earlier answer of this group.",
    );
  }

  error(code: ErrorCode, message: string): ApiError {
    return leaderError(this.call, code, message, { ambiguous: this.doubtful, position: this.position });
  }
}

/** What the error of a call to a leader depends on. */
interface Doubt {
  readonly ambiguous: boolean;
  readonly position: Position | undefined;
}

/** An error that says whether the request may still take effect, and what makes repeating it safe. */
export function leaderError(
  { path, repeatable }: Pick<LeaderCall, "path" | "repeatable">,
  code: ErrorCode,
  message: string,
  { ambiguous, position }: Doubt,
): ApiError {
  const details = position === undefined ? { ambiguous } : { ambiguous, position };
  if (!ambiguous) return new ApiError(code, message, details);
  if (path === internalPath.members || path === internalPath.transfer) {
    return new ApiError(code, `${message} It may still take effect: GET cluster/members of this group tells.`, details);
  }
  const advice = repeatable
    ? "It may still take effect; repeat it with the same Idempotency-Key to learn its outcome."
    : "It may still take effect; send an Idempotency-Key with a write to make repeating it safe.";
  return new ApiError(code, `${message} ${advice}`, details);
}
