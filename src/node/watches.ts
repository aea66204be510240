/** Callers that wait until the node is in some state, which they look for after every turn, or until their time is over. */

interface Watch {
  readonly untilMs: number;
  /** Answers whether it is done. */
  look(): boolean;
  giveUp(): void;
}

export class Watches {
  private waiting: readonly Watch[] = [];

  /** When the first caller's time is over; infinite when nobody waits. */
  get deadlineMs(): number {
    return Math.min(...this.waiting.map(({ untilMs }) => untilMs));
  }

  /** What `look` finds, as soon as it finds something; undefined when the time is over first. */
  watch<Found>(look: () => Found | undefined, untilMs: number): Promise<Found | undefined> {
    const found = look();
    if (found !== undefined) return Promise.resolve(found);
    return new Promise((resolve) => {
      const again = (): boolean => {
        const now = look();
        if (now !== undefined) resolve(now);
        return now !== undefined;
      };
      this.waiting = [...this.waiting, { untilMs, look: again, giveUp: () => resolve(undefined) }];
    });
  }

  /** A turn is over. */
  look(nowMs: number): void {
    if (this.waiting.length === 0) return;
    this.waiting = this.waiting.filter((watch) => {
      if (watch.look()) return false;
      if (watch.untilMs <= nowMs) watch.giveUp();
      return watch.untilMs > nowMs;
    });
  }
}
