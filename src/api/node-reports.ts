/** What the nodes of a group say of themselves, and which of them knows best. */

import { internalPath, type MemberSpecification, type NodeStatus } from "../internal.ts";
import type { ClusterClient } from "./cluster.ts";
import type { Attempt } from "./node-call.ts";
import { readStatus } from "./node-status.ts";
import type { Position } from "./position.ts";
import type { Target } from "./target.ts";

/** One node that does not answer shall not hold up the report on those that do. */
const maxStatusMs = 1000;

interface Report {
  readonly status: NodeStatus;
  readonly position: Position;
}

export interface MemberReport {
  readonly member: MemberSpecification;
  /** What the node says, or why it says nothing. */
  readonly report: Report | { readonly reason: string };
}

export interface GroupReport {
  readonly nodes: readonly MemberReport[];
  /** By the node that knows best; undefined when none has answered. */
  readonly newest: Report | undefined;
  /** The highest commit index of all. */
  readonly commitIndex: number;
}

export async function reportGroup(cluster: ClusterClient, target: Target): Promise<GroupReport> {
  const attempts = await cluster.callAll(target, internalPath.status, maxStatusMs);
  const nodes = attempts.map(({ member, attempt }) => ({ member, report: reportOf(attempt) }));
  const reports = nodes.flatMap(({ report }) => ("status" in report ? [report] : []));
  const commitIndex = Math.max(0, ...reports.map(({ status }) => status.log.commitIndex));
  return { nodes, newest: reports.toSorted(byAuthority)[0], commitIndex };
}

function reportOf(attempt: Attempt): MemberReport["report"] {
  switch (attempt.kind) {
    case "answer": {
      const status = readStatus(attempt.body);
      return status === undefined ? { reason: "not_understood" } : { status, position: attempt.position };
    }
    case "refusal":
      return { reason: attempt.refusal.code };
    case "unreachable":
      return { reason: attempt.reason };
    case "overloaded":
      return { reason: attempt.kind };
  }
}

/**
 * Who was left behind by a recovery, or is no member, knows the least; then the node of the highest term knows best who
 * leads, and among those the leader itself.
 */
function byAuthority({ status: one }: Report, { status: other }: Report): number {
  const belongs = ({ standing }: NodeStatus): number => Number(standing === "member");
  return (
    other.generation - one.generation ||
    belongs(other) - belongs(one) ||
    other.term - one.term ||
    Number(other.role === "leader") - Number(one.role === "leader")
  );
}
