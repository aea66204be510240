/** etcd's Maintenance service. */

import { internalPath } from "../../../internal.ts";
import { encodeQuery } from "../../../kv/query-codec.ts";
import { reportGroup } from "../../node-reports.ts";
import { foundIn } from "../../store.ts";
import type { Found } from "../../store.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import { memberIdOf } from "../identity.ts";
import type {
  alarmRequest,
  hashRequest,
  hashResponse,
  moveLeaderRequest,
  statusResponse,
} from "../messages/maintenance.ts";
import { toCount } from "../numbers.ts";
import type { Received, Sent } from "../schema.ts";
import { StatusError, unimplemented } from "../status.ts";
import { etcdVersion } from "../version.ts";
import { findMember, newestStatus } from "./cluster.ts";

/** Answered without a leader, too: that is when it is asked for. */
export async function status(call: Call): Promise<Sent<typeof statusResponse>> {
  const [report, found] = await Promise.all([newestStatus(call), storeStatus(call)]);
  const { leader, term, log, members, id } = report.status;
  return {
    header: header(call, { position: report.position, revision: found.revision }),
    version: etcdVersion,
    dbSize: found.sizeBytes,
    leader: leader === null ? undefined : memberIdOf(call.target.group, leader),
    raftIndex: log.commitIndex,
    raftTerm: term,
    raftAppliedIndex: log.appliedIndex,
    errors: leader === null ? ["etcdserver: no leader"] : [],
    dbSizeInUse: found.sizeBytes,
    isLearner: members.some((member) => member.id === id && member.role === "learner"),
  };
}

/** There are none: what would be one elsewhere is an error of the request here. */
export function alarm(_: Call, request: Received<typeof alarmRequest>): Promise<Record<string, never>> {
  if (request.action === "ACTIVATE") throw unimplemented("alarms can't be raised here");
  return Promise.resolve({});
}

export async function hash(call: Call, request: Received<typeof hashRequest>): Promise<Sent<typeof hashResponse>> {
  const revision = toCount(request.revision);
  const found = await call.store.query("hash", { kind: "hash", revision });
  return {
    header: header(call, found),
    hash: found.hash,
    compact_revision: found.compactRevision,
    hash_revision: revision === 0 ? found.revision : revision,
  };
}

export async function transferLeadership(
  call: Call,
  { targetID }: Received<typeof moveLeaderRequest>,
): Promise<Record<string, never>> {
  const { cluster, target } = call;
  const { newest } = await reportGroup(cluster, target);
  const member = newest && findMember(call, newest.status, targetID);
  if (member === undefined) throw new StatusError("failedPrecondition", "etcdserver: bad leader transferee");
  await cluster.administer(target, internalPath.transfer, { to: member.id });
  return {};
}

/** As the first node knows it that answers. */
async function storeStatus({ cluster, target }: Call): Promise<Found<"status">> {
  const query = encodeQuery({ kind: "status" });
  return foundIn(
    "status",
    await cluster.queryNodes(target, { query, members: cluster.members(target), consistency: "stale" }),
  );
}
