/** Finds the leader of a group, and follows it, within the time that a request has. */

import { internalPath } from "../internal.ts";
import type { Consistency, MemberSpecification, Refusal } from "../internal.ts";
import { ApiError } from "./errors.ts";
import { GroupViews } from "./group-views.ts";
import { attemptMs, failureMessages, LeaderSearch } from "./leader-search.ts";
import type { Failure, LeaderCall } from "./leader-search.ts";
import { isMembershipRefusal, sentenceOf } from "./membership-errors.ts";
import { callNode } from "./node-call.ts";
import type { Attempt, NodeCall, ReadBounds } from "./node-call.ts";
import { readStatus } from "./node-status.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** What a node answered. */
export interface NodeAnswer {
  readonly body: Uint8Array;
  readonly position: Position;
  /** True when an earlier attempt of the same write may still take effect. */
  readonly ambiguous: boolean;
}

/** Who leads, or why that is not known. */
interface Discovery {
  readonly leader: MemberSpecification | undefined;
  readonly failure: Failure;
  /** The nodes that answered. */
  readonly answered: readonly MemberSpecification[];
}

/** What one of several nodes answered. */
export interface NodeAttempt {
  readonly member: MemberSpecification;
  readonly attempt: Attempt;
}

/** What a leader is asked about its own group. */
export type AdministrationPath = typeof internalPath.members | typeof internalPath.transfer;

const encoder = new TextEncoder();

/** How long to wait for a node that is asked who leads: two round trips around the world. */
const maxDiscoveryMs = 600;

export class ClusterClient {
  private readonly views = new GroupViews();

  /** Where a group stood when a node of it last answered this isolate. */
  lastPosition(group: string): Position | undefined {
    return this.views.position(group);
  }

  /** The nodes of a group: as the group itself has said, or as wrangler.toml lists those of a new one. */
  members({ group, members }: Target): readonly MemberSpecification[] {
    return this.views.members(group) ?? members;
  }

  /** Asks the leader for a change of its group. */
  administer(target: Target, path: AdministrationPath, request: unknown): Promise<NodeAnswer> {
    const body = encoder.encode(JSON.stringify(request));
    return this.askLeader(target, { path, body, repeatable: false });
  }

  /** Asks one node, whether or not it leads or is known. */
  askNode(target: Target, node: string, path: NodeCall["path"], request: unknown): Promise<Attempt> {
    const body = encoder.encode(JSON.stringify(request));
    const member = this.members(target).find(({ id }) => id === node) ?? { id: node, role: "voter" };
    return this.callAndSee(member, nodeCall(target, path, body, "stale", target.timeoutMs));
  }

  /** Replicates a command. `repeatable` says that it carries an idempotency key. */
  propose(target: Target, command: Uint8Array, repeatable: boolean): Promise<NodeAnswer> {
    return this.askLeader(target, { path: internalPath.propose, body: command, repeatable });
  }

  /** A linearizable read at the leader. */
  query(target: Target, query: Uint8Array, bounds: ReadBounds = {}): Promise<NodeAnswer> {
    return this.askLeader(target, { path: internalPath.query, body: query, repeatable: true, bounds });
  }

  /** A read at the first of `members` that answers it. A node that does not lead asks the leader, if it has to. */
  async queryNodes(
    target: Target,
    query: Uint8Array,
    members: readonly MemberSpecification[],
    consistency: Consistency,
    bounds: ReadBounds = {},
  ): Promise<NodeAnswer> {
    const deadlineMs = Date.now() + target.timeoutMs;
    let last: Attempt | undefined;
    for (const member of members) {
      const timeoutMs = attemptMs(deadlineMs - Date.now());
      if (timeoutMs <= 0) break;
      last = await this.callAndSee(member, {
        ...nodeCall(target, internalPath.query, query, consistency, timeoutMs),
        bounds,
      });
      if (last.kind === "answer") return { body: last.body, position: last.position, ambiguous: false };
    }
    throw nodesFailed(last);
  }

