/** Commands that wait to be proposed together, and for how long they do. */

import type { Settle } from "./waiters.ts";

/** A command, and its caller who waits for the outcome. */
export interface Gathered {
  readonly command: Uint8Array;
  readonly proposedAtMs: number;
  readonly expiresAtMs: number;
  readonly settle: Settle;
}

/** While a batch is on its way to a majority the next one gathers, but no longer than this: the line may be long. */
const mostWaitMs = 5;

/**
 * Group commit. A client alone is served at once. Where there are several, those who have just been answered are about to
 * ask again: a batch that lets the events pass which wait already takes them along, and nobody is overtaken by who came
 * later. How many they are, the batch before shows.
 */
export class Gathering {
  private readonly schedule: (afterMs: number) => void;
  private waiting: Gathered[] = [];
  private bytes = 0;
  private callers = 0;
  private lastCallers = 0;
  /** The shortest wait that was asked for and is not over. */
  private scheduledMs = Number.POSITIVE_INFINITY;

  /** @param schedule asks for a call of `take` after so many milliseconds; after 0, behind all events that wait already */
  constructor(schedule: (afterMs: number) => void) {
    this.schedule = schedule;
  }

  add(gathered: Gathered): void {
    this.waiting.push(gathered);
    this.bytes += gathered.command.length;
  }

  /** All commands of a caller are there. */
  called(): void {
    if (this.waiting.length > 0) this.callers += 1;
  }

  /** Whether a command of so many bytes has to be turned away. One is always taken, whatever its size. */
  isFull(commandBytes: number, maxBytes: number): boolean {
    return this.waiting.length > 0 && this.bytes + commandBytes > maxBytes;
  }

  /** Whether what waits is to be proposed at once. */
  isDue(batchUnderWay: boolean): boolean {
    return this.waiting.length > 0 && this.callers <= 1 && this.lastCallers <= 1 && !batchUnderWay;
  }

  /** Sees to it that what waits is taken in time. */
  ensureTaken(batchUnderWay: boolean): void {
    const waitMs = batchUnderWay ? mostWaitMs : 0;
    if (this.waiting.length === 0 || this.scheduledMs <= waitMs) return;
    this.scheduledMs = waitMs;
    this.schedule(waitMs);
  }

  take(): readonly Gathered[] {
    this.scheduledMs = Number.POSITIVE_INFINITY;
    const taken = this.waiting;
    if (taken.length === 0) return [];
    this.waiting = [];
    this.bytes = 0;
    this.lastCallers = this.callers;
    this.callers = 0;
    return taken;
  }
}
