/** The last line of whatever checks something here: `N passed, N failed`. */

export interface Tally {
  readonly passed: number;
  readonly failed: number;
}

export function formatTally({ passed, failed }: Tally): string {
  return `${passed} passed, ${failed} failed`;
}

/** Reads the last line of an output. An output that ends otherwise broke off, which is one failure. */
export function parseTally(output: string): Tally {
  const match = /(?:^|\n)(\d+) passed, (\d+) failed\s*$/.exec(output);
  return match === null ? { passed: 0, failed: 1 } : { passed: Number(match[1]), failed: Number(match[2]) };
}

export function addTallies(...tallies: readonly Tally[]): Tally {
  return {
    passed: tallies.reduce((sum, tally) => sum + tally.passed, 0),
    failed: tallies.reduce((sum, tally) => sum + tally.failed, 0),
  };
}
