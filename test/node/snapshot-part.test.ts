/** Pages of snapshots and their answers as bytes: what goes in comes out, and whatever else arrives is refused. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError } from "../../src/bytes/reader.ts";
import { type Frame, FrameVersionError } from "../../src/node/frame.ts";
import {
  decodePart,
  decodePartAnswer,
  encodePart,
  encodePartAnswer,
  type PartAnswer,
  type SnapshotPart,
} from "../../src/node/snapshot-part.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { InstallSnapshot, Message } from "../../src/raft/message.ts";

const snapshot = { index: 7, term: 2, timeMs: 99, configuration: simpleConfiguration(["n1", "n2"], ["n3"]) };
const message: InstallSnapshot = { type: "installSnapshot", from: "n1", to: "n2", term: 3, round: 4, snapshot };
const reply: Message = { type: "appendReply", from: "n2", to: "n1", term: 3, round: 4, index: 7, rejection: null };

function frame(from: string, to: string, messages: readonly Message[]): Frame {
  return { groupId: "f00d", from, to, storageId: "beef", incarnation: 5, toStorageId: "", messages };
}

const whole = fc.nat();
const part: fc.Arbitrary<SnapshotPart> = fc.record({
  message: fc.constant(message),
  cutId: fc.string(),
  sequence: whole,
  checksum: whole,
  page: fc.record({ bytes: fc.uint8Array({ maxLength: 50 }), done: fc.boolean() }),
});
const answer: fc.Arbitrary<PartAnswer> = fc.record({
  result: fc.constantFrom("staged", "installed", "refused", "corrupt"),
  sequence: whole,
  detail: fc.string(),
  messages: fc.constantFrom<readonly Message[]>([], [reply]),
});

describe("a page", () => {
  const sent = frame("n1", "n2", [message]);

  test("comes out as it went in", () => {
    fc.assert(
      fc.property(part, (given) => {
        expect(decodePart(encodePart(sent, given))).toEqual({ frame: sent, part: given });
      }),
    );
  });

  test("is refused when it is cut short, goes on, or is anything else", () => {
    fc.assert(
      fc.property(part, fc.nat(), (given, length) => {
        const bytes = encodePart(sent, given);
        expect(() => decodePart(bytes.slice(0, length % bytes.length))).toThrow(MalformedError);
        expect(() => decodePart(new Uint8Array([...bytes, 0]))).toThrow(MalformedError);
      }),
    );
  });

  test("that is spoilt in any byte is refused or read, and never breaks the reader", () => {
    fc.assert(
      fc.property(part, fc.nat(), fc.integer({ min: 1, max: 255 }), (given, at, change) => {
        const bytes = encodePart(sent, given);
        bytes[at % bytes.length]! ^= change;
        expect(["read", "MalformedError", "FrameVersionError"]).toContain(endOf(() => decodePart(bytes)));
      }),
      { numRuns: 1000 },
    );
  });

  test("of another version is told apart from bytes that are none", () => {
    const bytes = encodePart(sent, fc.sample(part, 1)[0]!);
    bytes[2] = 9;
    expect(() => decodePart(bytes)).toThrow(FrameVersionError);
  });

  test.each([
    ["no message", []],
    ["another message", [reply]],
    ["two messages", [message, message]],
  ] as const)("carries one message, that of its snapshot, and not %s", (_, messages) => {
    const bytes = encodePart(frame("n1", "n2", messages), fc.sample(part, 1)[0]!);
    expect(() => decodePart(bytes)).toThrow(MalformedError);
  });
});

describe("an answer", () => {
  test("comes out as it went in", () => {
    fc.assert(
      fc.property(answer, (given) => {
        const sent = frame("n2", "n1", given.messages);
        expect(decodePartAnswer(encodePartAnswer(sent, given))).toEqual({ frame: sent, answer: given });
      }),
    );
  });

  test("is refused when it is cut short or goes on", () => {
    fc.assert(
      fc.property(answer, fc.nat(), (given, length) => {
        const bytes = encodePartAnswer(frame("n2", "n1", given.messages), given);
        expect(() => decodePartAnswer(bytes.slice(0, length % bytes.length))).toThrow(MalformedError);
        expect(() => decodePartAnswer(new Uint8Array([...bytes, 0]))).toThrow(MalformedError);
      }),
    );
  });
});

function endOf(read: () => unknown): string {
  try {
    read();
    return "read";
  } catch (error) {
    return error instanceof Error ? error.name : String(error);
  }
}
