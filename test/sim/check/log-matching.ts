/** Every entry that was ever durable anywhere: an index and a term name one entry, and one past. */

import type { Entry, NodeId } from "../../../src/raft/entry.ts";
import { demand } from "./violation.ts";

interface Known {
  readonly entry: Entry;
  readonly previousTerm: number;
}

export class LogMatching {
  private readonly byIndex: (Known[] | undefined)[] = [];

  /**
   * An entry has become durable behind one of `previousTerm`. That equal entries have equal predecessors, checked for
   * every entry, makes all that precedes them equal.
   */
  stored(node: NodeId, entry: Entry, previousTerm: number): void {
    const known = (this.byIndex[entry.index] ??= []);
    const same = known.find((other) => other.entry.term === entry.term);
    if (same === undefined) {
      known.push({ entry, previousTerm });
      return;
    }
    demand(
      same.previousTerm === previousTerm && equalEntries(same.entry, entry),
      "log matching",
      () => `${node} holds another entry ${entry.index} of term ${entry.term}, or another one before it`,
    );
  }
}

export function equalEntries(entry: Entry, other: Entry): boolean {
  if (entry === other) return true;
  if (entry.term !== other.term || entry.kind !== other.kind || entry.timeMs !== other.timeMs) return false;
  const { length } = entry.data;
  if (length !== other.data.length) return false;
  for (let at = 0; at < length; at += 1) if (entry.data[at] !== other.data[at]) return false;
  return true;
}
