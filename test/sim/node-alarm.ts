/** The one alarm of a simulated object: kept outside of it, late, sometimes doubled, sometimes lost. */

import type { AlarmStorage } from "../../src/node/alarm-timer.ts";
import type { NodeClock } from "./node-clock.ts";
import type { Random } from "./random.ts";
import type { AlarmSettings } from "./settings.ts";
import type { World } from "./world.ts";

const done = Promise.resolve();
export class NodeAlarm implements AlarmStorage {
  private readonly world: World;
  private readonly clock: NodeClock;
  private readonly random: Random;
  private readonly settings: AlarmSettings;
  /** Calls the alarm's handler; answers when to call it again, if it did not come to its end. */
  private readonly handler: () => number | null;
  /** Only the event of the newest setting counts. */
  private setting = 0;
  private firesAtMs = Number.POSITIVE_INFINITY;
  private punctual = false;

  constructor(world: World, clock: NodeClock, random: Random, settings: AlarmSettings, handler: () => number | null) {
    this.world = world;
    this.clock = clock;
    this.random = random;
    this.settings = settings;
    this.handler = handler;
  }

  setAlarm(scheduledTime: number): Promise<void> {
    this.fireAt(this.clock.toTrueMs(scheduledTime) + this.drawLatenessMs());
    return done;
  }

  /** The object has crashed. The alarm's own write may not have been confirmed by then. */
  crashed(): void {
    if (this.firesAtMs === Number.POSITIVE_INFINITY || !this.random.chance(this.settings.lossRate)) return;
    this.world.count("lost alarm");
    this.setting += 1;
    this.firesAtMs = Number.POSITIVE_INFINITY;
  }

  /** It is taken back. */
  clear(): void {
    this.setting += 1;
    this.firesAtMs = Number.POSITIVE_INFINITY;
  }

  /** From now on it is neither late nor doubled. */
  bePunctual(): void {
    this.punctual = true;
    if (this.firesAtMs !== Number.POSITIVE_INFINITY) {
      this.fireAt(Math.min(this.firesAtMs, this.world.nowMs + this.settings.lateMs));
    }
  }

  private fireAt(atMs: number): void {
    this.setting += 1;
    const setting = this.setting;
    this.firesAtMs = Math.max(atMs, this.world.nowMs);
    this.world.at(this.firesAtMs, () => {
      if (setting === this.setting) this.fire();
    });
  }

  private fire(): void {
    this.firesAtMs = Number.POSITIVE_INFINITY;
    const setting = this.setting;
    const retryAtMs = this.handler();
    const again = !this.punctual && this.random.chance(this.settings.twiceRate);
    if (again) {
      this.world.count("doubled alarm");
      this.world.after(1, () => void this.handler());
    }
    // A new alarm takes the place of one that is to be called again.
    if (retryAtMs !== null && setting === this.setting) this.fireAt(retryAtMs);
  }

  private drawLatenessMs(): number {
    if (this.punctual) return this.settings.lateMs;
    if (this.random.chance(this.settings.veryLateRate)) {
      this.world.count("late alarm");
      return this.random.exponential(this.settings.veryLateMs);
    }
    return this.random.exponential(this.settings.lateMs);
  }
}
