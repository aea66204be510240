/** Majorities: what a set of voters has agreed on. */

import type { NodeId } from "./entry.ts";

export type VoteResult = "won" | "lost" | "pending";

/** How many of `count` voters are a majority. */
export function majority(count: number): number {
  return Math.floor(count / 2) + 1;
}

/** The highest value that a majority of the voters has reached. `reached` answers 0 for a voter not heard of. */
export function majorityReached(voters: readonly NodeId[], reached: (voter: NodeId) => number): number {
  const values = voters.map(reached).sort((left, right) => right - left);
  return values[majority(voters.length) - 1] ?? 0;
}

/** How an election stands. `vote` answers undefined for a voter that has not answered. */
export function voteResult(voters: readonly NodeId[], vote: (voter: NodeId) => boolean | undefined): VoteResult {
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
