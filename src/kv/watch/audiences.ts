/** Who is told of a change at once: watches that want the same, found by the key that changes. */

import type { WatchRequest } from "../model.ts";
import type { KeyRange, KeyText } from "../store/key-text.ts";
import { RangeTree } from "./range-tree.ts";
import type { Watcher } from "./watcher.ts";

/** Watches that are told the very same messages. */
export interface Audience {
  readonly range: KeyRange;
  readonly request: WatchRequest;
  readonly watchers: Set<Watcher>;
}

export class Audiences {
  private readonly all = new Map<string, Audience>();
  private readonly ofKeys = new Map<KeyText, Set<Audience>>();
  private readonly ofRanges = new RangeTree<Audience>();

  get isEmpty(): boolean {
    return this.all.size === 0;
  }

  join(watcher: Watcher): void {
    const name = nameOf(watcher);
    const audience = this.all.get(name) ?? this.add(name, watcher);
    audience.watchers.add(watcher);
  }

  leave(watcher: Watcher): void {
    const name = nameOf(watcher);
    const audience = this.all.get(name);
    if (audience?.watchers.delete(watcher) !== true || audience.watchers.size > 0) return;
    this.all.delete(name);
    if (audience.request.rangeEnd !== null) this.ofRanges.delete(audience);
    else {
      const ofKey = this.ofKeys.get(audience.range.from);
      ofKey?.delete(audience);
      if (ofKey?.size === 0) this.ofKeys.delete(audience.range.from);
    }
  }

  /** Calls back for each audience that wants to know of a key. */
  match(key: KeyText, found: (audience: Audience) => void): void {
    for (const audience of this.ofKeys.get(key) ?? []) found(audience);
    this.ofRanges.match(key, found);
  }

  watchers(): Watcher[] {
    return [...this.all.values()].flatMap(({ watchers }) => [...watchers]);
  }

  private add(name: string, { request, range }: Watcher): Audience {
    const audience: Audience = { request, range, watchers: new Set() };
    this.all.set(name, audience);
    if (request.rangeEnd !== null) this.ofRanges.add(audience);
    else {
      const ofKey = this.ofKeys.get(range.from);
      if (ofKey === undefined) this.ofKeys.set(range.from, new Set([audience]));
      else ofKey.add(audience);
    }
    return audience;
  }
}

function nameOf({ range, request }: Watcher): string {
  const { format, withPrevious, noPut, noDelete, fragment, rangeEnd } = request;
  return JSON.stringify([range.from, rangeEnd && range.to, format, withPrevious, noPut, noDelete, fragment]);
}
