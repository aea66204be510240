/** How long a peer takes to answer, by its latest answers. */

const sampleCount = 256;
/** With fewer, one slow answer would decide alone. */
const leastSamples = 16;
/** Sorting the samples is spread over that many answers. */
const refreshEvery = 16;

export class RoundTrips {
  private readonly samples: number[] = [];
  private taken = 0;
  private percentileMs = 0;

  /** The time within which 99 in 100 answers came; 0 until enough is known. */
  get p99Ms(): number {
    return this.percentileMs;
  }

  add(roundTripMs: number): void {
    this.samples[this.taken % sampleCount] = roundTripMs;
    this.taken += 1;
    if (this.taken < leastSamples || this.taken % refreshEvery !== 0) return;
    const sorted = this.samples.toSorted((left, right) => left - right);
    this.percentileMs = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
  }
}
