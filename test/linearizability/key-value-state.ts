/**
 * What a key-value store holds, as far as a history tells it.
 *
 * A write whose answer was lost has a revision that nobody has told. It stays open, between the revisions of the writes
 * before and after it, until somebody reads what was written.
 */

/** One write, of one key or of several at once, that is the newest of at least one key. */
interface Write {
  /** The keys of which it is the newest write, and what it put there. */
  readonly values: ReadonlyMap<string, string>;
  /** Null while nobody has told it. */
  readonly revision: number | null;
  /** An open revision is higher than this, and lower than that. */
  readonly above: number;
  readonly below: number;
}

export interface KeyValueState {
  /** In the order in which they took effect. */
  readonly writes: readonly Write[];
  /** The highest revision that is known to have been given. */
  readonly floor: number;
  /** How many writes of open revisions have come behind it, where gaps are known. */
  readonly opened: number;
  /** Null where revisions may be left out. */
  readonly gap: Gap | null;
}

/** How many revisions between two, none of them included, may be those of writes that nobody was answered. */
export type Gap = (above: number, below: number) => number;

/** @param gap of a store that gives every revision, one after the other */
export function nothingStored(gap: Gap | null = null): KeyValueState {
  // A store in which nothing was ever written is at revision 1.
  return { writes: [], floor: gap === null ? 0 : 1, opened: 0, gap };
}

/** A key's value, and its revision, null while that is open; undefined for a missing key. */
export function find({ writes }: KeyValueState, key: string): { value: string; revision: number | null } | undefined {
  for (const { values, revision } of writes) {
    const value = values.get(key);
    if (value !== undefined) return { value, revision };
  }
  return undefined;
}

/** The state once the revision of a key that exists has become known; null if it can't be that one. */
export function tell(state: KeyValueState, key: string, revision: number): KeyValueState | null {
  const position = state.writes.findIndex(({ values }) => values.has(key));
  const told = state.writes[position];
  if (told === undefined) return null;
  if (told.revision !== null) return told.revision === revision ? state : null;
  if (revision <= told.above || revision >= told.below) return null;
  const writes = state.writes.map((other, at) => {
    if (at === position) return { ...other, revision };
    return other.revision === null ? between(other, revision, at < position) : other;
  });
  return revision > state.floor ? { ...state, writes, floor: revision, opened: 0 } : { ...state, writes };
}

/**
 * The state after a write of several keys at one revision, null for one that nobody has told; null if it can't be that.
 *
 * @param values what is put; null deletes
 */
export function write(
  state: KeyValueState,
  values: ReadonlyMap<string, string | null>,
  revision: number | null,
): KeyValueState | null {
  if (revision !== null && (revision <= state.floor || !hasRoom(state, revision))) return null;
  const kept = state.writes.flatMap((before) => {
    const left = without(before, values);
    if (left.values.size === 0) return [];
    return left.revision === null && revision !== null ? [between(left, revision, true)] : [left];
  });
  const put = new Map([...values].filter((entry): entry is [string, string] => entry[1] !== null));
  const made = { values: put, revision, above: state.floor, below: Number.POSITIVE_INFINITY };
  const writes = put.size === 0 ? kept : [...kept, made];
  if (revision !== null) return { ...state, writes, floor: revision, opened: 0 };
  return { ...state, writes, opened: state.gap === null ? 0 : state.opened + 1 };
}

/** Whether all the writes of open revisions have room below a revision. */
export function hasRoom({ floor, opened, gap }: KeyValueState, below: number): boolean {
  return opened === 0 || gap === null || opened <= gap(floor, below);
}

export function fingerprint({ writes, floor }: KeyValueState): string {
  let text = `${floor}`;
  for (const { values, revision, above, below } of writes) {
    text += `\n${revision ?? `${above} ${below}`}`;
    for (const [key, value] of values) text += `\t${key}\t${value}`;
  }
  return text;
}

export function describeState({ writes }: KeyValueState): string {
  const told = writes.flatMap(({ values, revision, above }) => {
    const at = revision === null ? `a revision above ${above}` : `revision ${revision}`;
    return [...values].map(([key, value]) => `${key} = ${value} (${at})`);
  });
  return told.length === 0 ? "nothing is stored" : told.sort().join(", ");
}

/** An open write that came before one of this revision, or after it. */
function between(open: Write, revision: number, isBefore: boolean): Write {
  return isBefore
    ? { ...open, below: Math.min(open.below, revision) }
    : { ...open, above: Math.max(open.above, revision) };
}

function without(before: Write, replaced: ReadonlyMap<string, unknown>): Write {
  if (![...replaced.keys()].some((key) => before.values.has(key))) return before;
  return { ...before, values: new Map([...before.values].filter(([key]) => !replaced.has(key))) };
}
