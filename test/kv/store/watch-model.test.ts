/** Watches against the reference, over generated logs, slow readers, restarts and tiny limits. */

import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { WatchEvent, WatchMessage, WatchRequest } from "../../../src/kv/model.ts";
import { defaultWatchLimits } from "../../../src/kv/watch/watch-limits.ts";
import { log, span } from "./arbitraries.ts";
import { Expectations } from "./expectations.ts";
import { TestStore, tinyIndex } from "./harness.ts";
import { watchOf } from "./requests.ts";
import { Reader } from "./watching.ts";

const maxPendingBytes = 300;
const watchLimits = {
  ...defaultWatchLimits,
  maxPendingBytes,
  maxTotalPendingBytes: 900,
  maxFullMs: Number.POSITIVE_INFINITY,
  messageBytes: 150,
  maxWholeBytes: 400,
  windowRows: 3,
  watchRows: 9,
  watchBytes: 500,
  turnRows: 20,
  turnBytes: 900,
};

const request: fc.Arbitrary<WatchRequest> = fc
  .record({
    span: fc.oneof({ weight: 2, arbitrary: span }, { weight: 3, arbitrary: fc.constant(watchOf("", "\0")) }),
    startRevision: fc.oneof(fc.constant(0), fc.nat({ max: 20 })),
    withPrevious: fc.boolean(),
    noPut: fc.constantFrom(false, false, true),
    noDelete: fc.constantFrom(false, false, true),
    progressMs: fc.constantFrom(0, 1),
    fragment: fc.boolean(),
  })
  .map(({ span: { key, rangeEnd }, ...more }) => ({ ...watchOf("", null, more), key, rangeEnd }));

/** When a watch begins, and how fast its reader is. */
const watch = fc.record({
  request,
  beginsAt: fc.nat({ max: 12 }),
  takesAll: fc.boolean(),
  takenBytes: fc.nat({ max: 150 }),
});

interface Watched {
  readonly request: WatchRequest;
  readonly reader: Reader;
  /** The store's revision when it began. */
  readonly revision: number;
}

describe("watches", () => {
  test("tell of each event once and in order, whatever their readers, the node and the compaction do", () => {
    fc.assert(
      fc.property(log, fc.array(watch, { minLength: 1, maxLength: 6 }), (steps, watches) => {
        const expectations = new Expectations();
        const store = new TestStore({ ...expectations.limits, index: tinyIndex, watch: watchLimits });
        const watched: Watched[] = [];
        const batch: ReturnType<Expectations["next"]>[] = [];
        for (const [position, step] of steps.entries()) {
          batch.push(expectations.next(step));
          if (!step.newBatch) continue;
          store.apply(batch.splice(0));
          for (const { request: asked, beginsAt, takesAll } of watches) {
            if (beginsAt !== position) continue;
            const reader = new Reader(takesAll).begin(store.machine, asked);
            watched.push({ request: asked, reader, revision: expectations.reference.revision });
          }
          for (const [place, { reader }] of watched.entries()) {
            reader.take(watches[place % watches.length]!.takenBytes);
            reader.tick(position);
          }
          if (!step.restart) continue;
          store.restart();
          for (const { reader } of watched) reader.goOn(store.machine);
        }
        store.apply(batch);
        drain(watched);
        expect(watched.flatMap((one) => faultsOf(one, expectations))).toEqual([]);
      }),
      { numRuns: 120 },
    );
  }, 60_000);
});

/** All readers take all that there is. */
function drain(watched: readonly Watched[]): void {
  for (let look = 1000; look < 1100; look += 1) {
    for (const { reader } of watched) {
      reader.take();
      reader.tick(look);
    }
  }
}

/** What is wrong with what a reader was told. */
function faultsOf({ request: asked, reader, revision }: Watched, { reference }: Expectations): string[] {
  const end = reader.ended ? reader.last : null;
  const canceled = end?.type === "canceled" ? end : null;
  const isBegun = canceled === null || reader.messages.length > 1;
  const all = reference.events(asked, asked.startRevision === 0 ? revision + 1 : asked.startRevision);
  // A reader that is told to come again has all that comes before, as far as it was not forgotten.
  const due = canceled === null ? all : all.slice(0, reader.events.length);
  const opening: WatchMessage = { type: "created", revision };
  const facts: Record<string, boolean> = {
    opening: !isBegun || isDeepStrictEqual(reader.messages[0], opening),
    "opened twice": reader.messages
      .slice(1)
      .every((message) => typeof message !== "string" && message.type !== "created"),
    events: isDeepStrictEqual(reader.events, due),
    "ended otherwise than by the compaction": end === null || canceled?.reason === "compacted",
    "forgotten before it began": isBegun || asked.startRevision < (canceled?.compactRevision ?? 0),
    "where to go on": canceled === null || canceled.resumeRevision === canceled.compactRevision,
    "told what is to come": canceled === null || due.every(({ item }) => item.modRevision < canceled.resumeRevision),
    "parts of revisions": areWhole(reader, asked),
    "waiting without end": reader.mostPendingBytes < maxPendingBytes + 10 * watchLimits.maxWholeBytes,
  };
  return Object.keys(facts).filter((fact) => facts[fact] === false);
}

/** A revision's events are in one message, unless it is too large, or fragments are wanted. */
function areWhole(reader: Reader, { fragment }: WatchRequest): boolean {
  const closed = new Set<number>();
  return reader.messages.every((message) => {
    if (typeof message === "string" || message.type !== "events") return true;
    const revisions = message.events.map(({ item }) => item.modRevision);
    const isFresh = revisions.every((one) => !closed.has(one));
    for (const one of revisions) if (!message.fragment || one !== message.revision) closed.add(one);
    const mayBeFragment = fragment || sizeOf(message.events) >= watchLimits.maxWholeBytes;
    return isFresh && message.revision === revisions.at(-1) && (!message.fragment || mayBeFragment);
  });
}

function sizeOf(events: readonly WatchEvent[]): number {
  const items = events.flatMap(({ item, previous }) => (previous === null ? [item] : [item, previous]));
  return items.reduce((sum, { key, valueBytes }) => sum + 64 + key.length + valueBytes, 0);
}
