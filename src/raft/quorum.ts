/** Majorities, of one set of voters or of both halves of a joint configuration: what they have agreed on. */

import type { Configuration } from "./configuration.ts";
import type { NodeId } from "./entry.ts";

export type VoteResult = "won" | "lost" | "pending";

/** The sets of voters of which each must agree by a majority of its own. */
type Voters = Pick<Configuration, "voters" | "outgoing">;

/** How many of `count` voters are a majority. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The highest value that a majority has reached. `reached` answers 0 for a voter not heard of. */
export function majorityReached({ voters, outgoing }: Voters, reached: (voter: NodeId) => number): number {
  return Math.min(reachedIn(voters, reached), reachedIn(outgoing, reached));
}

/** How an election stands. `vote` answers undefined for a voter that has not answered. */
export function voteResult({ voters, outgoing }: Voters, vote: (voter: NodeId) => boolean | undefined): VoteResult {
  const results = [resultIn(voters, vote), resultIn(outgoing, vote)];
  if (results.includes("lost")) return "lost";
  return results.includes("pending") ? "pending" : "won";
}

/** An empty set has nothing against anything. */
function reachedIn(voters: readonly NodeId[], reached: (voter: NodeId) => number): number {
  if (voters.length === 0) return Number.POSITIVE_INFINITY;
  const values = voters.map(reached).sort((left, right) => right - left);
  return values[majority(voters.length) - 1] ?? 0;
}

function resultIn(voters: readonly NodeId[], vote: (voter: NodeId) => boolean | undefined): VoteResult {
  if (voters.length === 0) return "won";
  let granted = 0;
  let refused = 0;
  for (const voter of voters) {
    const answer = vote(voter);
    if (answer === true) granted += 1;
    if (answer === false) refused += 1;
  }
  const needed = majority(voters.length);
  if (granted >= needed) return "won";
  return voters.length - refused < needed ? "lost" : "pending";
}
