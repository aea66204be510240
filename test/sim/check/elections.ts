/** Who has led and who has voted for whom, in every term of a run. */

import type { NodeId } from "../../../src/raft/entry.ts";
import { demand } from "./violation.ts";

export class Elections {
  private readonly leaders = new Map<number, string>();
  /** By the storage that remembers them: one that a node has lost votes no more. */
  private readonly votes = new WeakMap<object, Map<number, NodeId>>();

  /** A life of a node leads, as others can see. A term has one leader, and who restarts does not lead the same term again. */
  leads(term: number, leader: string): boolean {
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
  voted(node: NodeId, term: number, candidate: NodeId, storage: object): void {
    const votes = this.votes.get(storage) ?? new Map<number, NodeId>();
    this.votes.set(storage, votes);
    const known = votes.get(term) ?? candidate;
    demand(known === candidate, "one vote a term", () => `${node} in term ${term} voted for ${known} and ${candidate}`);
    votes.set(term, candidate);
  }

  get elected(): number {
    return this.leaders.size;
  }
}
