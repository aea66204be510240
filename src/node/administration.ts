/** How a leader changes its group and hands over leadership, for callers who wait for the end of it. */

import type { RefusalCode } from "../internal.ts";
import type { ChangeRequest, JoinAnswer, JoinRequest, TransferAnswer } from "../membership.ts";
import { type Configuration, isJoint, isVoter } from "../raft/configuration.ts";
import type { MemberChange } from "../raft/configuration-change.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Leader } from "../raft/leader.ts";
import { type MemberAttributes, encodeAttributes } from "./attributes.ts";
import {
  type ChangePlan,
  type GroupView,
  isRefusal,
  type Newcomer,
  planChange,
  type PlanRefusal,
} from "./change-plan.ts";
import type { Driver } from "./driver.ts";
import { notLeader, type Refused } from "./waiters.ts";

/** What surrounds the leader. */
export interface AdministrationHost {
  readonly driver: Driver;
  nowMs(): number;
  /** Makes a node that waits to become a member. Throws where none answers. */
  join(newcomer: Newcomer, request: JoinRequest): Promise<JoinAnswer | JoinRefusal>;
  /** What a newcomer has to know. */
  joinRequest(force: boolean): JoinRequest;
  /** Leadership was handed over on request, or was not. */
  transferEnded(to: NodeId, moved: boolean): void;
}

export type JoinRefusal = Pick<Refused, "code" | "message">;

/** How a caller's request ended. */
export type Ended<Body = Configuration> = { readonly done: true; readonly body: Body } | Refused;

/** How many entries a learner may lack that is made a voter at once. */
const caughtUpWithin = 1000;

export class Administration {
  private readonly host: AdministrationHost;

  constructor(host: AdministrationHost) {
    this.host = host;
  }

  /**
   * Changes the members; answers when the change is in force, no joint configuration is left to be completed, and a
   * majority of the new voters knows so. A leader that is to lose its vote first hands over leadership, and refuses: the
   * next leader makes the change. So the group is not without a leader for longer than that takes.
   */
  async change(request: ChangeRequest, timeoutMs: number): Promise<Ended> {
    const { driver } = this.host;
    const untilMs = this.host.nowMs() + timeoutMs;
    await this.gatherContacts();
    const plan = this.plan(request);
    if ("done" in plan) return plan;
    if (!plan.voters.includes(driver.raft.id) && !(await this.leaveOffice(plan, request.force))) return notLeader;
    const joined = await this.joinAll(plan.newcomers, request.force);
    if ("done" in joined) return joined;
    // Others may have changed the group meanwhile.
    const still = this.plan(request);
    if ("done" in still) return still;
    const changes = still.changes.map((change) => withAttributes(change, joined.get(change.id)));
    const outcome = await driver.change({ changes, transition: "auto" }, untilMs, this.host.nowMs());
    if (!outcome.done) return outcome;
    const left = (): true | undefined => (isJoint(driver.raft.configuration) ? undefined : true);
    if ((await driver.watch(left, untilMs, this.host.nowMs())) === undefined) return notCompleted;
    return await this.establish(untilMs);
  }

  /** Hands over leadership; answers when that has ended, either way. */
  async transfer(to: NodeId | null): Promise<Ended<TransferAnswer>> {
    const { driver } = this.host;
    const { raft } = driver;
    if (raft.leadership === null) return notLeader;
    if (to === raft.id) return { done: true, body: { leader: raft.id, term: raft.term } };
    if (raft.leadership.transferee !== null) return refuse("transferring", "Leadership is being handed over already.");
    if (to !== null && !isVoter(raft.configuration, to)) {
      return refuse("not_a_voter", `${to} is no voter of this group.`);
    }
    await this.gatherContacts();
    const target = to ?? this.mostUpToDate(raft.configuration.voters);
    if (target === null) return refuse("transfer_failed", "No other voter is heard of.");
    const leader = await this.handOver(target);
    this.host.transferEnded(target, leader === target);
    if (leader === target) return { done: true, body: { leader, term: raft.term } };
    const where = leader === null ? "an election is under way" : `${leader} leads`;
    return refuse("transfer_failed", `${target} did not take over within an election timeout: ${where}.`);
  }

  /** Answers who leads when the transfer has ended; null when nobody is known to. */
  private async handOver(target: NodeId): Promise<NodeId | null> {
    const { driver } = this.host;
    const { raft } = driver;
    const nowMs = this.host.nowMs();
    const { term } = raft;
    if (driver.transfer(target, nowMs) !== "started") return raft.leader;
    const ended = (): NodeId | undefined => {
      if (raft.term === term && raft.leadership?.transferee === target) return undefined;
      return raft.leader ?? undefined;
    };
    // The core gives up by itself after this time; what follows then is an election like any other.
    const untilMs = nowMs + raft.timing.electionMaxMs;
    return (await driver.watch(ended, untilMs, nowMs)) ?? raft.leader;
  }

  /** Before this leader loses its vote: true if it has to make the change itself, because nobody takes over and it is forced. */
  private async leaveOffice({ voters }: ChangePlan, force: boolean): Promise<boolean> {
    const target = this.mostUpToDate(voters);
    if (target === null) return force;
    const leader = await this.handOver(target);
    this.host.transferEnded(target, leader === target);
    return leader === this.host.driver.raft.id && force;
  }

