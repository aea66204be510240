/** How much of the log a node keeps, and which of its oldest entries it may forget next. */

import type { Entry } from "../raft/entry.ts";
import { entryBytes } from "../raft/entry.ts";
import type { Raft } from "../raft/raft.ts";
import type { NodeStorage } from "./storage.ts";

export interface LogLimits {
  /**
   * What is kept behind the slowest follower that is heard, or at a follower behind what it has applied: as many entries
   * as both allow. Who is no further behind than this catches up from the log, without a snapshot.
   */
  readonly keepEntries: number;
  readonly keepBytes: number;
  /** What is kept at most, however far followers are behind; more only for a snapshot that is being sent. */
  readonly maxEntries: number;
  readonly maxBytes: number;
}

const mebibyte = 1024 * 1024;

export const defaultLogLimits: LogLimits = {
  keepEntries: 10_000,
  keepBytes: 16 * mebibyte,
  maxEntries: 100_000,
  maxBytes: 64 * mebibyte,
};

/** What one turn forgets at most, so that no caller waits for it. */
const maxStepBatches = 64;
const maxStepBytes = 4 * mebibyte;
/** How often the log is looked at: each time that so large a part of what is kept was added. */
const looksPerLimit = 16;

export class Compaction {
  private readonly storage: NodeStorage;
  private readonly limits: LogLimits;
  private addedEntries = Number.POSITIVE_INFINITY;
  private addedBytes = 0;
  private ledTerm = 0;
  private ledSinceMs = 0;

  constructor(storage: NodeStorage, limits: LogLimits) {
    this.storage = storage;
    this.limits = limits;
  }

  /** Entries were added to the log. */
  saved(entries: readonly Entry[]): void {
    this.addedEntries += entries.length;
    for (const entry of entries) this.addedBytes += entryBytes(entry);
  }

  /**
   * The index up to which the log may be forgotten now; null when nothing is to be done.
   *
   * @param pinnedIndex entries behind this one are needed, whatever the limits say
   */
  next(raft: Raft, pinnedIndex: number, nowMs: number): number | null {
    this.followRole(raft, nowMs);
    const { keepEntries, keepBytes } = this.limits;
    if (this.addedEntries < keepEntries / looksPerLimit && this.addedBytes < keepBytes / looksPerLimit) return null;
    this.addedEntries = 0;
    this.addedBytes = 0;
    return this.look(raft, pinnedIndex, nowMs);
  }

  private look(raft: Raft, pinnedIndex: number, nowMs: number): number | null {
    const { keepEntries, keepBytes, maxEntries, maxBytes } = this.limits;
    const { appliedIndex } = raft.log;
    const slowest = Math.min(appliedIndex, this.slowestIndex(raft, nowMs));
    const [slowestBytes, appliedBytes] = [this.storage.bytesUpTo(slowest), this.storage.bytesUpTo(appliedIndex)];
    const batches = this.storage.oldestBatches(maxStepBatches);
    const goesBeyond = batches.findIndex(({ lastIndex, endBytes }) => {
      const kept = slowest - lastIndex < keepEntries && slowestBytes - endBytes < keepBytes;
      const affordable = appliedIndex - lastIndex < maxEntries && appliedBytes - endBytes < maxBytes;
      return lastIndex > Math.min(appliedIndex, pinnedIndex) || (kept && affordable);
    });
    const forgettable = goesBeyond < 0 ? batches : batches.slice(0, goesBeyond);
    const first = forgettable[0];
    if (first === undefined) return null;
    const tooMany = forgettable.findIndex(({ endBytes }) => endBytes - first.endBytes > maxStepBytes);
    const step = tooMany < 0 ? forgettable : forgettable.slice(0, tooMany);
    // The next turn goes on where this one stops.
    if (step.length === maxStepBatches || tooMany >= 0) this.addedEntries = Number.POSITIVE_INFINITY;
    return (step.at(-1) ?? first).lastIndex;
  }

  /** The last entry that all peers have that live and can still be served from the log. */
  private slowestIndex({ leadership, log, timing }: Raft, nowMs: number): number {
    if (leadership === null) return log.appliedIndex;
    // Who has not been heard since this node leads gets as much time to say where it is.
    const heardSinceMs = nowMs - timing.electionMaxMs;
    const live = [...leadership.peers.values()].filter(
      ({ lastContactMs, matchIndex }) =>
        (lastContactMs ?? this.ledSinceMs) >= heardSinceMs && matchIndex + 1 >= log.firstIndex,
    );
    return Math.min(log.appliedIndex, ...live.map(({ matchIndex }) => matchIndex));
  }

  private followRole({ role, term }: Raft, nowMs: number): void {
    if (role !== "leader" || term === this.ledTerm) return;
    this.ledTerm = term;
    this.ledSinceMs = nowMs;
  }
}
