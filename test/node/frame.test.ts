/** Frames between nodes: they survive the wire, keep their form, and refuse whatever else comes over it. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MalformedError } from "../../src/bytes/reader.ts";
import { decodeFrame, encodeFrame, type Frame, FrameVersionError, frameVersion } from "../../src/node/frame.ts";
import type { Message } from "../../src/raft/message.ts";
import { damaged, frame } from "./arbitraries.ts";
import { fromHex, joined, toHex } from "./hex.ts";

function frameOf(...messages: readonly Message[]): Frame {
  return { groupId: "g", from: "a", to: "b", storageId: "s", incarnation: 7, toStorageId: "t", messages };
}

const envelope = { from: "a", to: "b", term: 5 } as const;
const empty = encodeFrame(frameOf());

/** What the decoder makes of any bytes: a frame or a refusal; any other end is the test's failure. */
function tryDecode(bytes: Uint8Array): Frame | "malformed" | "version" {
  try {
    return decodeFrame(bytes);
  } catch (error) {
    if (error instanceof MalformedError) return "malformed";
    if (error instanceof FrameVersionError) return "version";
    throw error;
  }
}

describe("a frame", () => {
  test("comes back as it was, whatever it carries", () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(frame, (sent) => {
        for (const { type } of sent.messages) kinds.add(type);
        expect(decodeFrame(encodeFrame(sent))).toEqual(sent);
      }),
      { numRuns: 1000 },
    );
    expect([...kinds].sort()).toEqual(Object.keys(goldenBodies).sort());
  });

  test("comes back as it was with an entry of 1 MiB", () => {
    const data = new Uint8Array(1024 * 1024).map((_, position) => position % 249);
    const entries = [{ index: 1, term: 5, kind: "command", timeMs: 3, data }] as const;
    const append: Message = {
      type: "appendEntries",
      ...envelope,
      prevLogIndex: 0,
      prevLogTerm: 0,
      entries,
      commitIndex: 0,
      round: 1,
    };
    const [received] = decodeFrame(encodeFrame(frameOf(append))).messages;
    expect(isDeepStrictEqual(received, append)).toBe(true);
  });

  test("can be read out of a longer buffer", () => {
    const sent = frameOf({
      type: "heartbeat",
      timeMs: 500,
      electionMinMs: 150,
      leaseMs: 0,
      quiesce: false,
      ...envelope,
      commitIndex: 9,
      round: 2,
    });
    const bytes = encodeFrame(sent);
    const longer = new Uint8Array(bytes.length + 20).fill(0xee);
    longer.set(bytes, 13);
    expect(decodeFrame(longer.subarray(13, 13 + bytes.length))).toEqual(sent);
  });
});

