/** `GET /cluster`: every node of a group, as it sees itself. */

import { Hono } from "hono";
import { internalPath } from "../../internal.ts";
import type { MemberSpecification, NodeStatus } from "../../internal.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { onlyMethods } from "../method.ts";
import type { Attempt } from "../node-call.ts";
import { readStatus } from "../node-status.ts";
import { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import type { Position } from "../position.ts";
import { splitPath, targetOf } from "../target.ts";

/** One node that does not answer shall not hold up the report on those that do. */
const maxStatusMs = 1000;

export function clusterRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/cluster", (c) => describeCluster(cluster, c));
  routes.all("/cluster", onlyMethods("GET, HEAD"));
  return routes;
}

type Report = { readonly status: NodeStatus; readonly position: Position } | { readonly reason: string };

/** Always 200: nodes that do not answer are part of the answer. */
async function describeCluster(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { group } = splitPath(c.req.path);
  const target = targetOf(c.env, group, new Parameters(c.req.raw.url, ["timeout"]));
  const reports = (await cluster.callAll(target, internalPath.status, maxStatusMs)).map(reportOf);
  const statuses = reports.flatMap((report) => ("status" in report ? [report] : []));
  const newest = statuses.toSorted(byAuthority)[0];
  const commitIndex = Math.max(0, ...statuses.map(({ status }) => status.log.commitIndex));
  const body = {
    group,
    leader: newest?.status.leader ?? null,
    term: newest?.status.term ?? null,
    commit_index: newest === undefined ? null : commitIndex,
    nodes: target.members.map((member, at) => nodeJson(member, reports[at], newest?.status, commitIndex)),
  };
  return jsonResponse(200, body, newest?.position ?? cluster.lastPosition(group));
}

function reportOf(attempt: Attempt): Report {
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

/** The node of the highest term knows best who leads, and among those the leader itself. */
function byAuthority({ status: one }: { status: NodeStatus }, { status: other }: { status: NodeStatus }): number {
  return other.term - one.term || Number(other.role === "leader") - Number(one.role === "leader");
}

function nodeJson(
  member: MemberSpecification,
  report: Report | undefined,
  leader: NodeStatus | undefined,
  commitIndex: number,
): unknown {
  const node = { id: member.id, member: member.role, location_hint: member.locationHint ?? null };
  if (report === undefined || !("status" in report)) {
    // What the leader knows of a node that does not answer here is all there is.
    const peer = leader?.peers?.find(({ id }) => id === member.id);
    const seen = { match_index: peer?.matchIndex ?? null, last_contact_ms: peer?.lastContactMs ?? null };
    return { ...node, reachable: false, reason: report?.reason ?? "unreachable", ...seen };
  }
  const { role, term, leader: named, log, lastContactMs } = report.status;
  return {
    ...node,
    reachable: true,
    role,
    term,
    leader: named,
    log: {
      first_index: log.firstIndex,
      last_index: log.lastIndex,
      commit_index: log.commitIndex,
      applied_index: log.appliedIndex,
    },
    lag: Math.max(0, commitIndex - log.appliedIndex),
    last_contact_ms: lastContactMs,
  };
}
