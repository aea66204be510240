/** What wrangler.toml may say of the timing and of the log, and what it is told when it says anything else. */

import { describe, expect, test } from "vitest";
import { readHistoryLimit, readLogLimits, readTiming } from "../src/env.ts";

const timing = { heartbeatMs: 50, electionMinMs: 150, electionMaxMs: 300 };

function read(more: object): object {
  return readTiming({ RAFT_PROFILE: "test", RAFT_TIMINGS: { test: { ...timing, ...more } } });
}

describe("a timing", () => {
  test("is the one that the profile names", () => {
    const RAFT_TIMINGS = { one: timing, other: { ...timing, heartbeatMs: 20 } };
    expect(readTiming({ RAFT_PROFILE: "other", RAFT_TIMINGS })).toEqual({ ...timing, heartbeatMs: 20 });
    expect(() => readTiming({ RAFT_PROFILE: "none", RAFT_TIMINGS })).toThrow('RAFT_PROFILE = "none"');
  });

  test("may be bounded, and may let the group rest", () => {
    expect(read({ electionLimitMs: 1000, idleAfterMs: 300 })).toEqual({
      ...timing,
      electionLimitMs: 1000,
      idleAfterMs: 300,
    });
  });

  test.each<[string, object, string]>([
    ["no heartbeat", { heartbeatMs: undefined }, "a timing needs heartbeatMs"],
    ["a heartbeat that is too slow", { heartbeatMs: 76 }, "2 * heartbeatMs <= electionMinMs"],
    ["a range that is none", { electionMaxMs: 150 }, "electionMinMs < electionMaxMs"],
    [
      "a limit below the least timeout",
      { electionLimitMs: 149 },
      "electionLimitMs must be a number of milliseconds, 150",
    ],
    ["a rest that comes before elections", { idleAfterMs: 299 }, "idleAfterMs must be a number of milliseconds, 300"],
  ])("with %s is refused", (_, more, message) => {
    expect(() => read(more)).toThrow(message);
  });
});

describe("lease reads", () => {
  test("are off unless the timing turns them on", () => {
    expect(read({})).toEqual(timing);
    expect(read({ leaseReads: false, maxClockDriftMs: 5 })).toEqual(timing);
    expect(read({ leaseReads: true, maxClockDriftMs: 5 })).toEqual({ ...timing, leaseReads: true, maxClockDriftMs: 5 });
  });

  test("trust clocks within a tenth of the election timeout unless another bound is given", () => {
    expect(read({ leaseReads: true })).toMatchObject({ leaseReads: true, maxClockDriftMs: 15 });
    expect(read({ leaseReads: true, maxClockDriftMs: 0 })).toMatchObject({ maxClockDriftMs: 0 });
  });

  test.each<[string, object, string]>([
    ["a word", { leaseReads: "yes" }, "a timing's leaseReads must be true or false"],
    ["a bound that is no number", { leaseReads: true, maxClockDriftMs: "5" }, "maxClockDriftMs must be a number"],
    ["a bound below 0", { leaseReads: true, maxClockDriftMs: -1 }, "0 at least and below 100"],
    ["a bound that leaves no lease", { leaseReads: true, maxClockDriftMs: 100 }, "electionMinMs less heartbeatMs"],
    ["a wrong bound, though they are off", { maxClockDriftMs: 150 }, "maxClockDriftMs must be a number"],
  ])("are refused with %s", (_, more, message) => {
    expect(() => read(more)).toThrow(message);
  });
});

describe("the limits of the log", () => {
  test("are the defaults where nothing is said", () => {
    expect(readLogLimits({})).toEqual({});
  });

  test("are those that are named", () => {
    const given = { keepEntries: 10, keepBytes: 20, maxEntries: 30, maxBytes: 40, maxPageBytes: 50, cutIdleMs: 60 };
    expect(readLogLimits({ RAFT_LOG: given })).toEqual(given);
    expect(readLogLimits({ RAFT_LOG: { maxBytes: 5 } })).toEqual({ maxBytes: 5 });
  });

  test.each([
    ["a text", "short", "RAFT_LOG must be a table"],
    ["a list", [], "RAFT_LOG must be a table"],
    ["an unknown name", { keep: 5 }, "RAFT_LOG.keep is none of keepEntries"],
    ["a text for a number", { keepEntries: "5" }, "RAFT_LOG.keepEntries must be a whole number"],
    ["zero", { maxBytes: 0 }, "RAFT_LOG.maxBytes must be a whole number of at least 1"],
    ["a fraction", { maxBytes: 1.5 }, "RAFT_LOG.maxBytes must be a whole number"],
  ])("are refused when they are %s", (_, given, message) => {
    expect(() => readLogLimits({ RAFT_LOG: given })).toThrow(message);
  });
});

describe("the limit of the history", () => {
  test("is by age or by number, and by nothing unless said", () => {
    expect(readHistoryLimit({})).toEqual({ kind: "forever" });
    expect(readHistoryLimit({ RAFT_HISTORY: {} })).toEqual({ kind: "forever" });
    expect(readHistoryLimit({ RAFT_HISTORY: { keepMs: 3_600_000 } })).toEqual({ kind: "age", ageMs: 3_600_000 });
    expect(readHistoryLimit({ RAFT_HISTORY: { keepRevisions: 10 } })).toEqual({ kind: "revisions", revisions: 10 });
  });

  test.each<[string, unknown, string]>([
    ["a number", 5, "RAFT_HISTORY must be a table"],
    ["both", { keepMs: 5, keepRevisions: 5 }, "RAFT_HISTORY takes keepRevisions or keepMs, not both"],
    ["an unknown name", { keep: 5 }, "RAFT_HISTORY.keep is none of keepRevisions, keepMs"],
    ["zero", { keepMs: 0 }, "RAFT_HISTORY.keepMs must be a whole number of at least 1"],
    ["a text", { keepRevisions: "5" }, "RAFT_HISTORY.keepRevisions must be a whole number"],
  ])("that is %s is refused", (_, given, message) => {
    expect(() => readHistoryLimit({ RAFT_HISTORY: given })).toThrow(message);
  });
});
