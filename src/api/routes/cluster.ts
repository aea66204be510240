/** `GET /cluster`: every node of a group, as it sees itself. */

import { Hono } from "hono";
import type { NodeStatus } from "../../internal.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { onlyMethods } from "../method.ts";
import { type MemberReport, reportGroup } from "../node-reports.ts";
import { Parameters } from "../parameters.ts";
import { jsonResponse } from "../respond.ts";
import { splitPath, targetOf } from "../target.ts";

export function clusterRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.get("/cluster", (c) => describeCluster(cluster, c));
  routes.all("/cluster", onlyMethods("GET, HEAD"));
  return routes;
}

/** Always 200: nodes that do not answer are part of the answer. */
async function describeCluster(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { group } = splitPath(c.req.path);
  const target = targetOf(c.env, group, new Parameters(c.req.raw.url, ["timeout"]));
  const { nodes, newest, commitIndex } = await reportGroup(cluster, target);
  const body = {
    group,
    leader: newest?.status.leader ?? null,
    term: newest?.status.term ?? null,
    commit_index: newest === undefined ? null : commitIndex,
    joint: newest?.status.joint ?? false,
    group_id: newest?.status.groupId ?? null,
    nodes: nodes.map((node) => nodeJson(node, newest?.status, commitIndex)),
  };
  return jsonResponse(200, body, newest?.position ?? cluster.lastPosition(group));
}

/** Undefined, and so left out, for a node of a version that does not tell. */
function timingJson(timing: NodeStatus["timing"] | undefined): unknown {
  if (timing === undefined) return undefined;
  return {
    heartbeat_ms: Math.round(timing.heartbeatMs),
    election_min_ms: Math.round(timing.electionMinMs),
    election_max_ms: Math.round(timing.electionMaxMs),
  };
}

/** Null where no read is answered by a lease. */
function leaseJson(lease: NodeStatus["lease"]): unknown {
  if (lease === undefined) return null;
  return { max_clock_drift_ms: lease.maxClockDriftMs, remaining_ms: lease.remainingMs };
}

function nodeJson({ member, report }: MemberReport, leader: NodeStatus | undefined, commitIndex: number): unknown {
  const node = { id: member.id, member: member.role, location_hint: member.locationHint ?? null };
  if (!("status" in report)) {
    // What the leader knows of a node that does not answer here is all there is.
    const peer = leader?.peers?.find(({ id }) => id === member.id);
    const seen = { match_index: peer?.matchIndex ?? null, last_contact_ms: peer?.lastContactMs ?? null };
    return { ...node, reachable: false, reason: report.reason, ...seen };
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
    // As the leader measured it; it does not measure itself.
    round_trip_ms: leader?.peers?.find(({ id }) => id === member.id)?.roundTripMs ?? null,
    quiescent: report.status.quiescent,
    timing: timingJson(report.status.timing),
    lease: leaseJson(report.status.lease),
    standing: report.status.standing,
    ...(report.status.standingReason !== null && { reason: report.status.standingReason }),
  };
}
