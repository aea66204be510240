/** A watch on the store as code in the Worker reads it: it outlives the nodes that serve it. */

import type { KeySpan, WatchRequest } from "../../kv/model.ts";
import { decodeWatchMessage, encodeWatchRequest } from "../../kv/watch-codec.ts";
import type { ClusterClient, MessageStream } from "../cluster.ts";
import { ApiError, storeRefusal } from "../errors.ts";
import type { ReadOptions } from "../node-read.ts";
import type { Position } from "../position.ts";
import type { Target } from "../target.ts";
import { idOf, type SeenMessage, WatchCursor, type WatchPoint } from "./watch-cursor.ts";

/** The node's state is as new as is asked for where the watch begins. */
export interface WatchOptions extends KeySpan, ReadOptions {
  /** Where to begin; missing: with the next change. */
  readonly from?: WatchPoint;
  readonly withPrevious?: boolean;
  readonly noPut?: boolean;
  readonly noDelete?: boolean;
  /** How often a watch without events says how far it is; missing: never. */
  readonly progressMs?: number;
  /** Ends the watch. */
  readonly signal?: AbortSignal;
}

const present: WatchPoint = { revision: 0, events: 0 };

/**
 * Opens a watch, within the target's time. Whatever is written after it has been opened is seen by it. Throws an
 * `ApiError` when no node can serve it, and `compacted` where what it is to begin with is forgotten.
 */
export async function openWatch(cluster: ClusterClient, target: Target, options: WatchOptions): Promise<StoreWatch> {
  const { node, consistency, bounds, signal } = options;
  const cursor = new WatchCursor(options.from ?? present);
  const request = (): Uint8Array => encodeWatchRequest(requestOf(options, cursor.restart(), "binary"));
  const stream = await cluster.subscribe(target, {
    request: request(),
    resume: request,
    ...(node !== undefined && { node }),
    ...(consistency !== undefined && { consistency }),
    ...(bounds !== undefined && { bounds }),
    ...(signal !== undefined && { signal }),
  });
  const watch = new StoreWatch(stream, cursor);
  const first = await watch.next();
  if (first?.type === "created") return watch;
  void watch.close();
  const { position } = stream;
  if (first?.type !== "canceled") throw new ApiError("unavailable", "The node ended the watch.", { position });
  if (first.reason !== "compacted") throw new ApiError("overloaded", "The node takes no more watches.", { position });
  throw storeRefusal({ reason: "compacted", compactRevision: first.compactRevision }, { position });
}

/**
 * Opens a watch as a WebSocket of JSON texts, which costs nothing while nothing happens. It ends with its node: whoever
 * reads it opens another one behind the last revision that it saw.
 */
export async function openSocketWatch(
  cluster: ClusterClient,
  target: Target,
  options: Omit<WatchOptions, "signal">,
): Promise<Response> {
  const { node, consistency, bounds, from = present } = options;
  if (from.events > 0) throw new ApiError("invalid_header", "A WebSocket begins with a whole revision: use from.");
  return await cluster.subscribeSocket(target, {
    request: encodeWatchRequest({ ...requestOf(options, from.revision, "json"), fragment: false }),
    ...(node !== undefined && { node }),
    ...(consistency !== undefined && { consistency }),
    ...(bounds !== undefined && { bounds }),
  });
}

export class StoreWatch {
  private readonly stream: MessageStream;
  private readonly cursor: WatchCursor;
  /** The store's revision when the watch began. */
  revision = 0;

  constructor(stream: MessageStream, cursor: WatchCursor) {
    this.stream = stream;
    this.cursor = cursor;
  }

  /** The node that serves it, and where that stood when it began to. */
  get position(): Position {
    return this.stream.position;
  }

  /** The id of what has been read: a watch that begins there goes on behind it. */
  get id(): string {
    return idOf(this.cursor.point);
  }

  /** The next message; undefined after the last. Throws an `ApiError` when no node has served it for long. */
  async next(): Promise<SeenMessage | undefined> {
    for (;;) {
      const { done, value } = await this.stream.next();
      if (done === true) return undefined;
      const message = decodeWatchMessage(value);
      if (message === undefined) throw notUnderstood(this.position);
      const seen = this.cursor.take(message);
      if (seen?.type === "created") this.revision = seen.revision;
      if (seen !== undefined) return seen;
    }
  }

  async close(): Promise<void> {
    await this.stream.return();
  }
}

function requestOf(options: WatchOptions, startRevision: number, format: WatchRequest["format"]): WatchRequest {
  const { key, rangeEnd, withPrevious = false, noPut = false, noDelete = false, progressMs = 0 } = options;
  return {
    format,
    key,
    rangeEnd,
    startRevision,
    withPrevious,
    noPut,
    noDelete,
    progressMs,
    fragment: true,
  };
}

function notUnderstood(position: Position): ApiError {
  return new ApiError("unavailable", "The nodes run a version whose answer is not understood.", { position });
}
