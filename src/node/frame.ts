/** The wire format between nodes: one frame carries all messages that wait for a peer. */

import { ByteReader, MalformedError } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import type { NodeId } from "../raft/entry.ts";
import type { Message } from "../raft/message.ts";
import { readConfiguration, writeConfiguration } from "./configuration-codec.ts";
import { readEntries, writeEntries } from "./entry-codec.ts";

const magic = 0xd12a;
/** Raised with every change that an older node could not read. */
export const frameVersion = 1;

export interface Frame {
  /** The group's identity: frames of another group that happens to have the same name are refused. */
  readonly groupId: string;
  readonly from: NodeId;
  readonly to: NodeId;
  /** Drawn when the sender's storage was made: another one means that its storage was lost. */
  readonly storageId: string;
  /** How often the sender has started. */
  readonly incarnation: number;
  /** The storage that the sender knows the receiver by; empty when it knows none. */
  readonly toStorageId: string;
  /** Between `from` and `to`, all of them. */
  readonly messages: readonly Message[];
}

/** The frame is of a version that this node does not speak. */
export class FrameVersionError extends Error {
  override readonly name = "FrameVersionError";
}

// Tags are numbers for ever: neighbours may run older or newer code during a deploy.
const tag = {
  requestVote: 1,
  voteReply: 2,
  appendEntries: 3,
  appendReply: 4,
  heartbeat: 5,
  heartbeatReply: 6,
  installSnapshot: 7,
  readIndexRequest: 8,
  readIndexReply: 9,
  timeoutNow: 10,
} as const satisfies Record<Message["type"], number>;

export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(512);
  writer.u16(magic).u8(frameVersion);
  writer.text(frame.groupId).text(frame.from).text(frame.to).text(frame.storageId).u53(frame.incarnation);
  writer.text(frame.toStorageId);
  writer.u32(frame.messages.length);
  for (const message of frame.messages) writeMessage(writer, message);
  return writer.finish();
}

/** Throws a `MalformedError` for bytes that are no frame, and a `FrameVersionError` for one of an unknown version. */
export function decodeFrame(bytes: Uint8Array): Frame {
  const reader = new ByteReader(bytes);
  if (reader.u16() !== magic) throw new MalformedError("not a frame");
  const version = reader.u8();
  if (version !== frameVersion) {
    throw new FrameVersionError(`frame version ${version}; this node speaks version ${frameVersion}`);
  }
  const groupId = reader.text();
  const from = reader.text();
  const to = reader.text();
  const storageId = reader.text();
  const incarnation = reader.u53();
  const toStorageId = reader.text();
  const count = reader.u32();
  if (count > reader.remaining) throw new MalformedError("more messages than bytes");
  const messages: Message[] = [];
  for (let position = 0; position < count; position += 1) messages.push(readMessage(reader, from, to));
  reader.end();
  return { groupId, from, to, storageId, incarnation, toStorageId, messages };
}

function writeMessage(writer: ByteWriter, message: Message): void {
  writer.u8(tag[message.type]).u53(message.term);
  switch (message.type) {
    case "requestVote":
      writer.u8(Number(message.preVote)).u8(Number(message.transfer));
      writer.u53(message.lastLogIndex).u53(message.lastLogTerm);
      writer.u53(message.commitIndex).u53(message.commitTerm).u53(message.question);
      break;
    case "voteReply":
      writer.u8(Number(message.preVote)).u8(Number(message.granted));
      writer.u53(message.commitIndex).u53(message.commitTerm).u53(message.question);
      break;
    case "appendEntries":
      writer.u53(message.prevLogIndex).u53(message.prevLogTerm).u53(message.commitIndex).u53(message.round);
      writeEntries(writer, message.entries);
      break;
    case "appendReply":
      writer
        .u53(message.index)
        .u53(message.round)
        .u8(message.rejection === null ? 0 : 1);
      if (message.rejection !== null) writer.u53(message.rejection.hintIndex).u53(message.rejection.hintTerm);
      break;
    case "heartbeat":
      writer.u53(message.commitIndex).u53(message.round).u53(message.timeMs);
      writer.u53(message.electionMinMs).u53(message.leaseMs).u8(Number(message.quiesce));
      break;
    case "heartbeatReply":
      writer.u53(message.round).u8(Number(message.quiesced));
      break;
    case "installSnapshot": {
      const { index, term, timeMs, configuration } = message.snapshot;
      writer.u53(message.round).u53(index).u53(term).u53(timeMs);
      writeConfiguration(writer, configuration);
      break;
    }
    case "readIndexRequest":
      writeContexts(writer, message.contexts);
      break;
    case "readIndexReply":
      writer.u53(message.index);
      writeContexts(writer, message.contexts);
      break;
    case "timeoutNow":
      break;
  }
}

