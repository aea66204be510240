/** Generators of entries, messages and frames, limits included. */

import * as fc from "fast-check";
import type { ConfigurationChange } from "../../src/raft/configuration-change.ts";
import type { Configuration } from "../../src/raft/configuration.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { Message } from "../../src/raft/message.ts";
import type { Frame } from "../../src/node/frame.ts";

/** Whole numbers that the format can hold; those at which its two halves meet come often. */
export const whole = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(0, 1, 2 ** 32 - 1, 2 ** 32, 2 ** 32 + 1, Number.MAX_SAFE_INTEGER),
);

const names = fc.oneof(fc.constantFrom("n1", "n2", "", "ä😀\u0000\ufeff"), fc.string({ unit: "grapheme" }));

const change: fc.Arbitrary<ConfigurationChange> = fc.record({
  changes: fc.array(
    fc.record(
      {
        type: fc.constantFrom("addVoter" as const, "addLearner" as const, "addPromotable" as const, "remove" as const),
        id: names,
        attributes: names,
      },
      { requiredKeys: ["type", "id"] },
    ),
    { maxLength: 4 },
  ),
  transition: fc.constantFrom("auto" as const, "implicit" as const, "explicit" as const, "forced" as const),
});

const nameList = fc.array(names, { maxLength: 4 });

/** Any lists at all: whether they make sense is not the wire's business. */
const configuration: fc.Arbitrary<Configuration> = fc.record({
  voters: nameList,
  outgoing: nameList,
  learners: nameList,
  learnersNext: nameList,
  autoLeave: fc.boolean(),
  promoting: nameList,
  attributes: fc.dictionary(names, names, { maxKeys: 3, noNullPrototype: true }),
});

type EntryBody = Omit<Entry, "index">;

const body: fc.Arbitrary<EntryBody> = fc.oneof(
  fc.record({
    kind: fc.constant("noop" as const),
    term: whole,
    timeMs: whole,
    data: fc.constant(new Uint8Array(0)),
  }),
  fc.record({ kind: fc.constant("command" as const), term: whole, timeMs: whole, data: fc.uint8Array() }),
  fc.record({
    kind: fc.constant("configuration" as const),
    term: whole,
    timeMs: whole,
    data: fc.constant(new Uint8Array(0)),
    change,
  }),
);

/** Entries that follow `previousIndex`. */
function numbered(bodies: readonly EntryBody[], previousIndex: number): Entry[] {
  return bodies.map((entry, position) => ({ index: previousIndex + 1 + position, ...entry }));
}

const bodies = fc.array(body, { maxLength: 6 });
const previous = whole.map((index) => Math.min(index, Number.MAX_SAFE_INTEGER - 6));

/** Entries that follow one another, from anywhere in a log. */
export const consecutiveEntries = fc.tuple(bodies, previous).map(([list, index]) => numbered(list, index));

/** One message of any kind between two nodes. */
export function message(from: string, to: string): fc.Arbitrary<Message> {
  const envelope = { from: fc.constant(from), to: fc.constant(to), term: whole };
  const type = <Name extends Message["type"]>(name: Name): fc.Arbitrary<Name> => fc.constant(name);
  return fc.oneof(
    fc.record({
      type: type("requestVote"),
      question: whole,
      ...envelope,
      preVote: fc.boolean(),
      transfer: fc.boolean(),
      lastLogIndex: whole,
      lastLogTerm: whole,
      commitIndex: whole,
      commitTerm: whole,
    }),
    fc.record({
      type: type("voteReply"),
      question: whole,
      commitIndex: whole,
      commitTerm: whole,
      ...envelope,
      preVote: fc.boolean(),
      granted: fc.boolean(),
    }),
    fc
      .record({ type: type("appendEntries"), ...envelope, prevLogTerm: whole, commitIndex: whole, round: whole })
      .chain((append) =>
        fc.tuple(bodies, previous).map(([list, prevLogIndex]): Message => ({
          ...append,
          prevLogIndex,
          entries: numbered(list, prevLogIndex),
        })),
      ),
    fc.record({
      type: type("appendReply"),
      ...envelope,
      index: whole,
      rejection: fc.option(fc.record({ hintIndex: whole, hintTerm: whole }), { nil: null }),
      round: whole,
    }),
    fc.record({
      type: type("heartbeat"),
      ...envelope,
      commitIndex: whole,
      round: whole,
      timeMs: whole,
      electionMinMs: whole,
      leaseMs: whole,
      quiesce: fc.boolean(),
    }),
    fc.record({ type: type("heartbeatReply"), ...envelope, round: whole, quiesced: fc.boolean() }),
    fc.record({
      type: type("installSnapshot"),
      ...envelope,
      snapshot: fc.record({ index: whole, term: whole, timeMs: whole, configuration }),
      round: whole,
    }),
    fc.record({ type: type("readIndexRequest"), ...envelope, contexts: fc.array(whole) }),
    fc.record({ type: type("readIndexReply"), ...envelope, contexts: fc.array(whole), index: whole }),
    fc.record({ type: type("timeoutNow"), ...envelope }),
  );
}

export const frame: fc.Arbitrary<Frame> = fc.record({ from: names, to: names }).chain(({ from, to }) =>
  fc.record({
    groupId: names,
    from: fc.constant(from),
    to: fc.constant(to),
    storageId: names,
    incarnation: whole,
    toStorageId: names,
    messages: fc.array(message(from, to), { maxLength: 5 }),
  }),
);

/** Bytes with a few things done to them that a broken peer or line might do. */
export function damaged(bytes: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat({ max: Math.max(0, bytes.length - 1) });
  const flip = fc.tuple(at, fc.integer({ min: 0, max: 255 })).map(([position, value]) => bytes.with(position, value));
  const cut = at.map((length) => bytes.slice(0, length));
  const drop = fc
    .tuple(at, fc.integer({ min: 1, max: 9 }))
    .map(([position, length]) => Uint8Array.from([...bytes.slice(0, position), ...bytes.slice(position + length)]));
  const insert = fc
    .tuple(at, fc.uint8Array({ minLength: 1, maxLength: 9 }))
    .map(([position, more]) => Uint8Array.from([...bytes.slice(0, position), ...more, ...bytes.slice(position)]));
  // A length or a count of four bytes that claims far more than there is.
  const inflate = at.map((position) => {
    const inflated = bytes.slice();
    inflated.fill(0xff, position, position + 4);
    return inflated;
  });
  return fc.oneof(flip, cut, drop, insert, inflate);
}
