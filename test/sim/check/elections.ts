/** Who has led and who has voted for whom, in every term of a run. */

import type { NodeId } from "../../../src/raft/entry.ts";
import { demand } from "./violation.ts";

export class Elections {
  private readonly leaders = new Map<number, string>();
  private readonly votes = new Map<string, NodeId>();

  /** A node leads, as others can see. A term has one leader, and who restarts does not lead the same term again. */
  leads(term: number, node: NodeId, incarnation: number): boolean {
    const leader = `${node}, incarnation ${incarnation}`;
    const known = this.leaders.get(term);
    demand(
      known === undefined || known === leader,
      "election safety",
      () => `${known} and ${leader} lead term ${term}`,
    );
    this.leaders.set(term, leader);
    return known === undefined;
  }

  /** A node's vote has left it. */
  voted(node: NodeId, term: number, candidate: NodeId): void {
    const vote = `${node} in term ${term}`;
    const known = this.votes.get(vote) ?? candidate;
    demand(known === candidate, "one vote a term", () => `${vote} voted for ${known} and ${candidate}`);
    this.votes.set(vote, candidate);
  }

  get elected(): number {
    return this.leaders.size;
  }
}
