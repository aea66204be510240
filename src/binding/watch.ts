/** A watch that another Worker reads, message by message. */

import { RpcTarget } from "cloudflare:workers";
import { ApiError } from "../api/errors.ts";
import type { StoreClient } from "../api/store.ts";
import { openWatch, type StoreWatch } from "../api/watch/store-watch.ts";
import { parsePoint, type SeenMessage, type WatchPoint } from "../api/watch/watch-cursor.ts";
import { Fields } from "../api/json-fields.ts";
import { readSpan, spanFields } from "../api/operations/spans.ts";
import { entryOf, optionalEntry } from "./entries.ts";
import { answering } from "./failure.ts";
import { readOptionsIn, readWords } from "./reads.ts";
import type { WatchMessage, WatchOptions } from "./types.ts";
import { wordsOf } from "./words.ts";

const known = [...spanFields, ...readWords, "from", "after", "previous", "events", "progress_ms"];

/**
 * To be bound by `using`, or closed: as long as it is not, a node has it on its list. It goes on at another node when one
 * fails; nothing is lost or repeated.
 */
export class RaftWatch extends RpcTarget {
  private readonly watch: StoreWatch;
  private readonly end: AbortController;
  /** Messages are taken one after the other, whoever asks for several at once. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(watch: StoreWatch, end: AbortController) {
    super();
    this.watch = watch;
    this.end = end;
  }

  /** The store's revision when the watch began: what is written after that is told. */
  get revision(): number {
    return this.watch.revision;
  }

  /** Waits for the next message; null after the last. */
  next(): Promise<WatchMessage | null> {
    const take = (): Promise<WatchMessage | null> =>
      answering(async () => {
        const message = await this.watch.next();
        return message === undefined ? null : messageOf(message, this.watch.id);
      });
    const taken = this.last.then(take, take);
    this.last = taken;
    return taken;
  }

  close(): void {
    this.end.abort();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

export async function openRaftWatch(store: StoreClient, options: WatchOptions): Promise<RaftWatch> {
  const fields = new Fields(wordsOf(options), "", known);
  const end = new AbortController();
  const only = fields.choice("events", ["put", "delete"]);
  const from = startIn(fields);
  const watch = await openWatch(store.cluster, store.target, {
    ...readSpan(fields),
    ...readOptionsIn(fields),
    ...(from !== undefined && { from }),
    withPrevious: fields.flag("previous"),
    noPut: only === "delete",
    noDelete: only === "put",
    progressMs: fields.number("progress_ms"),
    signal: end.signal,
  });
  return new RaftWatch(watch, end);
}

function startIn(fields: Fields): WatchPoint | undefined {
  const [from, after] = [fields.number("from"), fields.text("after")];
  if (after === undefined) return from === 0 ? undefined : { revision: from, events: 0 };
  return parsePoint(after) ?? fields.refuse("after", "must be the id of a change");
}

function messageOf(message: SeenMessage, id: string): WatchMessage {
  switch (message.type) {
    case "created":
      throw new ApiError("internal", "A watch began twice.");
    case "progress":
      return { type: "progress", revision: message.revision, id };
    case "events": {
      const changes = message.events.map(({ type, item, previous, id: behind }) => {
        return { type, entry: entryOf(item), previous: optionalEntry(previous), id: behind };
      });
      return { type: "changes", changes };
    }
    case "canceled":
      return message.reason === "compacted"
        ? { type: "compacted", compactRevision: message.compactRevision }
        : { type: message.reason };
  }
}