/** One message of each kind with its bytes after the kind's number and the term. */
const goldenBodies: Readonly<Record<Message["type"], { readonly message: Message; readonly hex: string }>> = {
  requestVote: {
    message: {
      type: "requestVote",
      question: 6,
      ...envelope,
      preVote: true,
      transfer: false,
      lastLogIndex: 2 ** 53 - 1,
      lastLogTerm: 4,
      commitIndex: 8,
      commitTerm: 3,
    },
    hex: [
      "01 0000000000000005 01 00 001fffffffffffff 0000000000000004",
      "0000000000000008 0000000000000003 0000000000000006",
    ].join(" "),
  },
  voteReply: {
    message: {
      type: "voteReply",
      question: 6,
      ...envelope,
      preVote: false,
      granted: true,
      commitIndex: 8,
      commitTerm: 3,
    },
    hex: "02 0000000000000005 00 01 0000000000000008 0000000000000003 0000000000000006",
  },
  appendEntries: {
    message: {
      type: "appendEntries",
      ...envelope,
      prevLogIndex: 16,
      prevLogTerm: 4,
      commitIndex: 15,
      round: 9,
      entries: [
        { index: 17, term: 5, kind: "noop", timeMs: 1, data: new Uint8Array(0) },
        { index: 18, term: 5, kind: "command", timeMs: 2, data: Uint8Array.of(0xff) },
      ],
    },
    hex: [
      "03 0000000000000005 0000000000000010 0000000000000004 000000000000000f 0000000000000009",
      "0000000000000011 00000002",
      "00 0000000000000005 0000000000000001 00000000",
      "01 0000000000000005 0000000000000002 00000001 ff",
    ].join(" "),
  },
  appendReply: {
    message: { type: "appendReply", ...envelope, index: 18, round: 9, rejection: { hintIndex: 12, hintTerm: 3 } },
    hex: "04 0000000000000005 0000000000000012 0000000000000009 01 000000000000000c 0000000000000003",
  },
  heartbeat: {
    message: {
      type: "heartbeat",
      timeMs: 500,
      electionMinMs: 150,
      leaseMs: 0,
      quiesce: false,
      ...envelope,
      commitIndex: 18,
      round: 10,
    },
    hex: "05 0000000000000005 0000000000000012 000000000000000a 00000000000001f4 0000000000000096 0000000000000000 00",
  },
  heartbeatReply: {
    message: { type: "heartbeatReply", quiesced: false, ...envelope, round: 10 },
    hex: "06 0000000000000005 000000000000000a 00",
  },
  installSnapshot: {
    message: {
      type: "installSnapshot",
      ...envelope,
      snapshot: {
        index: 900,
        term: 4,
        timeMs: 1000,
        configuration: {
          voters: ["a", "b"],
          outgoing: ["a"],
          learners: [],
          learnersNext: ["c"],
          autoLeave: true,
          promoting: ["d"],
          attributes: { c: "e" },
        },
      },
      round: 10,
    },
    hex: [
      "07 0000000000000005 000000000000000a 0000000000000384 0000000000000004 00000000000003e8",
      "0002 00000001 61 00000001 62 0001 00000001 61 0000 0001 00000001 63",
      "0001 00000001 64 01 0001 00000001 63 00000001 65",
    ].join(" "),
  },
  readIndexRequest: {
    message: { type: "readIndexRequest", ...envelope, contexts: [7, 8] },
    hex: "08 0000000000000005 00000002 0000000000000007 0000000000000008",
  },
  readIndexReply: {
    message: { type: "readIndexReply", ...envelope, contexts: [7], index: 18 },
    hex: "09 0000000000000005 0000000000000012 00000001 0000000000000007",
  },
  timeoutNow: { message: { type: "timeoutNow", ...envelope }, hex: "0a 0000000000000005" },
};

describe("the form of a frame, on which nodes with older and newer code rely", () => {
  /** Magic and version, the identity of the group and the sender, the incarnation, the receiver's storage. */
  const head = "d12a 01 00000001 67 00000001 61 00000001 62 00000001 73 0000000000000007 00000001 74";

  test.each(Object.values(goldenBodies))("is what it was for $message.type", ({ message, hex }) => {
    const expected = `${head} 00000001 ${hex}`;
    expect(toHex(encodeFrame(frameOf(message)))).toBe(joined(expected));
    expect(decodeFrame(fromHex(expected))).toEqual(frameOf(message));
  });

  test("is what it was for an accepted append", () => {
    const accepted: Message = { type: "appendReply", ...envelope, index: 18, round: 9, rejection: null };
    const expected = `${head} 00000001 04 0000000000000005 0000000000000012 0000000000000009 00`;
    expect(toHex(encodeFrame(frameOf(accepted)))).toBe(joined(expected));
  });
});

