/** Finds the leader of a group, and follows it, within the time that a request has. */

import { internalPath } from "../internal.ts";
import type { Consistency, MemberSpecification } from "../internal.ts";
import { ApiError } from "./errors.ts";
import type { ErrorCode } from "./errors.ts";
import { GroupViews } from "./group-views.ts";
import { callNode } from "./node-call.ts";
import type { Attempt, NodeCall } from "./node-call.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** What a node answered. */
export interface NodeAnswer {
  readonly body: Uint8Array;
  readonly position: Position;
  /** True when an earlier attempt of the same write may still take effect. */
  readonly ambiguous: boolean;
}

/** What is asked of the leader. */
interface LeaderCall {
  readonly path: typeof internalPath.propose | typeof internalPath.query;
  readonly body: Uint8Array;
  /** Whether it does no harm to ask again after an attempt whose outcome is unknown. */
  readonly repeatable: boolean;
}

type Failure = "no_leader" | "timeout" | "unavailable";

/** Who leads, or why that is not known. */
interface Discovery {
  readonly leader: MemberSpecification | undefined;
  readonly failure: Failure;
}

/** How a search for the leader goes. */
interface Search {
  readonly target: Target;
  readonly call: LeaderCall;
  /** Some attempt may still take effect. */
  ambiguous: boolean;
  /** What the last attempt failed by. */
  failure: Failure;
  position: Position | undefined;
  /** How often a refusal has been followed without a pause. */
  hops: number;
  backoffMs: number;
}

/** One attempt that may be repeated must not eat the time that a live node would need: it may have met a dead one. */
const maxAttemptMs = 2500;
/** How long to wait for a node that is asked who leads: two round trips around the world. */
const maxDiscoveryMs = 600;
const firstBackoffMs = 10;
const maxBackoffMs = 250;

const failureMessages = {
  no_leader: "No node that answers knows a leader: too few nodes may be reachable, or an election is under way.",
  timeout: "The leader could not get a majority of the nodes to confirm this in time.",
  unavailable: "No node answered in time.",
} as const;

export class ClusterClient {
  private readonly views = new GroupViews();

  /** Where a group stood when a node of it last answered this isolate. */
  lastPosition(group: string): Position | undefined {
    return this.views.position(group);
  }

  /** Replicates a command. `repeatable` says that it carries an idempotency key. */
  propose(target: Target, command: Uint8Array, repeatable: boolean): Promise<NodeAnswer> {
    return this.askLeader(target, { path: internalPath.propose, body: command, repeatable });
  }

  /** A linearizable read. */
  query(target: Target, query: Uint8Array): Promise<NodeAnswer> {
    return this.askLeader(target, { path: internalPath.query, body: query, repeatable: true });
  }

  /** A read of whatever the first node that answers holds; `members` are asked in their order. */
  async queryStale(target: Target, query: Uint8Array, members: readonly MemberSpecification[]): Promise<NodeAnswer> {
    for (const member of members) {
      const timeoutMs = Math.min(remainingMs(target), maxAttemptMs);
      if (timeoutMs <= 0) break;
      const attempt = await callNode(member, nodeCall(target, internalPath.query, query, "stale", timeoutMs));
      if (attempt.kind === "answer") {
        this.views.see(target.group, attempt.position);
        return { body: attempt.body, position: attempt.position, ambiguous: false };
      }
    }
    throw new ApiError("unavailable", failureMessages.unavailable);
  }

  /** Asks every node at once, none of them for longer than `limitMs`. In the order of the members. */
  callAll(target: Target, path: NodeCall["path"], limitMs: number): Promise<Attempt[]> {
    const timeoutMs = Math.min(remainingMs(target), limitMs);
    const call = nodeCall(target, path, null, "stale", timeoutMs);
    return Promise.all(target.members.map((member) => this.callAndSee(member, call)));
  }

  private async askLeader(target: Target, call: LeaderCall): Promise<NodeAnswer> {
    const search: Search = {
      target,
      call,
      ambiguous: false,
      failure: "unavailable",
      position: undefined,
      hops: 0,
      backoffMs: firstBackoffMs,
    };
    for (;;) {
      const leader = this.knownLeader(target) ?? (await this.discover(search));
      const answer = leader && (await this.ask(leader, search));
      if (answer !== undefined) return answer;
      // A node that named another leader has been heard; ask that one at once, but not in circles.
      if (this.views.leader(target.group) !== null && search.hops < target.members.length) search.hops += 1;
      else await pause(search);
    }
  }

  private knownLeader({ group, members }: Target): MemberSpecification | undefined {
    const leader = this.views.leader(group);
    return leader === null ? undefined : members.find((member) => member.id === leader);
  }

  /**
   * Asks all nodes who leads, and takes the first name given. Costs a write nothing but time, whereas a write sent to a
   * node at random would have an unknown outcome if that one were dead.
   */
  private async discover(search: Search): Promise<MemberSpecification | undefined> {
    const { leader, failure } = await this.askAll(search.target);
    search.failure = failure;
    return leader;
  }

