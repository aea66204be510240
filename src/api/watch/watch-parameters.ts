/** What a request for a watch says in its address and its headers. */

import { maxKeyBytes } from "../../kv/limits.ts";
import type { KeySpan } from "../../kv/model.ts";
import { keysBetween, keysWithPrefix, oneKey } from "../../kv/span.ts";
import { ApiError } from "../errors.ts";
import type { Parameters } from "../parameters.ts";
import { parseDurationMs } from "../parse-time.ts";
import { readOptionsOf, readParameters } from "../read.ts";
import { bookmarkOf } from "../seen.ts";
import type { WatchOptions } from "./store-watch.ts";
import { parsePoint, type WatchPoint } from "./watch-cursor.ts";

export const watchParameters = [
  ...readParameters,
  "key",
  "prefix",
  "start",
  "end",
  "from",
  "prev",
  "events",
  "progress",
] as const;

const minProgressMs = 1000;
const maxProgressMs = 60 * 60 * 1000;

export function watchOptionsOf(parameters: Parameters, headers: Headers): WatchOptions {
  const from = startOf(parameters, headers.get("last-event-id"));
  const only = parameters.choice("events", ["put", "delete"]);
  return {
    ...spanOf(parameters),
    ...(from !== undefined && { from }),
    ...readOptionsOf(parameters, bookmarkOf(headers)),
    withPrevious: parameters.flag("prev"),
    noPut: only === "delete",
    noDelete: only === "put",
    progressMs: progressMsOf(parameters.text("progress")),
  };
}

/** `key`, or `prefix`, or `start` and `end`; all keys unless one is given. */
function spanOf(parameters: Parameters): KeySpan {
  const [key, prefix] = [keyIn(parameters, "key"), keyIn(parameters, "prefix")];
  const [start, end] = [keyIn(parameters, "start"), keyIn(parameters, "end")];
  const forms = [key, prefix, start ?? end].filter((form) => form !== undefined);
  if (forms.length > 1) throw new ApiError("invalid_parameter", "Use one of key, prefix, and start with end.");
  if (key !== undefined) return oneKey(key);
  return prefix === undefined ? keysBetween(start ?? null, end ?? null) : keysWithPrefix(prefix);
}

function keyIn(parameters: Parameters, name: string): Uint8Array | undefined {
  const bytes = parameters.bytes(name);
  // An empty prefix or bound leaves all keys; no key is empty.
  if (bytes === undefined || (bytes.length === 0 && name !== "key")) return undefined;
  if (bytes.length >= 1 && bytes.length <= maxKeyBytes) return bytes;
  throw new ApiError("invalid_parameter", `${name} is at most ${maxKeyBytes} bytes long, and a key 1 at least.`);
}

/** 0 for never. */
function progressMsOf(text: string | undefined): number {
  if (text === undefined) return 0;
  const progressMs = parseDurationMs(text, ["ms", "s", "m", "h"]);
  if (progressMs !== undefined && progressMs >= minProgressMs && progressMs <= maxProgressMs) return progressMs;
  throw new ApiError("invalid_parameter", "progress must be a whole number of ms, s, m or h, from 1s to 1h.");
}

/** What a client saw last is newer than where it began. */
function startOf(parameters: Parameters, lastEventId: string | null): WatchPoint | undefined {
  const text = parameters.text("from");
  const from = text !== undefined && /^[1-9]\d{0,14}$/.test(text) ? Number(text) : undefined;
  if (text !== undefined && from === undefined) {
    throw new ApiError("invalid_parameter", "from must be a revision: a whole number from 1 on.");
  }
  if (lastEventId === null || lastEventId === "") return from === undefined ? undefined : { revision: from, events: 0 };
  const point = parsePoint(lastEventId);
  if (point !== undefined) return point;
  throw new ApiError("invalid_header", "Last-Event-ID must be the id of an event that this API sent.");
}
