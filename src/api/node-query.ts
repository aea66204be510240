/** Asks some nodes for a read, in turn and again, until one answers or the time is over. */

import { internalPath } from "../internal.ts";
import type { Consistency, MemberSpecification, Refusal, RefusalCode } from "../internal.ts";
import { nodeCall } from "./group-calls.ts";
import type { GroupCalls } from "./group-calls.ts";
import type { LeaderCalls, NodeAnswer } from "./leader-calls.ts";
import { LeaderSearch } from "./leader-search.ts";
import type { Attempt, ReadBounds } from "./node-call.ts";
import { sentenceOf } from "./sentences.ts";
import type { Target } from "./target.ts";

export interface NodeQuery {
  readonly query: Uint8Array;
  /** In the order in which they are asked. */
  readonly members: readonly MemberSpecification[];
  readonly consistency: Consistency;
  readonly bounds?: ReadBounds;
  /** Each node is asked once, as somebody else can be asked after them. */
  readonly once?: boolean;
}

/** A node that does not lead asks the leader, if it has to. Throws an `ApiError` when no node has answered. */
export async function queryNodes(
  nodes: GroupCalls,
  leaders: LeaderCalls,
  target: Target,
  { query, members, consistency, bounds = {}, once = false }: NodeQuery,
): Promise<NodeAnswer> {
  const search = new LeaderSearch(target, { path: internalPath.query, body: query, repeatable: true, bounds });
  let waitedInVain = false;
  for (;;) {
    let [overloaded, hopeless] = [true, true];
    for (const member of members) {
      const timeoutMs = search.attemptMs;
      if (timeoutMs <= 0) throw search.exhausted();
      // Whether the index that it waits for is one that the group has come to at all is what the leader knows.
      const asked = waitedInVain ? "linearizable" : consistency;
      const call = { ...nodeCall(target, internalPath.query, query, asked, timeoutMs), bounds };
      const attempt = await nodes.call(member, call);
      if (attempt.kind === "answer") return { body: attempt.body, position: attempt.position, ambiguous: false };
      waitedInVain = bounds.minIndex !== undefined && !waitedInVain && isTimeout(attempt);
      overloaded &&= attempt.kind === "overloaded";
      hopeless &&= attempt.kind === "refusal" && final.has(attempt.refusal.code);
      heed(attempt, search);
    }
    if (overloaded) throw search.error("overloaded", "Too many requests wait for this node.");
    if (once || hopeless) throw search.exhausted();
    await search.next(false);
    await leaders.wakeFor(search);
  }
}

/** What a node goes on refusing until somebody does something about it. */
const final: ReadonlySet<RefusalCode> = new Set<RefusalCode>(["removed", "fenced", "bad_request"]);

function isTimeout(attempt: Attempt): boolean {
  return attempt.kind === "refusal" && attempt.refusal.code === "timeout";
}

/** Returns when another node may be asked, or the same one again. */
function heed(attempt: Exclude<Attempt, { kind: "answer" }>, search: LeaderSearch): void {
  if (attempt.kind === "refusal") {
    search.position = attempt.position;
    heedRefusal(attempt.refusal, search);
  } else search.failedAttempt("unavailable", false);
}

function heedRefusal({ code, message }: Refusal, search: LeaderSearch): void {
  switch (code) {
    case "future_index":
      throw search.futureIndex();
    case "not_leader":
      search.failedAttempt("no_leader", false);
      return;
    case "timeout":
      search.failedAttempt("timeout", false);
      break;
    default:
      search.failedAttempt("unavailable", false);
  }
  search.reason = sentenceOf(message);
}
