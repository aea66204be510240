/** `/cluster/members` and `/cluster/transfer`: who belongs to a group, and who leads it. */

import { Hono } from "hono";
import { isIdentifier } from "../../env.ts";
import { internalPath, type NodeStatus } from "../../internal.ts";
import type { ChangeRequest, RequestedChange, TransferAnswer } from "../../membership.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient, NodeAnswer } from "../cluster.ts";
import { ApiError } from "../errors.ts";
import { checkFields, idRule, readChanges, readId, readJson } from "../members-request.ts";
import { onlyMethods } from "../method.ts";
import { parseJson } from "../node-call.ts";
import { reportGroup } from "../node-reports.ts";
import { readStatus } from "../node-status.ts";
import { Parameters } from "../parameters.ts";
import { unexpected } from "../read.ts";
import { jsonResponse } from "../respond.ts";
import { splitPath, type Target, targetOf } from "../target.ts";

/**
 * Changes are answered when they are in force. `?force=true` overcomes the refusals that only warn: of two voters, of a
 * quorum that is not heard of, of a learner that lacks much, of a node that holds another group's data.
 */
export function memberRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  const one = (action: "remove" | "promote" | "demote") => (c: ApiContext) =>
    change(cluster, c, () => Promise.resolve([{ action, id: idOf(c) }]));
  routes.get("/cluster/members", (c) => listMembers(cluster, c));
  routes.post("/cluster/members", (c) => change(cluster, c, () => readChanges(c.req.raw)));
  routes.all("/cluster/members", onlyMethods("GET, HEAD, POST"));
  routes.delete("/cluster/members/:id", one("remove"));
  routes.all("/cluster/members/:id", onlyMethods("DELETE"));
  for (const action of ["promote", "demote"] as const) {
    routes.post(`/cluster/members/:id/${action}`, one(action));
    routes.all(`/cluster/members/:id/${action}`, onlyMethods("POST"));
  }
  routes.post("/cluster/transfer", (c) => transfer(cluster, c));
  routes.all("/cluster/transfer", onlyMethods("POST"));
  return routes;
}

async function listMembers(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { target } = requestOf(c, ["timeout"]);
  const { newest } = await reportGroup(cluster, target);
  if (newest === undefined) throw new ApiError("unavailable", "No node answered in time.");
  return jsonResponse(200, membersJson(target.group, newest.status), newest.position);
}

async function change(
  cluster: ClusterClient,
  c: ApiContext,
  read: () => Promise<readonly RequestedChange[]>,
): Promise<Response> {
  const { target, parameters } = requestOf(c, ["timeout", "force"]);
  const request: ChangeRequest = { force: parameters.flag("force"), changes: await read() };
  const answer = await cluster.administer(target, internalPath.members, request);
  const status = readStatus(answer.body);
  if (status === undefined) throw unexpected(answer);
  return jsonResponse(200, membersJson(target.group, status), answer.position);
}

/** The body names the node that is to lead, `{"to": "n2"}`; without it, the most up-to-date voter is asked to. */
async function transfer(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { target } = requestOf(c, ["timeout"]);
  const body = await readJson(c.req.raw);
  checkFields(body, ["to"]);
  const answer = await cluster.administer(target, internalPath.transfer, { to: readId(body, "to") ?? null });
  const { leader, term } = transferAnswer(answer);
  return jsonResponse(200, { group: target.group, leader, term }, answer.position);
}

function idOf(c: ApiContext): string {
  const id = c.req.param("id") ?? "";
  if (isIdentifier(id)) return id;
  throw new ApiError("invalid_parameter", `A node is ${idRule}.`);
}

function transferAnswer(answer: NodeAnswer): TransferAnswer {
  const { leader, term } = (parseJson(answer.body) ?? {}) as Partial<TransferAnswer>;
  if (typeof leader !== "string" || typeof term !== "number") throw unexpected(answer);
  return { leader, term };
}

function requestOf(c: ApiContext, known: readonly string[]): { target: Target; parameters: Parameters } {
  const { group } = splitPath(c.req.path);
  const parameters = new Parameters(c.req.raw.url, known);
  return { target: targetOf(c.env, group, parameters), parameters };
}

function membersJson(group: string, { leader, term, log, joint, members, peers }: NodeStatus): unknown {
  return {
    group,
    leader,
    term,
    index: log.appliedIndex,
    joint,
    members: members.map(({ id, role, promoting, locationHint }) => {
      const peer = peers?.find((candidate) => candidate.id === id);
      return {
        id,
        role,
        promoting,
        location_hint: locationHint ?? null,
        ...(peer !== undefined && { lag: peer.lagEntries, last_contact_ms: peer.lastContactMs }),
      };
    }),
  };
}
