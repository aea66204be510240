/** How one watch is told of what it has missed. */

import type { Change, History } from "../store/history.ts";
import type { Allowance } from "./allowance.ts";
import { eventMessages, isWanted } from "./events.ts";
import { encodeMessage } from "./messages.ts";
import { placeAt } from "./place.ts";
import type { Extent, Place } from "./place.ts";
import type { WatchLimits } from "./watch-limits.ts";
import type { Watcher } from "./watcher.ts";

/**
 * Tells a watch of the changes from a place on, until there are no more, its reader is full, or the allowance is spent.
 * Answers where it goes on.
 */
export function tellBacklog(
  history: History,
  watcher: Watcher,
  from: Place,
  extent: Extent,
  allowance: Allowance,
  { limits, isFull }: { readonly limits: WatchLimits; readonly isFull: () => boolean },
): Place {
  const reader = new BacklogReader(history, watcher, from, extent, allowance);
  const changes = reader.changes(limits.windowRows);
  for (const { message, lastPosition } of eventMessages(history, changes, watcher.request, limits)) {
    const encoded = encodeMessage(message, watcher.request.format);
    watcher.write(encoded);
    allowance.spend(0, encoded.length);
    if (allowance.isSpent || isFull()) return placeAt(history, lastPosition + 1, extent);
  }
  return placeAt(history, reader.position + 1, extent);
}

class BacklogReader {
  /** The last row that was looked at. */
  position: number;
  private readonly history: History;
  private readonly watcher: Watcher;
  private readonly extent: Extent;
  private readonly allowance: Allowance;

  constructor(history: History, watcher: Watcher, from: Place, extent: Extent, allowance: Allowance) {
    this.history = history;
    this.watcher = watcher;
    this.position = from.position - 1;
    this.extent = extent;
    this.allowance = allowance;
  }

  /** The changes that the watch wants. They end with a revision, even when the allowance is spent before. */
  *changes(windowRows: number): Generator<Change, void> {
    const { history, watcher, extent, allowance } = this;
    while (this.position < extent.lastPosition && !(allowance.isSpent && this.isBetweenRevisions)) {
      const last = Math.min(this.position + windowRows, extent.lastPosition);
      const changes = history.changesWithin(watcher.range, this.position, last, windowRows);
      allowance.spend(last - this.position, 0);
      this.position = last;
      yield* changes.filter((change) => isWanted(change, watcher.request));
    }
  }

  private get isBetweenRevisions(): boolean {
    return placeAt(this.history, this.position + 1, this.extent).rows === 0;
  }
}
