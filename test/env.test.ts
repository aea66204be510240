/** What wrangler.toml may say of the log, and what it is told when it says anything else. */

import { describe, expect, test } from "vitest";
import { readLogLimits } from "../src/env.ts";

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
