/** etcd's Cluster service: a group's members under the numbers and addresses that etcd's clients know them by. */

import { isIdentifier } from "../../../env.ts";
import { internalPath } from "../../../internal.ts";
import type { MemberStatus, NodeStatus } from "../../../internal.ts";
import type { ChangeRequest, RequestedChange } from "../../../membership.ts";
import { ApiError } from "../../errors.ts";
import { reportGroup } from "../../node-reports.ts";
import { readStatus } from "../../node-status.ts";
import type { Position } from "../../position.ts";
import { header } from "../call.ts";
import type { Call } from "../call.ts";
import { memberIdOf } from "../identity.ts";
import type { MemberMessage, memberAddRequest, memberRequest, membersResponse } from "../messages/cluster.ts";
import type { Received, Sent } from "../schema.ts";
import { invalidArgument, StatusError, unimplemented } from "../status.ts";

type MemberRequest = Received<typeof memberRequest>;
type MembersResponse = Sent<typeof membersResponse>;

/** A peer's address is only a name here: the host in it is the node's id. */
const peerUrl = /^https?:\/\/([^/:]+):\d{1,5}$/;

export async function list(call: Call): Promise<MembersResponse> {
  return membersOf(call, await newestStatus(call));
}

/** Tells whoever has no token yet where to ask for one: at the address that was called, and nothing else. */
export function listForStrangers({ url }: Call): Promise<MembersResponse> {
  return Promise.resolve({ header: {}, members: [{ clientURLs: [url] }] });
}

/** A voter that is added first catches up as a learner, and then becomes one by itself. */
export async function add(call: Call, request: Received<typeof memberAddRequest>): Promise<MembersResponse> {
  const [url = ""] = request.peerURLs;
  const id = peerUrl.exec(url)?.[1] ?? "";
  if (request.peerURLs.length !== 1 || !isIdentifier(id)) throw badUrls();
  const role = request.isLearner ? "learner" : "voter";
  const changed = await change(call, { action: "add", id, role, promote: !request.isLearner });
  const added = changed.status.members.find((member) => member.id === id);
  return { ...membersOf(call, changed), ...(added !== undefined && { member: memberOf(call, added) }) };
}

export function remove(call: Call, request: MemberRequest): Promise<MembersResponse> {
  return changeMember(call, request, "remove");
}

export function promote(call: Call, request: MemberRequest): Promise<MembersResponse> {
  return changeMember(call, request, "promote");
}

/** A node has no address that could change: it is found by its name. */
export async function update(call: Call, { ID }: MemberRequest): Promise<never> {
  const { status } = await newestStatus(call);
  if (findMember(call, status, ID) === undefined) throw unknownMember();
  throw unimplemented("a node is found by its name, and has no address that could be changed");
}

async function changeMember(call: Call, { ID }: MemberRequest, action: "remove" | "promote"): Promise<MembersResponse> {
  const { status } = await newestStatus(call);
  const member = findMember(call, status, ID);
  if (member === undefined) throw unknownMember();
  return membersOf(call, await change(call, { action, id: member.id }));
}

export function findMember(call: Call, { members }: NodeStatus, id: bigint): MemberStatus | undefined {
  return members.find((member) => memberIdOf(call.target.group, member.id) === String(id));
}

interface Known {
  readonly status: NodeStatus;
  readonly position: Position;
}

/** What the node says that knows best. */
export async function newestStatus({ cluster, target }: Call): Promise<Known> {
  const { newest } = await reportGroup(cluster, target);
  if (newest === undefined) throw new ApiError("unavailable", "No node answered in time.");
  return newest;
}

/** In force when this returns. */
async function change({ cluster, target }: Call, requested: RequestedChange): Promise<Known> {
  const request: ChangeRequest = { force: false, changes: [requested] };
  const answer = await cluster.administer(target, internalPath.members, request);
  const status = readStatus(answer.body);
  if (status !== undefined) return { status, position: answer.position };
  throw new ApiError("unavailable", "The nodes run a version whose answer is not understood.", { ambiguous: true });
}

function membersOf(call: Call, { status, position }: Known): MembersResponse {
  return { header: header(call, { position }), members: status.members.map((member) => memberOf(call, member)) };
}

/** Clients go on with the addresses that they read here, so these are the one that has brought them here. */
function memberOf({ target, url }: Call, { id, role }: MemberStatus): MemberMessage {
  return {
    ID: memberIdOf(target.group, id),
    name: id,
    peerURLs: [`http://${id}:2380`],
    clientURLs: [url],
    isLearner: role === "learner",
  };
}

function unknownMember(): StatusError {
  return new StatusError("notFound", "etcdserver: member not found");
}

function badUrls(): StatusError {
  return invalidArgument("etcdserver: given member URLs are invalid");
}
