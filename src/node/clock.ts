/** A node's clock: wall time that never goes back. */

/**
 * The wall clock, in milliseconds since the epoch. When the system sets it back, this one goes on from where it was, ahead
 * of the system's by that much: timers neither stop nor jump. On Cloudflare `Date.now()` moves with I/O only, so all
 * calls within one event see the time at which the event arrived (Workers docs, "Performance and timers").
 */
export class MonotonicClock {
  private readonly read: () => number;
  private lastReadMs: number;
  private aheadMs = 0;

  constructor(read: () => number = Date.now) {
    this.read = read;
    this.lastReadMs = read();
  }

  nowMs(): number {
    const readMs = this.read();
    if (readMs < this.lastReadMs) this.aheadMs += this.lastReadMs - readMs;
    this.lastReadMs = readMs;
    return readMs + this.aheadMs;
  }

  /** The system's time at the moment that this clock calls `timeMs`. */
  toSystemMs(timeMs: number): number {
    return timeMs - this.aheadMs;
  }
}
