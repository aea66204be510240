/** Cluster time as it looks from outside: from one entry of a log to the next, no more of it passes than true time has. */

import type { Entry } from "../../../src/raft/entry.ts";
import type { Raft } from "../../../src/raft/raft.ts";
import { demand } from "./violation.ts";

/** Stamps are whole milliseconds, of clocks that show whole milliseconds; whoever takes over the time may be wrong by one. */
const roundingMs = 2;
/** So often, at most, somebody takes it over. */
const handoversPerMs = 0.02;

export class Stamps {
  /** By how much the fastest clock is too fast; null where clocks are set, and prove nothing. */
  private readonly driftRate: number | null;
  /** When leaders made their entries, by term and index. */
  private readonly madeAtMs = new Map<string, number>();

  constructor(driftRate: number | null) {
    this.driftRate = driftRate;
  }

  /** A leader has acted, at this true time. */
  leads({ log, term }: Raft, trueMs: number): void {
    let first = log.lastIndex + 1;
    while (first > log.firstIndex && log.term(first - 1) === term && !this.madeAtMs.has(name(term, first - 1))) {
      first -= 1;
    }
    if (first > log.lastIndex) return;
    const previous = { index: first - 1, term: log.term(first - 1) ?? 0, timeMs: log.timeMs(first - 1) };
    let before: Pick<Entry, "index" | "term" | "timeMs"> = previous;
    for (const entry of log.read(first, log.lastIndex, Number.POSITIVE_INFINITY)) {
      this.made(entry, before, trueMs);
      before = entry;
    }
  }

  private made(entry: Entry, before: Pick<Entry, "index" | "term" | "timeMs">, trueMs: number): void {
    this.madeAtMs.set(name(entry.term, entry.index), trueMs);
    const passedMs = entry.timeMs - before.timeMs;
    demand(
      passedMs >= 0,
      "cluster time",
      () => `entry ${entry.index} is stamped ${-passedMs} ms before the one before`,
    );
    // Of the beginning of the log nothing is known, nor of what a node was given before it started.
    const trueBeforeMs = this.madeAtMs.get(name(before.term, before.index));
    if (trueBeforeMs === undefined || this.driftRate === null) return;
    const mostMs = (trueMs - trueBeforeMs) * (1 + this.driftRate + handoversPerMs) + roundingMs;
    demand(
      passedMs <= mostMs,
      "cluster time",
      () => `entry ${entry.index} is stamped ${passedMs} ms after the one before, in ${trueMs - trueBeforeMs} ms`,
    );
  }
}

function name(term: number, index: number): string {
  return `${term}.${index}`;
}