  /** Asks every node at once, none of them for longer than `limitMs`. */
  async callAll(target: Target, path: NodeCall["path"], limitMs: number): Promise<NodeAttempt[]> {
    const timeoutMs = Math.min(target.timeoutMs, limitMs);
    const call = nodeCall(target, path, null, "stale", timeoutMs);
    // The status of any node tells of those that wrangler.toml does not list.
    if (path !== internalPath.status && this.views.members(target.group) === undefined) {
      await this.askAll(target, Math.min(timeoutMs, maxDiscoveryMs));
    }
    const asked = await this.callEach(this.members(target), call);
    const told = this.members(target).filter(({ id }) => !asked.some(({ member }) => member.id === id));
    const all = [...asked, ...(await this.callEach(told, call))];
    if (all.every(({ attempt }) => attempt.kind === "unreachable")) this.views.forgetMembers(target.group);
    const members = this.members(target);
    return all.filter(({ member }) => members.some(({ id }) => id === member.id));
  }

  private callEach(members: readonly MemberSpecification[], call: NodeCall): Promise<NodeAttempt[]> {
    return Promise.all(members.map(async (member) => ({ member, attempt: await this.callAndSee(member, call) })));
  }

  private async askLeader(target: Target, call: LeaderCall): Promise<NodeAnswer> {
    const search = new LeaderSearch(target, call);
    for (;;) {
      const leader = this.knownLeader(target) ?? (await this.discover(search));
      const answer = leader && (await this.ask(leader, search));
      if (answer !== undefined) return answer;
      await search.next(this.views.leader(target.group) !== null);
    }
  }

  private knownLeader(target: Target): MemberSpecification | undefined {
    const leader = this.views.leader(target.group);
    return leader === null ? undefined : this.members(target).find((member) => member.id === leader);
  }

  /**
   * Asks all nodes who leads, and takes the first name given. Costs a write nothing but time, whereas a write sent to a
   * node at random would have an unknown outcome if that one were dead.
   */
  private async discover(search: LeaderSearch): Promise<MemberSpecification | undefined> {
    const { leader, failure, answered } = await this.askAll(
      search.target,
      Math.min(search.remainingMs, maxDiscoveryMs),
    );
    search.failure = failure;
    if (leader === undefined) await this.rouse(answered, search);
    return leader;
  }

  /**
   * Asks one node to stand for election if its group is idle, and so has nobody who watches over its leader. One at a time:
   * woken together they would only take each other's votes.
   */
  private async rouse(answered: readonly MemberSpecification[], search: LeaderSearch): Promise<void> {
    const candidates = answered.filter(({ id, role }) => role === "voter" && id !== search.suspect);
    const chosen = candidates[search.roused % candidates.length];
    if (chosen === undefined) return;
    search.roused += 1;
    const timeoutMs = Math.min(search.remainingMs, maxDiscoveryMs);
    const call = nodeCall(search.target, internalPath.status, null, "stale", timeoutMs);
    await this.callAndSee(chosen, { ...call, suspect: search.suspect ?? "" });
  }

  private askAll(target: Target, timeoutMs: number): Promise<Discovery> {
    const call = nodeCall(target, internalPath.status, null, "stale", timeoutMs);
    const members = this.members(target);
    const asked = members.length;
    const answered: MemberSpecification[] = [];
    let failures = 0;
    return new Promise((resolve) => {
      const heard = (attempt: Attempt, member: MemberSpecification): void => {
        if (attempt.kind === "answer") answered.push(member);
        else failures += 1;
        const leader = this.knownLeader(target);
        // A majority that knows no leader is answer enough: there is none, or it will be known in a moment.
        const done = leader !== undefined || answered.length * 2 > asked || answered.length + failures === asked;
        if (failures === asked) this.views.forgetMembers(target.group);
        if (done) resolve({ leader, failure: answered.length > 0 ? "no_leader" : "unavailable", answered });
      };
      for (const member of members) {
        void this.callAndSee(member, call).then((attempt) => heard(attempt, member));
      }
    });
  }

