/** Finds the leader of a group, and follows it, within the time that a request has. */

import { internalPath } from "../internal.ts";
import type { MemberSpecification, Refusal } from "../internal.ts";
import { nodeCall } from "./group-calls.ts";
import type { GroupCalls } from "./group-calls.ts";
import { LeaderSearch } from "./leader-search.ts";
import type { Failure, LeaderCall } from "./leader-search.ts";
import { isMembershipRefusal } from "./membership-errors.ts";
import type { Attempt } from "./node-call.ts";
import type { Position } from "./position.ts";
import { sentenceOf, tooLargeSentence } from "./sentences.ts";
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

export class LeaderCalls {
  private readonly nodes: GroupCalls;

  constructor(nodes: GroupCalls) {
    this.nodes = nodes;
  }

  /** The leader's answer. Throws an `ApiError` when there is none within the target's time. */
  async ask(target: Target, call: LeaderCall): Promise<NodeAnswer> {
    const search = new LeaderSearch(target, call);
    for (;;) {
      const leader = this.nodes.knownLeader(target) ?? (await this.discover(search));
      const answer = leader && (await this.attempt(leader, search));
      if (answer !== undefined) return answer;
      await search.next(this.nodes.isLeaderNamed(target));
    }
  }

  /**
   * A node that has started while its group rests learns who leads when the leader wakes, and a learner wakes nobody itself:
   * where a node that was asked knows no leader, the leader is asked for a sign of life. Throws as `ask` does.
   */
  async wakeFor({ failure, target, remainingMs }: LeaderSearch): Promise<void> {
    if (failure !== "no_leader") return;
    await this.ask({ ...target, timeoutMs: remainingMs }, { path: internalPath.confirm, body: null, repeatable: true });
  }

  /**
   * Asks all nodes who leads, and takes the first name given; where none is given, or only that of a node which has just
   * failed as a leader, one node is asked to stand for election: those of an idle group know of no failure.
   * Costs a write nothing but time, whereas a write sent to a node at random would have an unknown outcome if that one were
   * dead.
   */
  async discover(search: LeaderSearch): Promise<MemberSpecification | undefined> {
    const { leader, failure, answered } = await this.askAll(search.target, search.discoveryMs);
    const isSuspect = leader !== undefined && leader.id === search.suspect;
    // Why that one failed says more than that it is named.
    if (!isSuspect) search.discovered(failure);
    if (leader !== undefined && !isSuspect) return leader;
    await this.rouse(answered, search);
    if (isSuspect) this.nodes.distrust(search.target, leader.id);
    // Whoever is named after this is asked again, be it the same one.
    search.suspect = null;
    return undefined;
  }

  /** Asks all nodes for their status, up to the first that names a leader. */
  askAll(target: Target, timeoutMs: number): Promise<Discovery> {
    const call = nodeCall(target, internalPath.status, null, "stale", timeoutMs);
    const members = this.nodes.members(target);
    const asked = members.length;
    const answered: MemberSpecification[] = [];
    let failures = 0;
    return new Promise((resolve) => {
      const heard = (attempt: Attempt, member: MemberSpecification): void => {
        if (attempt.kind === "answer") answered.push(member);
        else failures += 1;
        const leader = this.nodes.knownLeader(target);
        // A majority that knows no leader is answer enough: there is none, or it will be known in a moment.
        const done = leader !== undefined || answered.length * 2 > asked || answered.length + failures === asked;
        if (failures === asked) this.nodes.forgetMembers(target.group);
        if (done) resolve({ leader, failure: answered.length > 0 ? "no_leader" : "unavailable", answered });
      };
      for (const member of members) {
        void this.nodes.call(member, call).then((attempt) => heard(attempt, member));
      }
    });
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
    const timeoutMs = search.discoveryMs;
    const call = nodeCall(search.target, internalPath.status, null, "stale", timeoutMs);
    await this.nodes.call(chosen, { ...call, suspect: search.suspect ?? "" });
  }

  /** One attempt. Undefined when another one may follow. */
  private async attempt(leader: MemberSpecification, search: LeaderSearch): Promise<NodeAnswer | undefined> {
    const { target, call, attemptMs: timeoutMs } = search;
    if (timeoutMs <= 0) throw search.exhausted();
    const asked = nodeCall(target, call.path, call.body, "linearizable", timeoutMs);
    const attempt = await this.nodes.call(leader, { ...asked, bounds: call.bounds ?? {} });
    switch (attempt.kind) {
      case "answer":
        return { body: attempt.body, position: attempt.position, ambiguous: search.ambiguous };
      case "overloaded":
        throw search.error("overloaded", "Too many requests wait for this group's leader.");
      case "unreachable":
        this.nodes.distrust(target, leader.id);
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
        this.nodes.distrust(search.target, leader.id);
        search.suspect = leader.id;
        search.failedAttempt("no_leader", ambiguous);
        return;
      case "superseded":
        search.failedAttempt("no_leader", ambiguous);
        return;
      case "timeout":
        this.nodes.distrust(search.target, leader.id);
        search.failedAttempt("timeout", ambiguous);
        return;
      case "overloaded":
        throw search.error("overloaded", "Too many writes wait for their commit in this group.");
      case "too_large":
        throw search.error("too_large", tooLargeSentence(message));
      case "future_index":
        throw search.futureIndex();
      case "bad_request":
        throw search.error("unavailable", "The leader does not understand this version's calls.");
      case "removed":
      case "joining":
      case "fenced":
        this.nodes.distrust(search.target, leader.id);
        search.suspect = leader.id;
        search.failedAttempt("no_leader", ambiguous);
        return;
      default:
        if (isMembershipRefusal(code)) throw search.error(code, sentenceOf(message));
        // A newer node may have reasons that are not known here.
        search.failedAttempt("unavailable", ambiguous);
    }
  }
}
