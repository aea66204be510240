/** Which keys the clients use when: some for the whole run, and others for a few seconds, so that each is soon checked. */

/** So long a set of keys is in use. */
export const roundMs = 5000;
const singles = 6;
const together = 3;
const lasting = 2;

export interface Round {
  readonly number: number;
  /** Keys that clients put, compare and set, and read one at a time. */
  readonly singles: readonly string[];
  /** The last of those, which are deleted too. */
  readonly deletable: ReadonlySet<string>;
  /** Keys that are also written and read together. */
  readonly together: readonly string[];
}

/** Keys that are in use from the beginning to the end. */
export const lastingKeys: readonly string[] = names("always", lasting);

export function makeRound(number: number): Round {
  const own = names(`r${number}-s`, singles);
  return { number, singles: own, deletable: new Set(own.slice(-2)), together: names(`r${number}-t`, together) };
}

export function keysOf({ singles: own, together: others }: Round): string[] {
  return [...own, ...others];
}

function names(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, position) => `${prefix}${position}`);
}
