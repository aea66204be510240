/** What a leader knows of a peer, under answers that come late, twice, out of order or never. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { entryBytes } from "../../src/raft/entry.ts";
import { Progress } from "../../src/raft/progress.ts";
import { entry } from "./build.ts";

const oneEntryBytes = entryBytes(entry(1, 1));
const limits = { maxInflightMessages: 3, maxInflightBytes: 1_000_000 };

/** A peer that is known to have everything up to `matchIndex`. */
function replicating(matchIndex: number, own = limits): Progress {
  const progress = new Progress(matchIndex + 1, own);
  progress.accepted(matchIndex, 1);
  return progress;
}

function send(progress: Progress, count = 1): void {
  const first = progress.nextIndex;
  progress.sent(
    Array.from({ length: count }, (_, position) => entry(first + position, 1)),
    0,
  );
}

describe("probing", () => {
  test("waits for an answer after one message, and does not move on by itself", () => {
    const progress = new Progress(10, limits);
    send(progress, 5);
    expect(progress).toMatchObject({ state: "probe", paused: true, nextIndex: 10 });
  });

  test("an accepted probe replicates from there on", () => {
    const progress = new Progress(10, limits);
    send(progress, 5);
    progress.accepted(14, 1);
    expect(progress).toMatchObject({ state: "replicate", paused: false, matchIndex: 14, nextIndex: 15 });
  });

  test("a rejected probe goes back to where the logs may meet, at least by one and never below the match", () => {
    const at = (hintIndex: number): number => {
      const progress = new Progress(10, limits);
      send(progress);
      expect(progress.rejected(9, hintIndex)).toBe(true);
      expect(progress).toMatchObject({ paused: false, nudge: true });
      return progress.nextIndex;
    };
    expect([4, 0, 8, 9, 99].map(at)).toEqual([5, 1, 9, 9, 9]);
    const matched = replicating(6);
    send(matched, 3);
    matched.becomeProbe();
    matched.rejected(6, 2);
    expect(matched.nextIndex).toBe(7);
  });

  test("hazard-14: a rejection of an earlier probe is no news", () => {
    const progress = new Progress(10, limits);
    send(progress);
    progress.rejected(9, 4);
    send(progress);
    expect(progress.rejected(9, 2)).toBe(false);
    expect(progress).toMatchObject({ paused: true, nextIndex: 5 });
  });
});

describe("replicating", () => {
  test("sends ahead until as many messages as allowed wait for their answer", () => {
    const progress = replicating(5);
    for (const nextIndex of [7, 8, 9]) {
      expect(progress.windowFull).toBe(false);
      send(progress);
      expect(progress.nextIndex).toBe(nextIndex);
    }
    expect(progress).toMatchObject({ windowFull: true, paused: true });
    progress.accepted(6, 1);
    expect(progress).toMatchObject({ windowFull: false, paused: false, nextIndex: 9 });
  });

  test("sends ahead until as many bytes as allowed wait for their answer", () => {
    const progress = replicating(5, { ...limits, maxInflightBytes: 3 * oneEntryBytes });
    send(progress, 2);
    expect(progress.windowFull).toBe(false);
    send(progress, 2);
    expect(progress.windowFull).toBe(true);
    progress.accepted(6, 1);
    expect(progress.windowFull).toBe(true);
    progress.accepted(7, 1);
    expect(progress.windowFull).toBe(false);
  });

  test("one answer frees the places of all messages before it, so that lost answers cost nothing", () => {
    const progress = replicating(5);
    for (let count = 0; count < 3; count += 1) send(progress, 2);
    progress.accepted(11, 1);
    for (let count = 0; count < 3; count += 1) {
      expect(progress.windowFull).toBe(false);
      send(progress);
    }
  });

  test("a peer that turns out to have more than was sent gets what follows that", () => {
    const progress = replicating(5);
    send(progress);
    progress.accepted(20, 1);
    expect(progress).toMatchObject({ matchIndex: 20, nextIndex: 21, windowFull: false });
  });

  test("a rejection of something sent ahead starts over from the match", () => {
    const progress = replicating(5);
    send(progress, 3);
    send(progress, 3);
    expect(progress.rejected(8, 5)).toBe(true);
    expect(progress).toMatchObject({ state: "probe", nextIndex: 6, paused: false, nudge: true, windowFull: false });
  });

  test("hazard-14: a rejection of what is known by now is no news", () => {
    const progress = replicating(5);
    send(progress, 3);
    progress.accepted(8, 1);
    expect(progress.rejected(8, 2)).toBe(false);
    expect(progress.rejected(3, 2)).toBe(false);
    expect(progress).toMatchObject({ state: "replicate", matchIndex: 8, nextIndex: 9 });
  });
});

