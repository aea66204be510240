/** Simulated time: events happen one after the other, each with all its consequences, and nothing else moves the clock. */

import { EventQueue } from "./event-queue.ts";
import type { Trace } from "./trace.ts";

export class World {
  /** The true time, which no node knows; milliseconds since the run began. */
  nowMs = 0;
  events = 0;
  readonly trace: Trace | null;
  /** How often each kind of fault has happened. */
  readonly faults = new Map<string, number>();
  private readonly queue = new EventQueue();
  private promised = false;
  private failure: { readonly error: unknown } | null = null;

  constructor(trace: Trace | null) {
    this.trace = trace;
  }

  at(atMs: number, run: () => void): void {
    this.queue.add(Math.max(atMs, this.nowMs), run);
  }

  after(delayMs: number, run: () => void): void {
    this.queue.add(this.nowMs + delayMs, run);
  }

  /** Tells that this event has used promises, so that what waits for them has to happen before the next event. */
  expectPromises(): void {
    this.promised = true;
  }

  /** Ends the run: something happened that must never happen. */
  fail(error: unknown): void {
    this.failure ??= { error };
  }

  count(fault: string): void {
    this.faults.set(fault, (this.faults.get(fault) ?? 0) + 1);
  }

  note(who: string, what: string): void {
    this.trace?.note(this.nowMs, who, what);
  }

  /** Lets time pass until the given moment, or until `done` holds after some event. Answers whether it holds. */
  async run(untilMs: number, done: () => boolean = () => false): Promise<boolean> {
    while (!done()) {
      if (this.queue.nextMs > untilMs) {
        this.nowMs = untilMs;
        return done();
      }
      const event = this.queue.take();
      if (event === undefined) throw new Error("the queue was empty");
      this.nowMs = event.atMs;
      this.events += 1;
      event.run();
      if (this.promised) await this.settled();
      if (this.failure !== null) throw this.failure.error;
    }
    return true;
  }

  /**
   * Gives everything that waits for a promise its turn, until nobody uses promises any more. An immediate would do so at
   * once, but takes as long as a whole event.
   */
  private async settled(): Promise<void> {
    while (this.promised) {
      this.promised = false;
      for (let turn = 0; turn < longestChain; turn += 1) await over;
    }
  }
}

const over = Promise.resolve();
/** More promises than anything here makes one after the other without telling. */
const longestChain = 4;
