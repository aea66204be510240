/** How long nothing was acknowledged around each crash. */

/**
 * For each crash the longest time between two acknowledgements in a row, of those that end after it and before the next
 * one. Infinite when none came. All times on one clock, in rising order.
 */
export function longestGaps(acknowledgedMs: readonly number[], crashedMs: readonly number[]): number[] {
  return crashedMs.map((crash, position) => {
    const end = crashedMs[position + 1] ?? Number.POSITIVE_INFINITY;
    const before = acknowledgedMs.findLast((at) => at <= crash) ?? crash;
    const after = acknowledgedMs.filter((at) => at > crash && at <= end);
    if (after.length === 0) return Number.POSITIVE_INFINITY;
    return Math.max(...after.map((at, index) => at - (after[index - 1] ?? before)));
  });
}

export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((left, right) => left - right);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
