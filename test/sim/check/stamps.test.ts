/** The rule of cluster time, broken on purpose. */

import { expect, test } from "vitest";
import type { Entry } from "../../../src/raft/entry.ts";
import type { LogReader } from "../../../src/raft/log.ts";
import { RaftLog } from "../../../src/raft/log.ts";
import type { Raft } from "../../../src/raft/raft.ts";
import { Stamps } from "./stamps.ts";

/** A leader of term 1 that makes entries with these stamps, and the true time of each. */
function lead(stamps: Stamps, entries: readonly (readonly [timeMs: number, trueMs: number])[]): void {
  const nothing = { firstIndex: 1, lastIndex: 0, previousTerm: 0, previousTimeMs: 0, appliedIndex: 0 };
  const log = new RaftLog(nothing, {} as LogReader, Number.POSITIVE_INFINITY);
  for (const [position, [timeMs, trueMs]] of entries.entries()) {
    const entry: Entry = { index: position + 1, term: 1, kind: "noop", timeMs, data: new Uint8Array(0) };
    log.append([entry]);
    stamps.leads({ log, term: 1 } as Raft, trueMs);
  }
}

const first = [5_000_000, 100] as const;

test("no more time passes than true time", () => {
  lead(new Stamps(0), [first, [5_000_050, 150], [5_000_050, 1000]]);
  expect(() => lead(new Stamps(0), [first, [5_000_060, 150]])).toThrow("cluster time: entry 2 is stamped 60 ms after");
});

test("no more than the fastest clock can have measured", () => {
  lead(new Stamps(0.05), [first, [5_001_070, 1100]]);
  expect(() => lead(new Stamps(0.05), [first, [5_001_080, 1100]])).toThrow("cluster time");
});

test("it never goes back, even where clocks are set", () => {
  lead(new Stamps(null), [first, [6_000_000, 101]]);
  expect(() => lead(new Stamps(null), [first, [4_999_999, 200]])).toThrow("stamped 1 ms before");
});
