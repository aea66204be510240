/** How much an answer may still hold. */

/** Whoever finds it exceeded has nothing to answer. */
export class AnswerBudget {
  private left: number;

  constructor(bytes: number) {
    this.left = bytes;
  }

  get isExceeded(): boolean {
    return this.left < 0;
  }

  /** Whether so many bytes would fit. */
  allows(bytes: number): boolean {
    return bytes <= this.left;
  }

  /** Uses them up. False when that, or something before, has exceeded it. */
  take(bytes: number): boolean {
    this.left -= bytes;
    return this.left >= 0;
  }

  exceed(): void {
    this.left = Number.NEGATIVE_INFINITY;
  }
}
