/** Who led in which term, as the nodes logged it. */

import { parseRoleChange } from "../lib/node-log.ts";

export class Leaderships {
  private readonly leadersByTerm = new Map<number, Set<string>>();

  /** Takes note of a logged line of the group `default`. */
  see(line: string): void {
    const change = parseRoleChange(line);
    if (change?.role !== "leader" || change.group !== "default") return;
    const leaders = this.leadersByTerm.get(change.term) ?? new Set();
    this.leadersByTerm.set(change.term, leaders.add(change.node));
  }

  get terms(): number {
    return this.leadersByTerm.size;
  }

  /** The highest term that anybody led in, and who did. */
  newest(): { readonly term: number; readonly node: string } | undefined {
    const term = Math.max(...this.leadersByTerm.keys());
    const [node] = this.leadersByTerm.get(term) ?? [];
    return node === undefined ? undefined : { term, node };
  }

  /** Terms that more than one node led in. */
  disputed(): number[] {
    return [...this.leadersByTerm].filter(([, leaders]) => leaders.size > 1).map(([term]) => term);
  }
}
