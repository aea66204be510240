/** What `/watch` is, for the OpenAPI document. */

import { readDescriptions } from "./parameters.ts";
import type { ResourceDescription } from "./words.ts";
import { oneOf, text, truth, whole } from "./words.ts";

export const watchDescription: ResourceDescription = {
  name: "watch",
  description: "Changes as they happen.",
  place: "group",
  paths: {
    "/watch": {
      get: {
        id: "watch",
        summary: "Changes of keys, as server-sent events or over a WebSocket.",
        description:
          "Events: `created`, `put`, `delete`, `progress`; then `compacted`, `slow`, `ended` or `failure` as the last. " +
          "With `Upgrade: websocket` each message is a JSON text.",
        query: {
          ...readDescriptions,
          key: { description: "One key." },
          prefix: { description: "All keys that begin with it." },
          start: { description: "Keys from this one on." },
          end: { description: "Keys before this one." },
          from: { description: "The first revision that is wanted; the next one unless said.", schema: whole },
          prev: { description: "`true`: with keys as they were before.", schema: truth },
          events: { description: "Puts or deletes alone.", schema: oneOf("put", "delete") },
          progress: { description: "How often to say how far the watch is while nothing happens, from `1s` to `1h`." },
        },
        headers: { "Last-Event-ID": { description: "The id of the last event that was seen: the watch goes on." } },
        answers: {
          101: { description: "A WebSocket." },
          200: { description: "Server-sent events.", content: { "text/event-stream": { schema: text } } },
        },
        errors: ["invalid_header", "compacted", "future_index"],
      },
    },
  },
};