function readMessage(reader: ByteReader, from: NodeId, to: NodeId): Message {
  const kind = reader.u8();
  const envelope = { from, to, term: reader.u53() };
  switch (kind) {
    case tag.requestVote: {
      const preVote = readFlag(reader);
      const transfer = readFlag(reader);
      const last = { lastLogIndex: reader.u53(), lastLogTerm: reader.u53() };
      const commit = { commitIndex: reader.u53(), commitTerm: reader.u53() };
      return { type: "requestVote", ...envelope, preVote, transfer, ...last, ...commit, question: reader.u53() };
    }
    case tag.voteReply: {
      const preVote = readFlag(reader);
      const granted = readFlag(reader);
      const commit = { commitIndex: reader.u53(), commitTerm: reader.u53() };
      return { type: "voteReply", ...envelope, preVote, granted, ...commit, question: reader.u53() };
    }
    case tag.appendEntries: {
      const prevLogIndex = reader.u53();
      const prevLogTerm = reader.u53();
      const commitIndex = reader.u53();
      const round = reader.u53();
      const entries = readEntries(reader);
      const first = entries[0];
      if (first !== undefined && first.index !== prevLogIndex + 1) throw new MalformedError("entries leave a hole");
      return { type: "appendEntries", ...envelope, prevLogIndex, prevLogTerm, entries, commitIndex, round };
    }
    case tag.appendReply: {
      const index = reader.u53();
      const round = reader.u53();
      const rejection = readFlag(reader) ? { hintIndex: reader.u53(), hintTerm: reader.u53() } : null;
      return { type: "appendReply", ...envelope, index, rejection, round };
    }
    case tag.heartbeat: {
      const commitIndex = reader.u53();
      const round = reader.u53();
      const timeMs = reader.u53();
      const asked = { electionMinMs: reader.u53(), leaseMs: reader.u53(), quiesce: readFlag(reader) };
      return { type: "heartbeat", ...envelope, commitIndex, round, timeMs, ...asked };
    }
    case tag.heartbeatReply: {
      const round = reader.u53();
      return { type: "heartbeatReply", ...envelope, round, quiesced: readFlag(reader) };
    }
    case tag.installSnapshot: {
      const round = reader.u53();
      const point = { index: reader.u53(), term: reader.u53(), timeMs: reader.u53() };
      const snapshot = { ...point, configuration: readConfiguration(reader) };
      return { type: "installSnapshot", ...envelope, snapshot, round };
    }
    case tag.readIndexRequest:
      return { type: "readIndexRequest", ...envelope, contexts: readContexts(reader) };
    case tag.readIndexReply:
      return { type: "readIndexReply", ...envelope, index: reader.u53(), contexts: readContexts(reader) };
    case tag.timeoutNow:
      return { type: "timeoutNow", ...envelope };
    default:
      throw new MalformedError(`unknown kind of message: ${kind}`);
  }
}

function writeContexts(writer: ByteWriter, contexts: readonly number[]): void {
  writer.u32(contexts.length);
  for (const context of contexts) writer.u53(context);
}

function readContexts(reader: ByteReader): number[] {
  const count = reader.u32();
  if (count * 8 > reader.remaining) throw new MalformedError("more reads than bytes");
  return Array.from({ length: count }, () => reader.u53());
}

function readFlag(reader: ByteReader): boolean {
  const value = reader.u8();
  if (value > 1) throw new MalformedError("a flag is 0 or 1");
  return value === 1;
}
