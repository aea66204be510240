/** A state machine with timers, around one without: some writes set one, and it must ring once, and not before its time. */

import { ByteWriter } from "../../../src/bytes/writer.ts";
import type { CommittedCommand, StateMachine } from "../../../src/machine.ts";
import { demand } from "../check/violation.ts";
import type { Cells } from "../disk/cells.ts";

/** A write without a name: of no client. */
const ring = new ByteWriter(8).text("").finish();
const noResult = new Uint8Array(0);
const setByOneIn = 5;
export const longestTimerMs = 3000;

export class TimedMachine implements StateMachine {
  private readonly inner: StateMachine;
  private readonly cells: Cells;

  constructor(inner: StateMachine, cells: Cells) {
    this.inner = inner;
    this.cells = cells;
  }

  get tables(): readonly string[] {
    return this.inner.tables;
  }

  apply(commands: readonly CommittedCommand[]): Uint8Array[] {
    return commands.map((committed) => {
      if (isRing(committed.command)) return this.ring(committed);
      this.set(committed);
      return this.inner.apply([committed])[0] ?? noResult;
    });
  }

  foresee(committed: CommittedCommand): Uint8Array | null {
    return isRing(committed.command) ? null : (this.inner.foresee?.(committed) ?? null);
  }

  query(query: Uint8Array, timeMs: number): Uint8Array {
    return this.inner.query(query, timeMs);
  }

  nextTimerMs(): number | null {
    return Number(this.cells.get(cell) ?? 0) || null;
  }

  timerCommand(): Uint8Array {
    return ring;
  }

  private set({ index, timeMs }: CommittedCommand): void {
    if (index % setByOneIn > 0 || this.nextTimerMs() !== null) return;
    this.cells.set(cell, timeMs + 1 + ((index * 7919) % longestTimerMs));
  }

  private ring({ index, timeMs }: CommittedCommand): Uint8Array {
    const timerMs = this.nextTimerMs();
    demand(timerMs !== null, "timers", () => `entry ${index} rings, and no timer was set`);
    demand(timerMs <= timeMs, "timers", () => `entry ${index} rings ${timerMs - timeMs} ms early`);
    this.cells.set(cell, 0);
    return noResult;
  }
}

export function isRing(command: Uint8Array): boolean {
  return command.length === ring.length && command.every((byte, position) => byte === ring[position]);
}

/** Its name begins as those of all cells do that are part of the state. */
const cell = "value of the timer";
