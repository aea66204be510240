/** Time that passes as fast as nothing happens, for timers and for `AbortSignal.timeout`. */

import { createHash } from "node:crypto";
import { afterEach, beforeEach, vi } from "vitest";

/** For all tests of the file. */
export function useVirtualTime(): void {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    vi.spyOn(AbortSignal, "timeout").mockImplementation((delayMs) => {
      const controller = new AbortController();
      const reason = new DOMException("The operation was aborted due to timeout", "TimeoutError");
      setTimeout(() => controller.abort(reason), delayMs);
      return controller.signal;
    });
    // The real one works on a thread of its own, which would take real time.
    vi.spyOn(crypto.subtle, "digest").mockImplementation(async (_, data) => {
      return new Uint8Array(
        createHash("sha256")
          .update(new Uint8Array(data as ArrayBuffer))
          .digest(),
      ).buffer;
    });
  });
  afterEach(() => {
    vi.restoreAllMocks();
    vi.useRealTimers();
  });
}

/** Streams need some turns of the real event loop for each step. */
const turnsPerStep = 20;

/** Lets time pass until the promise settles, and tells how much that was. */
export async function elapse<Value>(promise: Promise<Value>): Promise<{ value: Value; elapsedMs: number }> {
  const startMs = Date.now();
  const state = { settled: false };
  const settle = (): void => {
    state.settled = true;
  };
  promise.then(settle, settle);
  for (let steps = 0; steps < 100_000; steps++) {
    for (let turns = 0; turns < turnsPerStep && !state.settled; turns++) await new Promise(setImmediate);
    if (state.settled) return { value: await promise, elapsedMs: Date.now() - startMs };
    await vi.advanceTimersByTimeAsync(1);
  }
  throw new Error("nothing settles");
}
