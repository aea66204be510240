/** The messages of a watch in the format that its request asks for. */

import { itemJson, keyJson } from "../item-json.ts";
import type { WatchEvent, WatchMessage, WatchRequest } from "../model.ts";
import { encodeWatchMessage } from "../watch-codec.ts";

export function encodeMessage(message: WatchMessage, format: WatchRequest["format"]): Uint8Array | string {
  return format === "binary" ? encodeWatchMessage(message) : JSON.stringify(messageJson(message));
}

/** As the texts of WebSockets and server-sent events have it. */
export function messageJson(message: WatchMessage): unknown {
  const { type, revision } = message;
  switch (type) {
    case "created":
    case "progress":
      return { type, revision };
    case "events": {
      const events = message.events.map(eventJson);
      return message.fragment ? { type, revision, fragment: true, events } : { type, revision, events };
    }
    case "canceled": {
      const { reason, compactRevision, resumeRevision } = message;
      return { type, revision, reason, compact_revision: compactRevision, resume_revision: resumeRevision };
    }
  }
}

export function eventJson({ type, item, previous }: WatchEvent): unknown {
  const told = type === "put" ? itemJson(item) : { ...keyJson(item.key), mod_revision: item.modRevision };
  return previous === null ? { type, ...told } : { type, ...told, previous: itemJson(previous) };
}
