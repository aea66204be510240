/** `POST /cluster/recover`: makes a group of one survivor when the majority is gone for good. */

import { Hono } from "hono";
import { internalPath, type NodeStatus } from "../../internal.ts";
import { probe } from "../../kv/operations.ts";
import { encodeQuery } from "../../kv/query-codec.ts";
import { type RecoverAnswer, recoveryConfirmation } from "../../membership.ts";
import type { ApiContext, ApiEnvironment } from "../app-types.ts";
import type { ClusterClient } from "../cluster.ts";
import { ApiError } from "../errors.ts";
import { checkFields, readId, readJson } from "../members-request.ts";
import { isMembershipRefusal } from "../membership-errors.ts";
import { sentenceOf } from "../sentences.ts";
import { onlyMethods } from "../method.ts";
import { parseJson } from "../node-call.ts";
import { reportGroup } from "../node-reports.ts";
import { Parameters } from "../parameters.ts";
import { unexpected } from "../read.ts";
import { jsonResponse } from "../respond.ts";
import { splitPath, type Target, targetOf } from "../target.ts";

/** How long a majority has to show that it lives: more than an election around the world takes. */
const maxProofMs = 12_000;

const warning =
  "This group was recovered by force. What the lost nodes had committed without this node is gone; all of this node's log " +
  "counts as committed. Nodes of the former group are refused. Add the other survivors anew, with force=true.";

export function recoverRoutes(cluster: ClusterClient): Hono<ApiEnvironment> {
  const routes = new Hono<ApiEnvironment>();
  routes.post("/cluster/recover", (c) => recover(cluster, c));
  routes.all("/cluster/recover", onlyMethods("POST"));
  return routes;
}

/**
 * The body names the survivor and repeats what it means: `{"node": "n1", "confirm": "the majority is gone for good and
 * committed writes may be lost"}`. Refused while a majority answers, and, unless `?force=true`, where another node that
 * answers has a newer log.
 */
async function recover(cluster: ClusterClient, c: ApiContext): Promise<Response> {
  const { group } = splitPath(c.req.path);
  const parameters = new Parameters(c.req.raw.url, ["timeout", "force"]);
  const target = targetOf(c.env, group, parameters);
  const force = parameters.flag("force");
  const node = await readConfirmed(c.req.raw);
  await checkMajorityLost(cluster, target);
  await checkSurvivor(cluster, target, node, force);
  const attempt = await cluster.askNode(target, node, internalPath.recover, { node, confirm: recoveryConfirmation });
  if (attempt.kind === "refusal") {
    const { code, message } = attempt.refusal;
    throw new ApiError(isMembershipRefusal(code) ? code : "unavailable", sentenceOf(message));
  }
  if (attempt.kind !== "answer") {
    throw new ApiError("node_unreachable", `${node} did not answer in time.`, { ambiguous: true });
  }
  const { groupId, lastIndex, newlyCommitted } = (parseJson(attempt.body) ?? {}) as Partial<RecoverAnswer>;
  if (groupId === undefined) throw unexpected(attempt);
  const recovered = { group, node, group_id: groupId, last_index: lastIndex, newly_committed: newlyCommitted, warning };
  return jsonResponse(200, recovered, attempt.position);
}

async function readConfirmed(request: Request): Promise<string> {
  const body = await readJson(request);
  checkFields(body, ["node", "confirm"]);
  const node = readId(body, "node");
  if (node !== undefined && body["confirm"] === recoveryConfirmation) return node;
  throw new ApiError(
    "not_confirmed",
    `The body must name the node that survives and confirm the loss: {"node": "…", "confirm": "${recoveryConfirmation}"}.`,
  );
}

/** A group that answers a linearizable read has its majority. */
async function checkMajorityLost(cluster: ClusterClient, target: Target): Promise<void> {
  const query = encodeQuery(probe);
  const timeoutMs = Math.min(target.timeoutMs / 2, maxProofMs);
  try {
    await cluster.query({ ...target, timeoutMs }, query);
  } catch (error) {
    // A group that is too busy to answer lives, and so may one that refuses for any other reason.
    if (error instanceof ApiError && signsOfLoss.has(error.code)) return;
    throw error;
  }
  throw new ApiError(
    "group_alive",
    "A majority of this group answers: there is nothing to recover. Change its members.",
  );
}

const signsOfLoss: ReadonlySet<string> = new Set(["no_leader", "timeout", "unavailable"]);

async function checkSurvivor(cluster: ClusterClient, target: Target, node: string, force: boolean): Promise<void> {
  const { nodes } = await reportGroup(cluster, target);
  const statuses = nodes.flatMap(({ report }) => ("status" in report ? [report.status] : []));
  const survivor = statuses.find(({ id }) => id === node);
  if (survivor === undefined) throw new ApiError("node_unreachable", `${node} does not answer, or is no member.`);
  const newer = statuses.filter((other) => isNewer(other, survivor)).map(({ id }) => id);
  if (newer.length === 0 || force) return;
  throw new ApiError("newer_survivor", `${newer.join(", ")} has a newer log. Recover that, or use force=true.`);
}

/** The rule by which votes are given (Raft paper, section 5.4.1). */
function isNewer({ log: one, standing }: NodeStatus, { log: other }: NodeStatus): boolean {
  if (standing !== "member") return false;
  return one.lastTerm > other.lastTerm || (one.lastTerm === other.lastTerm && one.lastIndex > other.lastIndex);
}