describe("an answer to a heartbeat of the timer", () => {
  test("makes a probe be repeated, which may have been lost", () => {
    const progress = new Progress(10, limits);
    send(progress);
    progress.heartbeatSent = true;
    progress.heartbeatAnswered(9);
    expect(progress).toMatchObject({ paused: false, nudge: true });
  });

  test("makes a full window be looked at, which may have been lost", () => {
    const progress = replicating(5);
    for (let count = 0; count < 3; count += 1) send(progress);
    progress.heartbeatSent = true;
    progress.heartbeatAnswered(8);
    expect(progress).toMatchObject({ paused: false, nudge: true, windowFull: true });
  });

  test("asks nothing of a peer that has everything, and counts once", () => {
    const progress = replicating(5);
    progress.heartbeatSent = true;
    progress.heartbeatAnswered(5);
    expect(progress.nudge).toBe(false);
    send(progress);
    progress.heartbeatAnswered(6);
    expect(progress.nudge).toBe(false);
  });
});

test("the newest round answered never falls", () => {
  const progress = new Progress(1, limits);
  for (const round of [3, 1, 5, 2]) progress.contacted(round, 10 * round);
  expect(progress.ackedRound).toBe(5);
  expect(progress.recentlyActive).toBe(true);
});

/** A peer whose answers a test may give in any order, as often as it likes. */
class Peer {
  readonly progress: Progress;
  private readonly sent: { readonly prev: number; readonly last: number }[] = [];
  /** Appends with entries that were sent ahead, each with the index of its last entry. */
  private ahead: number[] = [];

  constructor(nextIndex: number) {
    this.progress = new Progress(nextIndex, { maxInflightMessages: 3, maxInflightBytes: 4 * oneEntryBytes });
  }

  /** How many appends with entries wait for their answer. */
  get unanswered(): number {
    const { state, matchIndex } = this.progress;
    if (state === "probe") this.ahead = [];
    this.ahead = this.ahead.filter((last) => last > matchIndex);
    return this.ahead.length;
  }

  sends(count: number): void {
    if (this.progress.paused || this.progress.windowFull) return;
    const prev = this.progress.nextIndex - 1;
    this.sent.push({ prev, last: prev + count });
    send(this.progress, count);
    if (count > 0) this.ahead.push(prev + count);
  }

  accepts(age: number): void {
    const answered = this.sent.at(-1 - age);
    if (answered !== undefined) this.progress.accepted(answered.last, 1);
  }

  rejects(age: number, hintIndex: number): void {
    const answered = this.sent.at(-1 - age);
    if (answered !== undefined) this.progress.rejected(answered.prev, Math.min(hintIndex, answered.prev));
  }

  answersHeartbeat(): void {
    this.progress.heartbeatSent = true;
    this.progress.heartbeatAnswered(40);
  }
}

test("hazard-14: whatever comes back in whatever order, the match never falls and the window holds", () => {
  const event = fc.oneof(
    fc.nat(3).map((count) => (peer: Peer) => peer.sends(count)),
    fc.nat(10).map((age) => (peer: Peer) => peer.accepts(age)),
    fc.tuple(fc.nat(10), fc.nat(30)).map(
      ([age, hint]) =>
        (peer: Peer) =>
          peer.rejects(age, hint),
    ),
    fc.constant((peer: Peer) => peer.answersHeartbeat()),
    fc.constant((peer: Peer) => peer.progress.becomeProbe()),
  );
  fc.assert(
    fc.property(fc.array(event, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (events, nextIndex) => {
      const peer = new Peer(nextIndex);
      const { progress } = peer;
      for (const happens of events) {
        const { matchIndex } = progress;
        happens(peer);
        expect(progress.matchIndex).toBeGreaterThanOrEqual(matchIndex);
        expect(progress.nextIndex).toBeGreaterThan(progress.matchIndex);
        expect(progress.windowFull && peer.unanswered === 0, "a window is full of nothing").toBe(false);
        expect(peer.unanswered, "more is on its way than the window holds").toBeLessThanOrEqual(3);
      }
      peer.answersHeartbeat();
      expect(progress.paused, "nothing is sent any more").toBe(false);
    }),
    { numRuns: 300 },
  );
});
