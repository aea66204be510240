/** How live watches are told of what is published. */

import type { Change, History } from "../store/history.ts";
import type { Audience, Audiences } from "./audiences.ts";
import { eventMessages, isWanted } from "./events.ts";
import { encodeMessage } from "./messages.ts";
import { placeAt } from "./place.ts";
import type { Extent, Place } from "./place.ts";
import type { WatchLimits } from "./watch-limits.ts";
import type { Watcher } from "./watcher.ts";

/** Where messages go, and what becomes of watches whose readers do not keep up. */
export interface LiveFeedHost {
  readonly limits: WatchLimits;
  write(watcher: Watcher, message: Uint8Array | string): void;
  isFull(watcher: Watcher): boolean;
  /** From this place on, it is told of nothing here. */
  fallBehind(watcher: Watcher, place: Place): void;
}

/**
 * Tells all live watches what has changed between two extents. Each message is made once for all who want it. A revision with
 * more changes than are read at a time is not told live.
 */
export function tellLive(
  history: History,
  audiences: Audiences,
  before: Extent,
  extent: Extent,
  host: LiveFeedHost,
): void {
  let { lastPosition } = before;
  while (lastPosition < extent.lastPosition && !audiences.isEmpty) {
    const read = history.changes(lastPosition, extent.lastPosition, host.limits.windowRows);
    const start = startOf(read);
    const changes = wholeRevisions(read, extent);
    const last = changes.at(-1);
    if (last === undefined) {
      for (const watcher of audiences.watchers()) host.fallBehind(watcher, start);
      return;
    }
    for (const [audience, matching] of matchingOf(audiences, changes)) {
      tellAudience(history, audience, matching, { start, extent }, host);
    }
    lastPosition = last.state.position;
  }
}

/** What is read begins with a revision. */
function startOf(changes: readonly Change[]): Place {
  const first = changes[0]?.state;
  if (first === undefined) throw new Error("published changes are missing in the history");
  return { position: first.position, revision: first.modRevision, rows: 0 };
}

/** Without the last revision, if some of its changes may be missing. */
function wholeRevisions(changes: readonly Change[], extent: Extent): readonly Change[] {
  const last = changes.at(-1)?.state;
  if (last === undefined || last.position === extent.lastPosition) return changes;
  return changes.filter(({ state }) => state.modRevision !== last.modRevision);
}

function matchingOf(audiences: Audiences, changes: readonly Change[]): Map<Audience, Change[]> {
  const matching = new Map<Audience, Change[]>();
  for (const change of changes) {
    audiences.match(change.state.key, (audience) => {
      if (!isWanted(change, audience.request)) return;
      const known = matching.get(audience);
      if (known === undefined) matching.set(audience, [change]);
      else known.push(change);
    });
  }
  return matching;
}

function tellAudience(
  history: History,
  { request, watchers }: Audience,
  changes: readonly Change[],
  { start, extent }: { readonly start: Place; readonly extent: Extent },
  host: LiveFeedHost,
): void {
  let told: number | null = null;
  const place = (): Place => (told === null ? start : placeAt(history, told + 1, extent));
  for (const { message, lastPosition } of eventMessages(history, changes, request, host.limits)) {
    const encoded = encodeMessage(message, request.format);
    for (const watcher of watchers) {
      if (host.isFull(watcher)) host.fallBehind(watcher, place());
      else host.write(watcher, encoded);
    }
    if (watchers.size === 0) return;
    told = lastPosition;
  }
}
