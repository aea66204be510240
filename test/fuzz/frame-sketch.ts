/** Frames that a peer might send to a node, near the truth or far from it. */

import * as fc from "fast-check";
import type { Frame } from "../../src/node/frame.ts";
import type { ConfigurationChange } from "../../src/raft/configuration-change.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import { encodeCommand } from "../../src/kv/command-codec.ts";
import { putOf } from "../../src/kv/operations.ts";

/** What is true of the node that a frame is for. */
export interface Truth {
  readonly groupId: string;
  readonly node: string;
  readonly storageId: string;
  readonly peerStorageIds: Readonly<Record<string, string>>;
  readonly term: number;
  readonly lastIndex: number;
  readonly lastTerm: number;
  readonly commitIndex: number;
}

/** A number as a distance from the true one, or as it is. */
type Near = { readonly off: number } | { readonly is: number };

export interface FrameSketch {
  readonly from: string;
  readonly to: string;
  readonly groupId: string | null;
  readonly storageId: string | null;
  readonly toStorageId: string | null;
  readonly incarnation: number;
  readonly messages: readonly MessageSketch[];
}

interface MessageSketch {
  readonly type: Message["type"];
  readonly term: Near;
  readonly index: Near;
  readonly logTerm: Near;
  readonly commit: Near;
  readonly round: number;
  readonly flags: readonly [boolean, boolean];
  readonly entries: readonly { readonly kind: Entry["kind"] | "garbage"; readonly term: Near }[];
  readonly odd: number;
}

const types: readonly Message["type"][] = [
  ...(["requestVote", "voteReply", "appendEntries", "appendEntries", "appendReply", "heartbeat"] as const),
  ...(["heartbeatReply", "installSnapshot", "readIndexRequest", "readIndexReply", "timeoutNow"] as const),
];
const huge = [0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 2, 2 ** 53 - 1];

function near(most: number): fc.Arbitrary<Near> {
  return fc.oneof(
    { weight: 12, arbitrary: fc.constant({ off: 0 }) },
    { weight: 6, arbitrary: fc.integer({ min: -most, max: most }).map((off) => ({ off })) },
    { weight: 1, arbitrary: fc.constantFrom(...huge).map((is) => ({ is })) },
  );
}

const message: fc.Arbitrary<MessageSketch> = fc.record({
  type: fc.constantFrom(...types),
  term: near(2),
  index: near(4),
  logTerm: near(2),
  commit: near(3),
  round: fc.constantFrom(0, 1, 2, 7, 2 ** 53 - 1),
  flags: fc.tuple(fc.boolean(), fc.boolean()),
  entries: fc.array(
    fc.record({ kind: fc.constantFrom("noop", "command", "command", "configuration", "garbage"), term: near(1) }),
    { maxLength: 3 },
  ),
  odd: fc.constantFrom(0, 1, 3, 1000, 2 ** 40, 2 ** 53 - 1),
});

const mostly = <Value>(value: Value, ...others: readonly Value[]): fc.Arbitrary<Value> =>
  fc.oneof({ weight: 20, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: fc.constantFrom(...others) });

/** Null stands for what is true. */
export const frameSketch: fc.Arbitrary<FrameSketch> = fc.record({
  from: mostly("n2", "n3", "n1", "n9", "", "ä\u0000"),
  to: mostly("n1", "n2", ""),
  groupId: mostly<string | null>(null, "", "f00d", "f00d.7", "f00d.NaN", "f00d.999999999999"),
  storageId: mostly<string | null>(null, "", "another"),
  toStorageId: mostly<string | null>(null, "", "another"),
  incarnation: fc.constantFrom(0, 1, 2, 2 ** 53 - 1),
  messages: fc.array(message, { maxLength: 4 }),
});

export function frameOf(sketch: FrameSketch, truth: Truth): Frame {
  const { from, to } = sketch;
  return {
    groupId: sketch.groupId ?? truth.groupId,
    from,
    to,
    storageId: sketch.storageId ?? truth.peerStorageIds[from] ?? "unknown",
    incarnation: sketch.incarnation,
    toStorageId: sketch.toStorageId ?? truth.storageId,
    messages: sketch.messages.map((one) => messageOf(one, { from, to }, truth)),
  };
}

function messageOf(sketch: MessageSketch, ends: { from: string; to: string }, truth: Truth): Message {
  const { type, round, odd } = sketch;
  const [first, second] = sketch.flags;
  const index = numberNear(truth.lastIndex, sketch.index);
  const logTerm = numberNear(truth.lastTerm, sketch.logTerm);
  const commit = numberNear(truth.commitIndex, sketch.commit);
  const envelope = { ...ends, term: numberNear(truth.term, sketch.term) };
  switch (type) {
    case "requestVote": {
      const log = { lastLogIndex: index, lastLogTerm: logTerm, commitIndex: commit, commitTerm: logTerm };
      return { type, ...envelope, preVote: first, transfer: second, ...log, question: odd };
    }
    case "voteReply": {
      return {
        type,
        ...envelope,
        preVote: first,
        granted: second,
        commitIndex: commit,
        commitTerm: logTerm,
        question: odd,
      };
    }
    case "appendEntries": {
      // There is no index behind the greatest number.
      const prevLogIndex = Math.min(index, 2 ** 53 - 8);
      const entries = sketch.entries.map((entry, at) => entryOf(entry, prevLogIndex + 1 + at, truth));
      return { type, ...envelope, prevLogIndex, prevLogTerm: logTerm, entries, commitIndex: commit, round };
    }
    case "appendReply":
      return { type, ...envelope, index, rejection: first ? { hintIndex: commit, hintTerm: logTerm } : null, round };
    case "heartbeat": {
      const times = { timeMs: odd, electionMinMs: second ? odd : 400, leaseMs: second ? odd : 0 };
      return { type, ...envelope, commitIndex: commit, round, ...times, quiesce: first };
    }
    case "heartbeatReply":
      return { type, ...envelope, round, quiesced: first };
    case "installSnapshot": {
      const configuration = simpleConfiguration(first ? ["n1", "n2", "n3"] : ["n2"]);
      return { type, ...envelope, snapshot: { index, term: logTerm, timeMs: odd, configuration }, round };
    }
    case "readIndexRequest":
      return { type, ...envelope, contexts: [odd, 1, odd] };
    case "readIndexReply":
      return { type, ...envelope, contexts: [odd, 0], index: commit };
    case "timeoutNow":
      return { type, ...envelope };
  }
}

export const plainCommand = encodeCommand({
  body: {
    kind: "txn",
    compares: [],
    success: [putOf({ key: Uint8Array.of(97), value: Uint8Array.of(49), contentType: "", lease: "0" })],
    failure: [],
  },
  idempotency: null,
});
const change: ConfigurationChange = { changes: [{ type: "addLearner", id: "n4" }], transition: "auto" };

function entryOf({ kind, term }: MessageSketch["entries"][number], index: number, truth: Truth): Entry {
  const body = { index, term: numberNear(truth.lastTerm, term), timeMs: 5000 + (index % 1000) };
  switch (kind) {
    case "noop":
      return { ...body, kind, data: new Uint8Array(0) };
    case "command":
      return { ...body, kind, data: plainCommand };
    case "garbage":
      return { ...body, kind: "command", data: Uint8Array.of(255, 254, index % 256) };
    case "configuration":
      return { ...body, kind, data: new Uint8Array(0), change };
  }
}

function numberNear(truth: number, value: Near): number {
  return Math.max(0, "is" in value ? value.is : truth + value.off);
}
