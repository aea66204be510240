/** Calls to the nodes of a group, from whose answers it is learned where the group stands and who belongs to it. */

import { internalPath, objectName } from "../internal.ts";
import type { Consistency, MemberSpecification } from "../internal.ts";
import { GroupViews } from "./group-views.ts";
import { Nearness } from "./nearness.ts";
import { callNode } from "./node-call.ts";
import type { Attempt, NodeCall } from "./node-call.ts";
import { readStatus } from "./node-status.ts";
import type { Opening } from "./node-stream.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** What one of several nodes answered. */
export interface NodeAttempt {
  readonly member: MemberSpecification;
  readonly attempt: Attempt;
}

export class GroupCalls {
  private readonly views = new GroupViews();
  private readonly nearness = new Nearness();

  /** Where a group stood when a node of it last answered this isolate. */
  lastPosition(group: string): Position | undefined {
    return this.views.position(group);
  }

  /** The nodes of a group: as the group itself has said, or as wrangler.toml lists those of a new one. */
  members({ group, members }: Target): readonly MemberSpecification[] {
    return this.toldMembers(group) ?? members;
  }

  /** The nodes of a group as the group itself has said. */
  toldMembers(group: string): readonly MemberSpecification[] | undefined {
    return this.views.members(group);
  }

  /** None of the known members answers: begin again with those that wrangler.toml lists. */
  forgetMembers(group: string): void {
    this.views.forgetMembers(group);
  }

  /** Whether any leader was named, even one that is no known member. */
  isLeaderNamed({ group }: Target): boolean {
    return this.views.leader(group) !== null;
  }

  knownLeader(target: Target): MemberSpecification | undefined {
    const leader = this.views.leader(target.group);
    return leader === null ? undefined : this.members(target).find((member) => member.id === leader);
  }

  /** The nearest of a group's nodes first. */
  nearest({ group }: Target, members: readonly MemberSpecification[]): MemberSpecification[] {
    return this.nearness.sort(members, ({ id }) => objectName(group, id));
  }

  /** The node did not answer as a leader: look for one anew, unless that has been done meanwhile. */
  distrust({ group }: Target, node: string): void {
    this.views.distrust(group, node);
  }

  async call(member: MemberSpecification, call: NodeCall): Promise<Attempt> {
    const startMs = Date.now();
    const attempt = await callNode(member, call);
    // Other answers wait for other nodes.
    if (call.path === internalPath.status && attempt.kind === "answer") {
      this.nearness.answered(objectName(call.group, member.id), Date.now() - startMs);
    }
    this.learn(attempt, call);
    return attempt;
  }

  callEach(members: readonly MemberSpecification[], call: NodeCall): Promise<NodeAttempt[]> {
    return Promise.all(members.map(async (member) => ({ member, attempt: await this.call(member, call) })));
  }

  /** Who belongs to the group is in every node's status, and in the refusals of those that do not. */
  learn(attempt: Attempt | Opening<unknown>, { group, path }: Pick<NodeCall, "group" | "path">): void {
    if (attempt.kind === "unreachable" || attempt.kind === "overloaded") return;
    this.views.see(group, attempt.position);
    const members = membersTold(attempt, path);
    const { generation, index } = attempt.position;
    if (members !== undefined) this.views.learn(group, { members, index: Number(index), generation });
  }
}

function membersTold(
  attempt: Exclude<Attempt | Opening<unknown>, { kind: "unreachable" | "overloaded" }>,
  path: NodeCall["path"],
): readonly MemberSpecification[] | undefined {
  if (attempt.kind === "refusal") return attempt.refusal.members;
  return attempt.kind === "answer" && path === internalPath.status ? readStatus(attempt.body)?.members : undefined;
}

export function nodeCall(
  target: Target,
  path: NodeCall["path"],
  body: Uint8Array | null,
  consistency: Consistency,
  timeoutMs: number,
): NodeCall {
  return { env: target.env, group: target.group, path, body, consistency, timeoutMs };
}
