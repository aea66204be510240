/** What a node answers to the calls of the Worker in front. */

import { internalHeader, internalPath } from "../internal.ts";
import type { Ended } from "./administration.ts";
import { readChangeRequest, readTransferRequest } from "./administrative-requests.ts";
import { answer, type AnsweredBy, badRequest, refuse } from "./answers.ts";
import { takeBatch } from "./batches.ts";
import { freshnessOf, timeoutMsOf } from "./call-headers.ts";
import type { Node } from "./node.ts";
import type { Subscribers } from "./subscribers.ts";
import type { Outcome } from "./waiters.ts";

/** The most bytes that a command may have: a row of SQLite holds 2 MB on Cloudflare, and an entry is in one row. */
export const maxCommandBytes = 1_800_000;

export interface ClientCall {
  readonly request: Request;
  readonly path: string;
  readonly body: Uint8Array;
}

export async function answerClient(call: ClientCall, node: Node, subscribers: Subscribers): Promise<Response> {
  const { request, path, body } = call;
  const { headers } = request;
  if (membersCalls.has(path)) {
    const outside = node.outsider();
    if (outside !== null) return refuse(outside, node.answeredBy());
    node.inquire();
  }
  switch (path) {
    case internalPath.propose:
      return await propose(body, node, timeoutMsOf(headers));
    case internalPath.proposeAll:
      return await takeBatch(body, node, timeoutMsOf(headers), maxCommandBytes);
    case internalPath.subscribe:
      return await subscribers.open(request, body, node, freshnessOf(headers));
    case internalPath.query:
      return respond(await node.query(body, freshnessOf(headers)), node);
    case internalPath.confirm:
      return await confirm(node, timeoutMsOf(headers));
    case internalPath.status:
      rouse(headers.get(internalHeader.suspect), node);
      return answer(JSON.stringify(node.status()), node.answeredBy(), "application/json");
    case internalPath.members:
      return await changeMembers(body, node, timeoutMsOf(headers));
    case internalPath.transfer:
      return await transfer(body, node);
    case internalPath.metrics:
      return answer(node.metricsText(), node.answeredBy(), "text/plain");
    default:
      return badRequest("There is no such call.", node.answeredBy());
  }
}

/** Calls that only a member of the group answers. */
const membersCalls: ReadonlySet<string> = new Set([
  internalPath.propose,
  internalPath.proposeAll,
  internalPath.subscribe,
  internalPath.query,
  internalPath.confirm,
  internalPath.members,
  internalPath.transfer,
]);

async function confirm(node: Node, timeoutMs: number): Promise<Response> {
  const refused = await node.catchUpWith({ consistency: "linearizable", timeoutMs, bounds: {} });
  return refused === null ? answer(null, node.answeredBy()) : refuse(refused, node.answeredBy());
}

async function propose(command: Uint8Array, node: Node, timeoutMs: number): Promise<Response> {
  if (command.length <= maxCommandBytes) return respond(await node.propose(command, timeoutMs), node);
  const message = `A command holds ${maxCommandBytes} bytes at most.`;
  return refuse({ code: "too_large", message, ambiguous: false }, node.answeredBy());
}

async function changeMembers(body: Uint8Array, node: Node, timeoutMs: number): Promise<Response> {
  const request = readChangeRequest(body);
  if (request === null) return badRequest("The body is no change of members.", node.answeredBy());
  return respondJson(await node.change(request, timeoutMs), node);
}

async function transfer(body: Uint8Array, node: Node): Promise<Response> {
  const request = readTransferRequest(body);
  if (request === null) return badRequest("The body does not say who is to lead.", node.answeredBy());
  return respondJson(await node.transfer(request.to), node);
}

function rouse(suspect: string | null, node: Node): void {
  if (suspect !== null) node.driver.rouse(suspect === "" ? null : suspect, node.nowMs());
}

function respondJson(ended: Ended<unknown>, node: Node): Response {
  if (ended.done) return answer(JSON.stringify(ended.body), node.answeredBy(), "application/json");
  const { code, message, ambiguous } = ended;
  return refuse({ code, message, ambiguous }, node.answeredBy());
}

function respond(outcome: Outcome, node: Node): Response {
  const by: AnsweredBy = node.answeredBy();
  if (outcome.done) return answer(outcome.result, { ...by, index: outcome.index });
  const { code, message, ambiguous } = outcome;
  return refuse({ code, message, ambiguous }, by);
}
