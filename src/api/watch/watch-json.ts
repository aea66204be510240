/** What a watch says, as server-sent events show it. */

import { eventJson, messageJson } from "../../kv/watch/messages.ts";
import type { ServerSentEvent } from "../event-stream.ts";
import type { SeenMessage } from "./watch-cursor.ts";

/** Each change is an event of its own, as in a WebSocket's messages. `id` is that of what has been read with this message. */
export function serverSentEvents(message: SeenMessage, id: string): readonly ServerSentEvent[] {
  switch (message.type) {
    case "created":
    case "progress":
      return [{ event: message.type, id, data: messageJson(message) }];
    case "events":
      return message.events.map((event) => ({ event: event.type, id: event.id, data: eventJson(event) }));
    case "canceled":
      return [{ event: message.reason, data: messageJson(message) }];
  }
}