  private askAll(target: Target): Promise<Discovery> {
    const timeoutMs = Math.min(remainingMs(target), maxDiscoveryMs);
    const call = nodeCall(target, internalPath.status, null, "stale", timeoutMs);
    const asked = target.members.length;
    let [answers, failures] = [0, 0];
    return new Promise((resolve) => {
      const heard = (attempt: Attempt): void => {
        if (attempt.kind === "answer") answers += 1;
        else failures += 1;
        const leader = this.knownLeader(target);
        // A majority that knows no leader is answer enough: there is none, or it will be known in a moment.
        const done = leader !== undefined || answers * 2 > asked || answers + failures === asked;
        if (done) resolve({ leader, failure: answers > 0 ? "no_leader" : "unavailable" });
      };
      for (const member of target.members) void this.callAndSee(member, call).then(heard);
    });
  }

  private async callAndSee(member: MemberSpecification, call: NodeCall): Promise<Attempt> {
    const attempt = await callNode(member, call);
    if (attempt.kind === "answer" || attempt.kind === "refusal") this.views.see(call.group, attempt.position);
    return attempt;
  }

  /** One attempt. Undefined when another one may follow. */
  private async ask(leader: MemberSpecification, search: Search): Promise<NodeAnswer | undefined> {
    const { target, call } = search;
    const timeoutMs = call.repeatable ? Math.min(remainingMs(target), maxAttemptMs) : remainingMs(target);
    if (timeoutMs <= 0) throw exhausted(search);
    const attempt = await callNode(leader, nodeCall(target, call.path, call.body, "linearizable", timeoutMs));
    switch (attempt.kind) {
      case "answer":
        this.views.see(target.group, attempt.position);
        return { body: attempt.body, position: attempt.position, ambiguous: search.ambiguous };
      case "overloaded":
        throw failed("overloaded", "Too many requests wait for this group's leader.", search);
      case "unreachable":
        this.views.distrust(target.group, leader.id);
        giveUpUnlessRepeatable(search, attempt.reason === "timeout" ? "timeout" : "unavailable", true);
        return undefined;
      case "refusal":
        search.position = attempt.position;
        this.views.see(target.group, attempt.position);
        this.heed(attempt, leader, search);
        return undefined;
    }
  }

  /** Returns when another attempt may follow. */
  private heed({ refusal }: Attempt & { kind: "refusal" }, leader: MemberSpecification, search: Search): void {
    switch (refusal.code) {
      case "not_leader":
        search.failure = "no_leader";
        // Its position has changed the view already, unless it was that of a term gone by.
        this.views.distrust(search.target.group, leader.id);
        return;
      case "superseded":
        search.failure = "no_leader";
        return;
      case "overloaded":
        throw failed("overloaded", "Too many writes wait for their commit in this group.", search);
      case "too_large":
        throw failed("too_large", "The request exceeds what one entry of the log may hold.", search);
      case "timeout":
        this.views.distrust(search.target.group, leader.id);
        giveUpUnlessRepeatable(search, "timeout", refusal.ambiguous);
        return;
      case "bad_request":
        throw failed("unavailable", "The leader does not understand this version's calls.", search);
      default:
        // A newer node may have reasons that are not known here.
        giveUpUnlessRepeatable(search, "unavailable", refusal.ambiguous);
    }
  }
}

function nodeCall(
  target: Target,
  path: NodeCall["path"],
  body: Uint8Array | null,
  consistency: Consistency,
  timeoutMs: number,
): NodeCall {
  return { env: target.env, group: target.group, path, body, consistency, timeoutMs };
}

function remainingMs(target: Target): number {
  return target.deadlineMs - Date.now();
}

/** After an attempt whose outcome may be unknown. */
function giveUpUnlessRepeatable(search: Search, failure: Failure, ambiguous: boolean): void {
  search.failure = failure;
  if (search.call.path !== internalPath.propose || !ambiguous) return;
  search.ambiguous = true;
  if (!search.call.repeatable) throw exhausted(search);
}

/** Waits before the next attempt, with jitter, so that the requests that met one failure do not come back as one. */
async function pause(search: Search): Promise<void> {
  const waitMs = search.backoffMs * (0.5 + Math.random() / 2);
  search.backoffMs = Math.min(maxBackoffMs, search.backoffMs * 2);
  search.hops = 0;
  if (remainingMs(search.target) <= waitMs) throw exhausted(search);
  await new Promise((resolve) => setTimeout(resolve, waitMs));
}

function exhausted(search: Search): ApiError {
  return failed(search.failure, failureMessages[search.failure], search);
}

function failed(code: ErrorCode, message: string, search: Search): ApiError {
  const { ambiguous, position, call } = search;
  const details = position === undefined ? { ambiguous } : { ambiguous, position };
  if (!ambiguous) return new ApiError(code, message, details);
  const advice = call.repeatable
    ? "It may still take effect; repeat it with the same Idempotency-Key to learn its outcome."
    : "It may still take effect; send an Idempotency-Key with a write to make repeating it safe.";
  return new ApiError(code, `${message} ${advice}`, details);
}
