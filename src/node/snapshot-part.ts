/** The wire format of a snapshot: one page at a time, and what the receiver says to it. */

import { ByteReader, MalformedError } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import type { InstallSnapshot, Message } from "../raft/message.ts";
import { decodeFrame, encodeFrame, type Frame, FrameVersionError } from "./frame.ts";
import type { Page } from "./snapshot-store.ts";

const magic = 0xd12b;
/** Raised with every change that an older node could not read. */
export const partVersion = 2;

/** One page of a cut. */
export interface SnapshotPart {
  /** What the receiver is to install when it has all pages. */
  readonly message: InstallSnapshot;
  readonly cutId: string;
  /** Its number, counted from 0. */
  readonly sequence: number;
  /** Of all pages up to this one. */
  readonly checksum: number;
  readonly page: Page;
}

/**
 * `staged`: so many pages are here. `installed`: the state is in force, or the receiver has it by other means. `refused`:
 * nothing has changed, and trying again later may help. `corrupt`: the pages do not fit together and are thrown away.
 */
export type PartResult = "staged" | "installed" | "refused" | "corrupt";

export interface PartAnswer {
  readonly result: PartResult;
  /** How many pages of this cut the receiver has. */
  readonly sequence: number;
  /** Why it was refused. */
  readonly detail: string;
  /** What the receiver has to say to the leader. */
  readonly messages: readonly Message[];
}

// Positions are numbers for ever: neighbours may run older or newer code during a deploy.
const results: readonly PartResult[] = ["staged", "installed", "refused", "corrupt"];

/** @param frame the sender's, with the part's message as its only one */
export function encodePart(frame: Frame, { cutId, sequence, checksum, page }: SnapshotPart): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(page.bytes.length + 1024).u16(magic).u8(partVersion).bytes(encodeFrame(frame));
  return writer.text(cutId).u53(sequence).u32(checksum).u8(Number(page.done)).bytes(page.bytes).finish();
}

/** Throws a `MalformedError` for bytes that are no part, and a `FrameVersionError` for one of an unknown version. */
export function decodePart(bytes: Uint8Array): { readonly frame: Frame; readonly part: SnapshotPart } {
  const reader = begin(bytes);
  const frame = decodeFrame(reader.bytes());
  const [message] = frame.messages;
  if (message?.type !== "installSnapshot" || frame.messages.length > 1) {
    throw new MalformedError("a part carries one message, which installs it");
  }
  const cutId = reader.text();
  const sequence = reader.u53();
  const checksum = reader.u32();
  const done = reader.u8();
  if (done > 1) throw new MalformedError("a flag is 0 or 1");
  const page = { done: done === 1, bytes: reader.bytes() };
  reader.end();
  return { frame, part: { message, cutId, sequence, checksum, page } };
}

/** @param frame the receiver's, with the answer's messages */
export function encodePartAnswer(frame: Frame, { result, sequence, detail }: PartAnswer): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(512).u16(magic).u8(partVersion).bytes(encodeFrame(frame));
  return writer.u8(results.indexOf(result)).u53(sequence).text(detail).finish();
}

/** Throws as `decodePart` does. */
export function decodePartAnswer(bytes: Uint8Array): { readonly frame: Frame; readonly answer: PartAnswer } {
  const reader = begin(bytes);
  const frame = decodeFrame(reader.bytes());
  const result = results[reader.u8()];
  if (result === undefined) throw new MalformedError("unknown kind of answer");
  const answer = { result, sequence: reader.u53(), detail: reader.text(), messages: frame.messages };
  reader.end();
  return { frame, answer };
}

function begin(bytes: Uint8Array): ByteReader {
  const reader = new ByteReader(bytes);
  if (reader.u16() !== magic) throw new MalformedError("not a part of a snapshot");
  const version = reader.u8();
  if (version !== partVersion) {
    throw new FrameVersionError(`snapshot version ${version}; this node speaks version ${partVersion}`);
  }
  return reader;
}
