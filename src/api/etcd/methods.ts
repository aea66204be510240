/** Which methods etcd's API has, by the paths of its gateway. */

import type { Method } from "./method.ts";
import { manyToMany, oneToMany, unary } from "./method.ts";
import * as authMessages from "./messages/auth.ts";
import * as clusterMessages from "./messages/cluster.ts";
import * as concurrencyMessages from "./messages/concurrency.ts";
import { emptyRequest, emptyResponse, headerResponse } from "./messages/common.ts";
import * as kvMessages from "./messages/kv.ts";
import * as leaseMessages from "./messages/lease.ts";
import * as maintenanceMessages from "./messages/maintenance.ts";
import * as watchMessages from "./messages/watch.ts";
import * as auth from "./services/auth.ts";
import * as cluster from "./services/cluster.ts";
import * as election from "./services/election.ts";
import * as kv from "./services/kv.ts";
import * as lease from "./services/lease.ts";
import * as lock from "./services/lock.ts";
import * as maintenance from "./services/maintenance.ts";
import { snapshot } from "./services/snapshot.ts";
import { watch } from "./services/watch.ts";
import { unimplemented } from "./status.ts";

const { leaseRequest, leaseTimeToLiveRequest, leaseTimeToLiveResponse, leaseLeasesResponse } = leaseMessages;
const { leaderRequest, leaderResponse } = concurrencyMessages;
const { memberRequest, membersResponse } = clusterMessages;

const revokeLease = unary(leaseRequest, headerResponse, lease.revoke);
const timeToLive = unary(leaseTimeToLiveRequest, leaseTimeToLiveResponse, lease.timeToLive);
const leases = unary(emptyRequest, leaseLeasesResponse, lease.leases);
const hash = unary(maintenanceMessages.hashRequest, maintenanceMessages.hashResponse, maintenance.hash);
const unknownUser = unary(emptyRequest, emptyResponse, auth.unknownName("user"));
const unknownRole = unary(emptyRequest, emptyResponse, auth.unknownName("role"));
const noAccounts = unary(emptyRequest, emptyResponse, auth.noAccounts);
const nothing = unary(emptyRequest, headerResponse, auth.nothing);

/** Whoever has no token, or one that is no good any more, may ask for one. */
export const authenticatePath = "auth/authenticate";

/** By what follows `/v3/`. */
export const methods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["kv/range", unary(kvMessages.rangeRequest, kvMessages.rangeResponse, kv.range)],
  ["kv/put", unary(kvMessages.putRequest, kvMessages.putResponse, kv.put)],
  ["kv/deleterange", unary(kvMessages.deleteRangeRequest, kvMessages.deleteRangeResponse, kv.deleteRange)],
  ["kv/txn", unary(kvMessages.txnRequest, kvMessages.txnResponse, kv.txn)],
  ["kv/compaction", unary(kvMessages.compactionRequest, headerResponse, kv.compact)],

  ["watch", manyToMany(watchMessages.watchRequest, watchMessages.watchResponse, watch)],

  ["lease/grant", unary(leaseMessages.leaseGrantRequest, leaseMessages.leaseGrantResponse, lease.grant)],
  ["lease/revoke", revokeLease],
  ["kv/lease/revoke", revokeLease],
  ["lease/keepalive", manyToMany(leaseRequest, leaseMessages.leaseKeepAliveResponse, lease.keepAlive)],
  ["lease/timetolive", timeToLive],
  ["kv/lease/timetolive", timeToLive],
  ["lease/leases", leases],
  ["kv/lease/leases", leases],

  ["lock/lock", unary(concurrencyMessages.lockRequest, concurrencyMessages.lockResponse, lock.lock)],
  ["lock/unlock", unary(concurrencyMessages.unlockRequest, headerResponse, lock.unlock)],
  [
    "election/campaign",
    unary(concurrencyMessages.campaignRequest, concurrencyMessages.campaignResponse, election.campaign),
  ],
  ["election/proclaim", unary(concurrencyMessages.proclaimRequest, headerResponse, election.proclaim)],
  ["election/resign", unary(concurrencyMessages.resignRequest, headerResponse, election.resign)],
  ["election/leader", unary(leaderRequest, leaderResponse, election.currentLeader)],
  ["election/observe", oneToMany(leaderRequest, leaderResponse, election.observeLeaders)],

  ["cluster/member/list", unary(clusterMessages.memberListRequest, membersResponse, cluster.list)],
  ["cluster/member/add", unary(clusterMessages.memberAddRequest, membersResponse, cluster.add)],
  ["cluster/member/remove", unary(memberRequest, membersResponse, cluster.remove)],
  ["cluster/member/promote", unary(memberRequest, membersResponse, cluster.promote)],
  ["cluster/member/update", unary(memberRequest, membersResponse, cluster.update)],

  ["maintenance/status", unary(emptyRequest, maintenanceMessages.statusResponse, maintenance.status)],
  ["maintenance/alarm", unary(maintenanceMessages.alarmRequest, emptyResponse, maintenance.alarm)],
  ["maintenance/defragment", unary(emptyRequest, emptyResponse, () => Promise.resolve({}))],
  ["maintenance/hash", hash],
  ["maintenance/hashkv", hash],
  ["maintenance/snapshot", oneToMany(emptyRequest, maintenanceMessages.snapshotResponse, snapshot)],
  [
    "maintenance/transfer-leadership",
    unary(maintenanceMessages.moveLeaderRequest, emptyResponse, maintenance.transferLeadership),
  ],
  ["maintenance/downgrade", unary(emptyRequest, emptyResponse, downgrade)],

  [authenticatePath, unary(authMessages.authenticateRequest, authMessages.authenticateResponse, auth.authenticate)],
  ["auth/enable", unary(emptyRequest, emptyResponse, auth.noRoot)],
  ["auth/disable", nothing],
  ["auth/status", unary(emptyRequest, authMessages.authStatusResponse, auth.authStatus)],
  ["auth/user/list", nothing],
  ["auth/role/list", nothing],
  ["auth/user/add", noAccounts],
  ["auth/role/add", noAccounts],
  ...["get", "delete", "changepw", "grant", "revoke"].map((action) => [`auth/user/${action}`, unknownUser] as const),
  ...["get", "delete", "grant", "revoke"].map((action) => [`auth/role/${action}`, unknownRole] as const),
]);

/** Calls that are answered otherwise to whoever has no token yet: clients make them before they ask for one. */
export const strangersMethods: ReadonlyMap<string, Method> = new Map<string, Method>([
  ["cluster/member/list", unary(clusterMessages.memberListRequest, membersResponse, cluster.listForStrangers)],
]);

function downgrade(): Promise<never> {
  return Promise.reject(unimplemented("there is no earlier version to go back to"));
}
