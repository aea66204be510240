/** Whatever way a watch's events are cut into messages and streams, its reader sees each once, in order. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Item, WatchEvent, WatchMessage } from "../../../src/kv/model.ts";
import { parsePoint, WatchCursor } from "../../../src/api/watch/watch-cursor.ts";
import type { SeenEvent } from "../../../src/api/watch/watch-cursor.ts";

/** The position of each event in the history is its value's first byte, so that a repetition or a loss shows. */
function history(sizes: readonly number[]): readonly (readonly WatchEvent[])[] {
  let next = 0;
  return sizes.map((size, at) => Array.from({ length: size }, () => eventOf(at + 2, next++)));
}

function eventOf(modRevision: number, position: number): WatchEvent {
  const item: Item = {
    key: Uint8Array.of(position),
    createRevision: modRevision,
    modRevision,
    version: 1,
    lease: "0",
    contentType: "",
    metadata: "",
    valueBytes: 0,
    value: new Uint8Array(0),
  };
  return { type: "put", item, previous: null };
}

/** Messages of whole revisions, or of pieces of one, as a node may send them from a revision on. */
function messagesFrom(
  revisions: readonly (readonly WatchEvent[])[],
  from: number,
  pieceSizes: readonly number[],
): WatchMessage[] {
  const rest = revisions.filter((events) => (events[0]?.item.modRevision ?? 0) >= from).flat();
  const messages: WatchMessage[] = [];
  for (let at = 0, round = 0; at < rest.length; round += 1) {
    const size = Math.max(1, pieceSizes[round % pieceSizes.length] ?? 1);
    const events = rest.slice(at, at + size);
    at += events.length;
    const revision = events.at(-1)?.item.modRevision ?? 0;
    messages.push({ type: "events", revision, events, fragment: rest[at]?.item.modRevision === revision });
  }
  return messages;
}

const positions = (events: readonly SeenEvent[]): number[] => events.map(({ item }) => item.key[0] ?? -1);
const arbitraryHistory = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 12 });
const arbitraryPieces = fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 });

describe("a cursor", () => {
  test("sees every event once, wherever streams break off", () => {
    const breaks = fc.array(fc.tuple(fc.nat(12), arbitraryPieces), { maxLength: 6 });
    fc.assert(
      fc.property(arbitraryHistory, breaks, arbitraryPieces, (sizes, streams, lastPieces) => {
        const revisions = history(sizes);
        const cursor = new WatchCursor({ revision: 1, events: 0 });
        const seen: SeenEvent[] = [];
        for (const [taken, pieces] of [...streams, [Number.POSITIVE_INFINITY, lastPieces] as const]) {
          const messages = messagesFrom(revisions, cursor.restart(), pieces);
          cursor.take({ type: "created", revision: 99 });
          for (const message of messages.slice(0, taken)) {
            const told = cursor.take(message);
            if (told?.type === "events") seen.push(...told.events);
          }
        }
        expect(positions(seen)).toEqual(revisions.flat().map((_, at) => at));
      }),
    );
  });

  test("goes on behind any event by its id alone", () => {
    fc.assert(
      fc.property(arbitraryHistory, arbitraryPieces, arbitraryPieces, fc.nat(), (sizes, pieces, others, chosen) => {
        const revisions = history(sizes);
        const all = readAll(new WatchCursor({ revision: 1, events: 0 }), revisions, pieces);
        const at = chosen % all.length;
        const point = parsePoint(all[at]?.id ?? "");
        expect(point).toBeDefined();
        const rest = point && readAll(new WatchCursor(point), revisions, others);
        expect(rest && positions(rest)).toEqual(positions(all.slice(at + 1)));
      }),
    );
  });

  function readAll(
    cursor: WatchCursor,
    revisions: readonly (readonly WatchEvent[])[],
    pieces: readonly number[],
  ): SeenEvent[] {
    return messagesFrom(revisions, cursor.restart(), pieces).flatMap((message) => {
      const told = cursor.take(message);
      return told?.type === "events" ? told.events : [];
    });
  }

  test("begins behind the present when it is not told where, and stays there", () => {
    const cursor = new WatchCursor({ revision: 0, events: 0 });
    expect(cursor.restart()).toBe(0);
    expect(cursor.take({ type: "created", revision: 7 })).toEqual({ type: "created", revision: 7 });
    expect(cursor.restart()).toBe(8);
    // Another node's opening is none of the reader's business, and its state may be another one.
    expect(cursor.take({ type: "created", revision: 9 })).toBeUndefined();
    expect(cursor.restart()).toBe(8);
  });

  test("moves with progress, and never back", () => {
    const cursor = new WatchCursor({ revision: 5, events: 0 });
    cursor.take({ type: "progress", revision: 20 });
    expect(cursor.restart()).toBe(21);
    cursor.take({ type: "progress", revision: 11 });
    expect(cursor.restart()).toBe(21);
  });
});

test.each(["", "x", "-1", "1.", ".1", "1.2.3", " 1", "1e3", "9".repeat(16)])("%j is no id", (text) => {
  expect(parsePoint(text)).toBeUndefined();
});
