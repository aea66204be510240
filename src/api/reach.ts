/** Finds a node that opens a stream, among all of a group, within a time. */

import { internalPath } from "../internal.ts";
import type { Consistency, MemberSpecification } from "../internal.ts";
import { ApiError } from "./errors.ts";
import { nodeCall } from "./group-calls.ts";
import type { GroupCalls } from "./group-calls.ts";
import type { LeaderCalls } from "./leader-calls.ts";
import { LeaderSearch } from "./leader-search.ts";
import type { NodeCall, ReadBounds } from "./node-call.ts";
import type { Opening } from "./node-stream.ts";
import type { Position } from "./position.ts";
import { sentenceOf } from "./sentences.ts";
import type { Target } from "./target.ts";

/** What to subscribe to, and where. */
export interface SubscribeRequest {
  /** The bytes that the state machine's `subscribe` is given. */
  readonly request: Uint8Array;
  /** The node that is to answer; missing: any that does, rather one that does not lead. */
  readonly node?: string;
  /** How new the state must be where the stream begins: `linearizable` unless said, as for a query. */
  readonly consistency?: Consistency;
  readonly bounds?: ReadBounds;
}

export interface Reached<Opened> {
  readonly opened: Opened;
  readonly position: Position;
}

/** How one node is asked. */
export type Open<Opened> = (member: MemberSpecification, call: NodeCall) => Promise<Opening<Opened>>;

/**
 * `avoid` is asked last, if it is not the one that is named. Throws an `ApiError` when no node has opened a stream within the target's
 * time.
 */
export async function reachNode<Opened>(
  nodes: GroupCalls,
  leaders: LeaderCalls,
  target: Target,
  { request, node, consistency = "linearizable", bounds = {} }: SubscribeRequest,
  open: Open<Opened>,
  avoid?: string,
): Promise<Reached<Opened>> {
  const search = new LeaderSearch(target, { path: internalPath.subscribe, body: request, repeatable: true, bounds });
  // It also tells which nodes are near.
  const isLeaderNeeded = node === undefined && consistency === "linearizable";
  if (isLeaderNeeded && nodes.knownLeader(target) === undefined) await leaders.discover(search);
  for (;;) {
    let overloaded = true;
    for (const member of candidates(nodes, target, node, avoid)) {
      const timeoutMs = search.attemptMs;
      if (timeoutMs <= 0) throw search.exhausted();
      const call = { ...nodeCall(target, internalPath.subscribe, request, consistency, timeoutMs), bounds };
      const opening = await open(member, call);
      nodes.learn(opening, call);
      if (opening.kind === "open") return opening;
      overloaded &&= isOverloaded(opening);
      heed(opening, search);
    }
    if (overloaded) throw search.error("overloaded", "Too many streams are open, or too many requests wait.");
    await search.next(false);
    // A group at rest that has lost its leader needs somebody to ask for a new one.
    await leaders.discover(search);
    if (node !== undefined) await leaders.wakeFor(search);
  }
}

/** Near nodes come first, the leader last: it has enough to do. */
function candidates(
  nodes: GroupCalls,
  target: Target,
  node: string | undefined,
  avoid: string | undefined,
): readonly MemberSpecification[] {
  const members = nodes.members(target);
  if (node !== undefined) {
    const named = members.find(({ id }) => id === node);
    if (named !== undefined) return [named];
    throw new ApiError(
      "invalid_parameter",
      `node must be one of this group's: ${members.map(({ id }) => id).join(", ")}.`,
    );
  }
  const leader = nodes.knownLeader(target);
  const rank = ({ id }: MemberSpecification): number => (id === avoid ? 2 : id === leader?.id ? 1 : 0);
  return nodes.nearest(target, members).toSorted((one, other) => rank(one) - rank(other));
}

function isOverloaded(opening: Opening<unknown>): boolean {
  return opening.kind === "overloaded" || (opening.kind === "refusal" && opening.refusal.code === "overloaded");
}

/** Returns when another node may be asked. */
function heed(opening: Exclude<Opening<unknown>, { kind: "open" }>, search: LeaderSearch): void {
  if (opening.kind === "overloaded") return;
  if (opening.kind === "unreachable") {
    search.failedAttempt(opening.reason === "timeout" ? "timeout" : "unavailable", false);
    return;
  }
  const { code, message } = opening.refusal;
  search.position = opening.position;
  if (code === "future_index") throw search.futureIndex();
  if (code === "too_large") throw search.error("too_large", sentenceOf(message));
  if (code === "bad_request") throw search.error("unavailable", sentenceOf(message));
  search.failedAttempt(code === "timeout" ? "timeout" : "no_leader", false);
}
