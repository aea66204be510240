/** The bytes of requests for a stream of events, and of its messages. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, demand, formatVersion, readChoice, readFlag, readList, writeList } from "./codec.ts";
import {
  itemBytes,
  readItem,
  readOptionalItem,
  readSpan,
  writeItem,
  writeOptionalItem,
  writeSpan,
} from "./item-codec.ts";
import type { WatchEvent, WatchMessage, WatchRequest } from "./model.ts";

const flags = { json: 1, withPrevious: 2, noPut: 4, noDelete: 8, fragment: 16 } as const;
const types = ["created", "events", "progress", "canceled"] as const satisfies readonly WatchMessage["type"][];
const eventTypes = ["put", "delete"] as const satisfies readonly WatchEvent["type"][];
const reasons = ["compacted", "slow", "ended"] as const;
/** Room for everything in a message but its events, and in an event but its items. */
const frameBytes = 64;

/** The request's bytes. Takes it as it is: `decodeWatchRequest` is what enforces the limits. */
export function encodeWatchRequest(request: WatchRequest): Uint8Array<ArrayBuffer> {
  const set =
    (request.format === "json" ? flags.json : 0) |
    (request.withPrevious ? flags.withPrevious : 0) |
    (request.noPut ? flags.noPut : 0) |
    (request.noDelete ? flags.noDelete : 0) |
    (request.fragment ? flags.fragment : 0);
  const writer = new ByteWriter().u8(formatVersion).u8(set);
  return writeSpan(writer, request).u53(request.startRevision).u53(request.progressMs).finish();
}

/** The request of these bytes, as views on them; undefined when they are none, or one beyond the limits. */
export function decodeWatchRequest(bytes: Uint8Array): WatchRequest | undefined {
  return decode(bytes, readRequest);
}

export function encodeWatchMessage(message: WatchMessage): Uint8Array<ArrayBuffer> {
  const events = message.type === "events" ? message.events : [];
  const room = events.reduce((sum, event) => sum + eventBytes(event), frameBytes);
  const writer = new ByteWriter(room).u8(formatVersion).u8(types.indexOf(message.type)).u53(message.revision);
  switch (message.type) {
    case "events":
      writeList(writer.u8(message.fragment ? 1 : 0), events, writeEvent);
      break;
    case "canceled":
      writer.u8(reasons.indexOf(message.reason)).u53(message.compactRevision).u53(message.resumeRevision);
      break;
    case "created":
    case "progress":
      break;
  }
  return writer.finish();
}

/** The message of these bytes, as views on them; undefined when they are none. */
export function decodeWatchMessage(bytes: Uint8Array): WatchMessage | undefined {
  return decode(bytes, readMessage);
}

function readRequest(reader: ByteReader): WatchRequest {
  const set = reader.u8();
  demand(set < 32, "unknown flag of a watch");
  return {
    ...readSpan(reader),
    format: (set & flags.json) === 0 ? "binary" : "json",
    startRevision: reader.u53(),
    withPrevious: (set & flags.withPrevious) !== 0,
    noPut: (set & flags.noPut) !== 0,
    noDelete: (set & flags.noDelete) !== 0,
    progressMs: reader.u53(),
    fragment: (set & flags.fragment) !== 0,
  };
}

function readMessage(reader: ByteReader): WatchMessage {
  const type = readChoice(reader, types);
  const revision = reader.u53();
  switch (type) {
    case "events": {
      const fragment = readFlag(reader);
      return { type, revision, fragment, events: readList(reader, readEvent) };
    }
    case "canceled": {
      const reason = readChoice(reader, reasons);
      return { type, revision, reason, compactRevision: reader.u53(), resumeRevision: reader.u53() };
    }
    case "created":
    case "progress":
      return { type, revision };
  }
}

function eventBytes({ item, previous }: WatchEvent): number {
  return itemBytes(item) + (previous === null ? 0 : itemBytes(previous)) + frameBytes;
}

function writeEvent(writer: ByteWriter, { type, item, previous }: WatchEvent): void {
  writeItem(writer.u8(eventTypes.indexOf(type)), item);
  writeOptionalItem(writer, previous);
}

function readEvent(reader: ByteReader): WatchEvent {
  return { type: readChoice(reader, eventTypes), item: readItem(reader), previous: readOptionalItem(reader) };
}