  private async callAndSee(member: MemberSpecification, call: NodeCall): Promise<Attempt> {
    const attempt = await callNode(member, call);
    if (attempt.kind === "answer" || attempt.kind === "refusal") this.views.see(call.group, attempt.position);
    this.learnMembers(attempt, call);
    return attempt;
  }

  /** Who belongs to the group is in every node's status, and in the refusals of those that do not. */
  private learnMembers(attempt: Attempt, { group, path }: NodeCall): void {
    if (attempt.kind !== "answer" && attempt.kind !== "refusal") return;
    const { generation, index } = attempt.position;
    const told = attempt.kind === "refusal" ? attempt.refusal.members : undefined;
    const members =
      path === internalPath.status && attempt.kind === "answer" ? readStatus(attempt.body)?.members : told;
    if (members !== undefined) this.views.learn(group, { members, index: Number(index), generation });
  }

  /** One attempt. Undefined when another one may follow. */
  private async ask(leader: MemberSpecification, search: LeaderSearch): Promise<NodeAnswer | undefined> {
    const { target, call, attemptMs: timeoutMs } = search;
    if (timeoutMs <= 0) throw search.exhausted();
    const asked = nodeCall(target, call.path, call.body, "linearizable", timeoutMs);
    const attempt = await this.callAndSee(leader, { ...asked, bounds: call.bounds ?? {} });
    switch (attempt.kind) {
      case "answer":
        return { body: attempt.body, position: attempt.position, ambiguous: search.ambiguous };
      case "overloaded":
        throw search.error("overloaded", "Too many requests wait for this group's leader.");
      case "unreachable":
        this.views.distrust(target.group, leader.id);
        search.suspect = leader.id;
        search.failedAttempt(attempt.reason === "timeout" ? "timeout" : "unavailable", true);
        return undefined;
      case "refusal":
        search.position = attempt.position;
        this.heed(attempt.refusal, leader, search);
        return undefined;
    }
  }

  /** Returns when another attempt may follow. */
  private heed({ code, message, ambiguous }: Refusal, leader: MemberSpecification, search: LeaderSearch): void {
    switch (code) {
      case "not_leader":
        // Its position has changed the view already, unless it was that of a term gone by.
        this.views.distrust(search.target.group, leader.id);
        search.failedAttempt("no_leader", ambiguous);
        return;
      case "superseded":
        search.failedAttempt("no_leader", ambiguous);
        return;
      case "timeout":
        this.views.distrust(search.target.group, leader.id);
        search.failedAttempt("timeout", ambiguous);
        return;
      case "overloaded":
        throw search.error("overloaded", "Too many writes wait for their commit in this group.");
      case "too_large":
        throw search.error("too_large", "The request exceeds what one entry of the log may hold.");
      case "bad_request":
        throw search.error("unavailable", "The leader does not understand this version's calls.");
      case "removed":
      case "joining":
      case "fenced":
        this.views.distrust(search.target.group, leader.id);
        search.failedAttempt("no_leader", ambiguous);
        return;
      default:
        if (isMembershipRefusal(code)) throw search.error(code, sentenceOf(message));
        // A newer node may have reasons that are not known here.
        search.failedAttempt("unavailable", ambiguous);
    }
  }
}

/** Why none of the nodes that were asked for a read has answered it, by the last of them. */
function nodesFailed(last: Attempt | undefined): ApiError {
  if (last?.kind === "overloaded") return new ApiError("overloaded", "Too many requests wait for this node.");
  if (last?.kind !== "refusal") return new ApiError("unavailable", failureMessages.unavailable);
  const { refusal, position } = last;
  if (refusal.code === "not_leader") return new ApiError("no_leader", failureMessages.no_leader, { position });
  return new ApiError(refusal.code === "timeout" ? "timeout" : "unavailable", `${refusal.message}.`, { position });
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
