/** How far a watch has been read, so that it goes on elsewhere without losing or repeating an event. */

import type { WatchEvent, WatchMessage } from "../../kv/model.ts";

/** Behind the first `events` of the events of `revision`, as the watch's filters leave them. */
export interface WatchPoint {
  readonly revision: number;
  readonly events: number;
}

/** An event, and the id that stands for the point behind it. */
export interface SeenEvent extends WatchEvent {
  readonly id: string;
}

/** A message as the reader of a watch gets it. */
export type SeenMessage =
  | Exclude<WatchMessage, { readonly type: "events" }>
  | { readonly type: "events"; readonly revision: number; readonly events: readonly SeenEvent[] };

const idPattern = /^(\d{1,15})(?:\.(\d{1,9}))?$/;

/** The point that the id of an event stands for; undefined for a text that is none. */
export function parsePoint(id: string): WatchPoint | undefined {
  const [matched, revision, events] = idPattern.exec(id) ?? [];
  if (matched === undefined) return undefined;
  if (events === undefined) return { revision: Number(revision) + 1, events: 0 };
  return { revision: Number(revision), events: Number(events) };
}

/** The id of the point. */
export function idOf({ revision, events }: WatchPoint): string {
  return events === 0 ? `${revision - 1}` : `${revision}.${events}`;
}

/**
 * An id such as `7` is behind all of revision 7. Where a revision has several events, each but the last may still be the
 * last one that a reader has seen: `7.2` is behind the second event of revision 7.
 */
export class WatchCursor {
  /** The first revision that has not been read to its end; 0 while it is not known. */
  private revision: number;
  /** How many of its events have been read. */
  private read: number;
  /** How many of them the present stream has sent. */
  private sent = 0;
  private opened = false;

  constructor({ revision, events }: WatchPoint) {
    this.revision = revision;
    this.read = events;
  }

  /** Behind all that has been read. */
  get point(): WatchPoint {
    return { revision: this.revision, events: this.read };
  }

  /** A stream begins anew: with all events of the revision that is given back. */
  restart(): number {
    this.sent = 0;
    return this.revision;
  }

  /** What is new in a message; undefined when nothing is. */
  take(message: WatchMessage): SeenMessage | undefined {
    switch (message.type) {
      case "created":
        return this.open(message);
      case "events":
        return this.takeEvents(message.revision, message.events, message.fragment);
      case "progress":
        if (message.revision >= this.revision) this.moveTo(message.revision + 1);
        return message;
      case "canceled":
        return message;
    }
  }

  private open(message: WatchMessage & { readonly type: "created" }): SeenMessage | undefined {
    if (this.revision === 0) this.moveTo(message.revision + 1);
    if (this.opened) return undefined;
    this.opened = true;
    return message;
  }

  private takeEvents(revision: number, events: readonly WatchEvent[], fragment: boolean): SeenMessage | undefined {
    const fresh = events.flatMap((event, at) => {
      const next = events[at + 1];
      const isLast = next === undefined ? !fragment : next.item.modRevision !== event.item.modRevision;
      return this.see(event, isLast);
    });
    return fresh.length === 0 ? undefined : { type: "events", revision, events: fresh };
  }

  /** The event if it has not been read before. */
  private see(event: WatchEvent, isLast: boolean): SeenEvent[] {
    const revision = event.item.modRevision;
    if (revision < this.revision) return [];
    if (revision > this.revision) this.moveTo(revision);
    this.sent += 1;
    const isNew = this.sent > this.read;
    if (isNew) this.read = this.sent;
    if (isLast) this.moveTo(revision + 1);
    return isNew ? [{ ...event, id: idOf(this.point) }] : [];
  }

  private moveTo(revision: number): void {
    this.revision = revision;
    this.read = 0;
    this.sent = 0;
  }
}