  /**
   * A change is in force where it is applied, and voters that have not heard of its commit still count by the members
   * before: without this leader they might need one that is gone for good. Whoever stores an entry that was proposed after
   * that commit has heard of it, so a majority of the new voters has when that entry is committed. A leader that had to
   * remove itself can't propose anything more; where another takes over, that one would have to see to it.
   */
  private async establish(untilMs: number): Promise<Ended> {
    const { driver } = this.host;
    const { raft } = driver;
    // While leadership is handed over nothing is proposed.
    const free = (): true | undefined => ((raft.leadership?.transferee ?? null) === null ? true : undefined);
    await driver.watch(free, untilMs, this.host.nowMs());
    const { configuration, id } = raft;
    const established = !isVoter(configuration, id) || (await driver.confirm(untilMs, this.host.nowMs())).done;
    return established ? { done: true, body: configuration } : notEstablished;
  }

  /** Lets peers be heard that were not, because the group was at rest or this node leads it only now. */
  private async gatherContacts(): Promise<void> {
    const { driver } = this.host;
    const { leadership, timing } = driver.raft;
    if (leadership === null) return;
    const nowMs = this.host.nowMs();
    // A read is what wakes a group at rest, and starts a round to all.
    if (driver.raft.quiescent) void driver.query(null, "linearizable", nowMs + timing.electionMaxMs, nowMs);
    const all = (): true | undefined => {
      const silent = [...leadership.peers.keys()].some((peer) => !this.hears(leadership, peer));
      return silent && driver.raft.leadership === leadership ? undefined : true;
    };
    await driver.watch(all, nowMs + timing.electionMinMs, nowMs);
  }

  private plan(request: ChangeRequest): ChangePlan | Refused {
    const view = this.view();
    if (view === null) return notLeader;
    const plan = planChange(request, view);
    return isRefusal(plan) ? refusedBy(plan) : plan;
  }

  private view(): GroupView | null {
    const { raft } = this.host.driver;
    const { leadership, configuration, log } = raft;
    if (leadership === null) return null;
    return {
      self: raft.id,
      configuration,
      inContact: (id) => this.hears(leadership, id),
      caughtUp: (id) => {
        const peer = leadership.peers.get(id);
        return (
          peer?.state === "replicate" && log.lastIndex - peer.matchIndex <= caughtUpWithin && this.hears(leadership, id)
        );
      },
    };
  }

  private hears(leadership: Leader, id: NodeId): boolean {
    const contactMs = leadership.peers.get(id)?.lastContactMs ?? null;
    return contactMs !== null && this.host.nowMs() - contactMs <= this.host.driver.raft.timing.electionMaxMs;
  }

  private mostUpToDate(voters: readonly NodeId[]): NodeId | null {
    const { leadership } = this.host.driver.raft;
    if (leadership === null) return null;
    const matchIndex = (id: NodeId): number => leadership.peers.get(id)?.matchIndex ?? 0;
    const candidates = voters.filter((id) => this.hears(leadership, id));
    return candidates.toSorted((one, other) => matchIndex(other) - matchIndex(one))[0] ?? null;
  }

  private async joinAll(
    newcomers: readonly Newcomer[],
    force: boolean,
  ): Promise<ReadonlyMap<NodeId, MemberAttributes> | Refused> {
    const request = this.host.joinRequest(force);
    const joined = new Map<NodeId, MemberAttributes>();
    const ask = async (newcomer: Newcomer): Promise<JoinRefusal | null> => {
      const { id, ...hint } = newcomer;
      const answer = await this.host.join(newcomer, request).catch((error: unknown) => unreachable(id, error));
      if ("code" in answer) return answer;
      joined.set(id, { storageId: answer.storageId, ...hint });
      return null;
    };
    const refusal = (await Promise.all(newcomers.map(ask))).find((answer) => answer !== null);
    if (refusal !== undefined) return refuse(refusal.code, refusal.message);
    return joined;
  }
}

const notCompleted: Refused = {
  done: false,
  code: "timeout",
  message: "the change is in force, but majorities of the members before and after it are still needed",
  ambiguous: true,
};

const notEstablished: Refused = {
  done: false,
  code: "timeout",
  message:
    "the change is in force, but it is not known whether a majority of the voters has heard so: those that have not still " +
    "count by the members before it",
  ambiguous: true,
};

function withAttributes(change: MemberChange, attributes: MemberAttributes | undefined): MemberChange {
  return attributes === undefined ? change : { ...change, attributes: encodeAttributes(attributes) };
}

function refusedBy({ code, message }: PlanRefusal): Refused {
  return refuse(code, message);
}

function refuse(code: RefusalCode, message: string): Refused {
  return { done: false, code, message, ambiguous: false };
}

function unreachable(id: NodeId, error: unknown): JoinRefusal {
  const reason = error instanceof Error ? error.message : String(error);
  return { code: "node_unreachable", message: `${id} does not answer: ${reason}` };
}
