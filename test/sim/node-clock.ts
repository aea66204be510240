/** The wall clock of one machine: it is off, it runs fast or slow, and sometimes somebody sets it. */

import type { World } from "./world.ts";

/** Wall clocks do not begin with 0. */
const epochMs = 1_000_000_000;

export class NodeClock {
  private readonly world: World;
  private readonly rate: number;
  private trueAnchorMs = 0;
  private localAnchorMs: number;

  constructor(world: World, skewMs: number, rate: number) {
    this.world = world;
    this.rate = rate;
    this.localAnchorMs = epochMs + skewMs;
  }

  /** As `Date.now`: whole milliseconds. */
  readMs(): number {
    return Math.floor(this.exactMs);
  }

  /** The true time at which this clock will show `localMs`, if nobody sets it before. */
  toTrueMs(localMs: number): number {
    return this.trueAnchorMs + (localMs - this.localAnchorMs) / this.rate;
  }

  jump(byMs: number): void {
    this.localAnchorMs = this.exactMs + byMs;
    this.trueAnchorMs = this.world.nowMs;
  }

  private get exactMs(): number {
    return this.localAnchorMs + (this.world.nowMs - this.trueAnchorMs) * this.rate;
  }
}
