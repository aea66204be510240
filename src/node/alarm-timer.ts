/** The one alarm of a Durable Object, armed for the earliest deadline and moved only when it must be. */

import type { MonotonicClock } from "./clock.ts";

/** What is needed of `DurableObjectStorage`. */
export interface AlarmStorage {
  setAlarm(scheduledTime: number, options: { allowUnconfirmed: boolean }): Promise<void>;
}

/**
 * Every `setAlarm` is a billed row and a commit, and moving an alarm later on each heartbeat has brought production to a
 * halt (workerd pull requests 6371 and 6383, 2026). So an alarm that comes too early is left where it is: it fires, finds
 * nothing due, and is armed again for what is left.
 */
export class AlarmTimer {
  /** How often the alarm was set: each is a row written. */
  armed = 0;
  private readonly storage: AlarmStorage;
  private readonly clock: MonotonicClock;
  private pendingMs = Number.POSITIVE_INFINITY;

  constructor(storage: AlarmStorage, clock: MonotonicClock) {
    this.storage = storage;
    this.clock = clock;
  }

  /** The alarm has fired, whenever it was meant to. */
  fired(): void {
    this.pendingMs = Number.POSITIVE_INFINITY;
  }

  /** Makes sure that the alarm fires by the deadline; an infinite one needs none. */
  arm(deadlineMs: number): void {
    const nowMs = this.clock.nowMs();
    // An alarm whose time is long over was lost, as can happen to one that is set without waiting for its commit.
    const overdue = this.pendingMs < nowMs - lostAfterMs;
    if (deadlineMs >= this.pendingMs && !overdue) return;
    if (deadlineMs === Number.POSITIVE_INFINITY) return;
    // An alarm set for the present or the past can stall for tens of seconds (workerd issue 6866, 2026).
    const atMs = Math.max(Math.ceil(deadlineMs), nowMs + 1);
    this.pendingMs = atMs;
    this.armed += 1;
    // Losing it costs time, never safety, so no message waits for its commit. A failed write resets the object anyway.
    void this.storage.setAlarm(Math.ceil(this.clock.toSystemMs(atMs)), { allowUnconfirmed: true });
  }
}

const lostAfterMs = 5000;
