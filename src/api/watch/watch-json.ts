/** What a watch says, as JSON shows it. */

import type { ServerSentEvent } from "../event-stream.ts";
import { itemJson, keyJson } from "../representation.ts";
import type { SeenEvent, SeenMessage } from "./watch-cursor.ts";

/** Each event is one of its own. `id` is that of what has been read with this message. */
export function serverSentEvents(message: SeenMessage, id: string): readonly ServerSentEvent[] {
  const { type, revision } = message;
  switch (type) {
    case "created":
    case "progress":
      return [{ event: type, id, data: { revision } }];
    case "events":
      return message.events.map((event) => ({ event: event.type, id: event.id, data: eventJson(event) }));
    case "canceled":
      return [{ event: message.reason, data: endJson(message) }];
  }
}

function eventJson({ type, item, previous }: SeenEvent): unknown {
  const key = type === "put" ? itemJson(item) : { ...keyJson(item.key), mod_revision: item.modRevision };
  return previous === null ? key : { ...key, previous: itemJson(previous) };
}

function endJson(message: SeenMessage & { readonly type: "canceled" }): unknown {
  const { reason, revision, compactRevision, resumeRevision } = message;
  if (reason === "compacted") return { revision, compact_revision: compactRevision };
  return { revision, resume_revision: resumeRevision };
}
