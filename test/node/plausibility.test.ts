/** What a node does not believe, whoever says it: numbers that it would keep for ever. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { maxElectionMs } from "../../src/env.ts";
import { implausible, maxTermLead, maxTimeMs } from "../../src/node/plausibility.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { AppendEntries, Heartbeat } from "../../src/raft/message.ts";

const ends = { from: "n2", to: "n1" };
const heartbeat: Heartbeat = {
  type: "heartbeat",
  ...ends,
  term: 5,
  commitIndex: 3,
  round: 1,
  timeMs: 1000,
  electionMinMs: 150,
  leaseMs: 0,
  quiesce: false,
};

function appendOf(terms: readonly number[], prevLogTerm: number, term: number, timeMs = 1): AppendEntries {
  const entries = terms.map((one, at): Entry => ({
    index: at + 8,
    term: one,
    kind: "noop",
    timeMs,
    data: new Uint8Array(0),
  }));
  return { type: "appendEntries", ...ends, term, prevLogIndex: 7, prevLogTerm, entries, commitIndex: 7, round: 1 };
}

test("a lease ends within the longest election timeout that there can be", () => {
  expect(implausible({ ...heartbeat, leaseMs: maxElectionMs }, 5)).toBeNull();
  expect(implausible({ ...heartbeat, leaseMs: maxElectionMs + 1 }, 5)).toContain("a promise");
});

describe("a term", () => {
  test("may be ahead by as many elections as there can be, and no further", () => {
    expect(implausible({ ...heartbeat, term: 2 + maxTermLead }, 2)).toBeNull();
    expect(implausible({ ...heartbeat, term: 3 + maxTermLead }, 2)).toBe("a term that no group comes to");
    expect(implausible({ type: "timeoutNow", ...ends, term: 2 ** 53 - 1 }, 2)).toBe("a term that no group comes to");
  });

  test("of an earlier time is nothing unusual", () => {
    expect(implausible({ ...heartbeat, term: 0 }, 2 ** 40)).toBeNull();
  });
});

describe("the entries of an append", () => {
  test("as any leader has them are believed", () => {
    const rising = fc
      .array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 })
      .map((terms) => terms.toSorted((a, b) => a - b));
    fc.assert(
      fc.property(rising, fc.nat(5), (terms, ahead) => {
        const term = (terms.at(-1) ?? 1) + ahead;
        expect(implausible(appendOf(terms, terms[0] ?? 1, term), term)).toBeNull();
      }),
    );
  });

  test.each([
    ["terms that fall", appendOf([3, 2], 1, 5), "entries whose terms fall"],
    ["a term below the one before them", appendOf([1], 2, 5), "entries whose terms fall"],
    ["a later term than the leader's", appendOf([6], 1, 5), "entries of a later term than their leader's"],
    ["none, after one of a later term", appendOf([], 6, 5), "entries of a later term than their leader's"],
    ["a time at the end of all numbers", appendOf([5], 1, 5, maxTimeMs + 1), "a time that never comes"],
  ])("with %s are not", (_, append, mistake) => {
    expect(implausible(append, 5)).toBe(mistake);
  });
});

test("a time is believed as long as there are numbers behind it", () => {
  expect(implausible({ ...heartbeat, timeMs: maxTimeMs }, 5)).toBeNull();
  expect(implausible({ ...heartbeat, timeMs: maxTimeMs + 1 }, 5)).toBe("a time that never comes");
});

test("a candidate has no entry of a later term than its own", () => {
  const asked = { type: "requestVote", ...ends, term: 5, preVote: false, transfer: false, question: 1 } as const;
  const log = { lastLogIndex: 9, commitIndex: 7, commitTerm: 4 };
  expect(implausible({ ...asked, ...log, lastLogTerm: 5 }, 5)).toBeNull();
  expect(implausible({ ...asked, ...log, lastLogTerm: 6 }, 5)).toBe("a log of a later term than its owner's");
});