describe("what is not a frame", () => {
  /** Counts how the decoding of such bytes ends. */
  function count(inputs: fc.Arbitrary<Uint8Array>, numRuns: number): Record<"malformed" | "version" | "frame", number> {
    const ends = { malformed: 0, version: 0, frame: 0 };
    fc.assert(
      fc.property(inputs, (bytes) => {
        const result = tryDecode(bytes);
        ends[typeof result === "string" ? result : "frame"] += 1;
        // Damage may hit a number and leave a frame; then it is one that could have been sent.
        return typeof result === "string" || isDeepStrictEqual(decodeFrame(encodeFrame(result)), result);
      }),
      { numRuns },
    );
    return ends;
  }

  test("is refused, and in no other way, when bytes were damaged on their way", () => {
    const ends = count(
      frame.chain((sent) => damaged(encodeFrame(sent))),
      4000,
    );
    expect(ends.malformed).toBeGreaterThan(1000);
    expect(ends.version).toBeGreaterThan(0);
  });

  test("is refused, and in no other way, when it is noise after a right beginning", () => {
    const beginnings = [new Uint8Array(0), empty.subarray(0, 3), empty.subarray(0, -4)];
    const noise = fc.tuple(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 120 }));
    const ends = count(
      noise.map(([beginning, bytes]) => Uint8Array.from([...beginning, ...bytes])),
      4000,
    );
    expect(ends.malformed).toBeGreaterThan(3000);
  });

  test("is refused wherever a frame ends too early, or goes on after its end", () => {
    for (const { message } of Object.values(goldenBodies)) {
      const bytes = encodeFrame(frameOf(message, message));
      for (let length = 0; length < bytes.length; length += 1) {
        expect(tryDecode(bytes.subarray(0, length))).toBe("malformed");
      }
      expect(tryDecode(Uint8Array.from([...bytes, 0]))).toBe("malformed");
    }
  });

  test("takes no memory for what a count or a length claims", () => {
    const start = toHex(empty.subarray(0, -4));
    const append = `03 ${"0000000000000001".repeat(5)} 0000000000000002`;
    const claims = [
      "d12a01 ffffffff",
      `${start} ffffffff`,
      `${start} 00000001 ${append} ffffffff`,
      `${start} 00000001 08 0000000000000001 ffffffff`,
    ];
    const before = process.memoryUsage().arrayBuffers;
    for (const claim of claims) expect(tryDecode(fromHex(claim))).toBe("malformed");
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
  });

  test("is refused by its first two bytes", () => {
    expect(() => decodeFrame(empty.with(0, 0x7b))).toThrow(new MalformedError("not a frame"));
  });

  test.each([0, frameVersion + 1, 255])("is told its version when that is %i, whatever follows", (version) => {
    const refused = new FrameVersionError(`frame version ${version}; this node speaks version 1`);
    expect(() => decodeFrame(empty.with(2, version))).toThrow(refused);
    expect(() => decodeFrame(Uint8Array.of(0xd1, 0x2a, version, 0xff))).toThrow(refused);
  });

  test.each([
    ["a flag of 2", "02 0000000000000005 02 00"],
    ["an unknown kind of message", "ff 0000000000000005"],
    [
      "an unknown kind of change",
      `03 ${"0000000000000005".repeat(5)} 0000000000000006 00000001 02 ${"0000000000000001".repeat(2)} ff 0000`,
    ],
    ["more reads than bytes", "08 0000000000000005 ffffffff 0000000000000007"],
    ["the kind 0", "00 0000000000000005"],
    ["a term of 2^53", "06 0020000000000000 0000000000000001"],
    [
      "entries that leave a hole after prevLogIndex",
      `03 ${"0000000000000005".repeat(5)} 0000000000000007 00000001 00 ${"0000000000000001".repeat(2)} 00000000`,
    ],
  ])("is refused with %s", (_, hex) => {
    expect(tryDecode(fromHex(`${toHex(empty.subarray(0, -4))} 00000001 ${hex}`))).toBe("malformed");
  });

  test("is refused with text that is not UTF-8", () => {
    expect(tryDecode(empty.with(7, 0xff))).toBe("malformed");
  });
});
