/** The key-value store, one key or several at a time: values, revisions that rise, conditions, lists, transactions. */

import { describeAnswer, describeCall } from "./key-value-call.ts";
import type { Compare, KeyValueAnswer, KeyValueCall, Seen, Step, WriteCall } from "./key-value-call.ts";
import { describeState, find, fingerprint, hasRoom, nothingStored, tell, write } from "./key-value-state.ts";
import type { KeyValueState } from "./key-value-state.ts";
import { inferOutcomes } from "./infer.ts";
import type { Model } from "./model.ts";

/**
 * A store that gives one revision after the other, and leaves none out.
 *
 * @param others those that were given to writes that are not in the history
 */
export function modelOfRevisions(others: Iterable<number>): Model<KeyValueState, KeyValueCall, KeyValueAnswer> {
  const known = [...others];
  const begin = (answers: readonly KeyValueAnswer[]): KeyValueState => {
    const given = new Set([...known, ...answers.flatMap((answer) => revisionOf(answer) ?? [])]);
    const sorted = [...given].toSorted((one, other) => one - other);
    const below = (revision: number): number => countBelow(sorted, revision);
    return nothingStored((above, revision) => revision - above - 1 - (below(revision) - below(above + 1)));
  };
  return { ...keyValueModel, begin };
}

export const keyValueModel: Model<KeyValueState, KeyValueCall, KeyValueAnswer> = {
  initial: nothingStored(),

  keysOf(call) {
    switch (call.kind) {
      case "list":
        return call.keys;
      case "transaction":
        return [...call.compare, ...call.success, ...call.failure].map(({ key }) => key);
      default:
        return [call.key];
    }
  },

  step(state, call, answer) {
    const { storeRevision } = answer ?? {};
    if (storeRevision !== undefined && !hasRoom(state, storeRevision + 1)) return [];
    switch (call.kind) {
      case "get":
        if (answer === null) return [state];
        return answer.kind === "read" ? some(see(state, call.key, answer.seen)) : [];
      case "list":
        if (answer === null) return [state];
        return answer.kind === "listed" ? some(seeAll(state, call.keys, answer.seen)) : [];
      case "put":
      case "delete":
        return stepWrite(state, call, answer);
      case "transaction":
        if (answer === null) return [true, false].flatMap((succeeded) => runBranch(state, call, succeeded, null));
        return answer.kind === "transacted" ? runBranch(state, call, answer.succeeded, answer) : [];
    }
  },

  observes(call, answer) {
    switch (answer.kind) {
      case "written":
        return false;
      case "transacted":
        return call.kind === "transaction" && branchOf(call, answer.succeeded).every(({ kind }) => kind === "get");
      default:
        return true;
    }
  },

  infer: inferOutcomes,

  place(call, answer) {
    const changes = !keyValueModel.observes(call, answer);
    const revision = answer.storeRevision ?? (changes ? revisionOf(answer) : undefined);
    // Whoever is told a revision and has not made it comes behind whoever has.
    return revision === undefined ? null : 2 * revision + (changes ? 0 : 1);
  },

  mayFollow: (state, place) => hasRoom(state, place % 2 === 0 ? place / 2 : (place + 1) / 2),

  burden: ({ opened }) => opened,

  fingerprint,

  rank(_call, answer) {
    return keyValueModel.observes(_call, answer) ? 0 : (revisionOf(answer) ?? Number.MAX_SAFE_INTEGER);
  },

  describe: (call, answer) => `${describeCall(call)} → ${answer === null ? "?" : describeAnswer(answer)}`,

  describeState,
};

/** How many of the numbers, in their order, are below a limit. */
function countBelow(sorted: readonly number[], limit: number): number {
  let [from, to] = [0, sorted.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((sorted[middle] ?? limit) < limit) from = middle + 1;
    else to = middle;
  }
  return from;
}

/** The revision that a write was given. */
function revisionOf(answer: KeyValueAnswer): number | undefined {
  return answer.kind === "written" || answer.kind === "transacted" ? answer.revision : undefined;
}

type Transaction = Extract<KeyValueCall, { readonly kind: "transaction" }>;
type Transacted = Extract<KeyValueAnswer, { readonly kind: "transacted" }>;

const some = (state: KeyValueState | null): readonly KeyValueState[] => (state === null ? [] : [state]);

/** The state once a key was seen like this in it; null if it can't have been. */
function see(state: KeyValueState, key: string, seen: Seen | null): KeyValueState | null {
  const found = find(state, key);
  if (seen === null || found === undefined) return seen === null && found === undefined ? state : null;
  if (found.value !== seen.value) return null;
  return seen.revision === undefined ? state : tell(state, key, seen.revision);
}

function seeAll(state: KeyValueState, keys: readonly string[], seen: ReadonlyMap<string, Seen>): KeyValueState | null {
  return keys.reduce<KeyValueState | null>((so, key) => so && see(so, key, seen.get(key) ?? null), state);
}

/** The state in which a condition holds, or does not, as `expected` says; null when it is the other way. */
function meet(state: KeyValueState, { key, condition }: Compare, expected: boolean): KeyValueState | null {
  const found = find(state, key);
  if ("exists" in condition) return ((found !== undefined) === condition.exists) === expected ? state : null;
  if ("value" in condition) return ((found?.value ?? null) === condition.value) === expected ? state : null;
  const revision = found === undefined ? 0 : found.revision;
  if (revision !== null) return (revision === condition.revision) === expected ? state : null;
  // That an open revision is not this one can't be written down, and is believed.
  return expected ? tell(state, key, condition.revision) : state;
}

function stepWrite(state: KeyValueState, call: WriteCall, answer: KeyValueAnswer | null): readonly KeyValueState[] {
  const { key, condition } = call;
  const compare = condition === undefined ? null : { key, condition };
  switch (answer?.kind) {
    case "refused": {
      const refused = compare === null ? null : meet(state, compare, false);
      return refused === null ? [] : some(wasFound(refused, key, answer.found));
    }
    case "missing":
      return call.kind === "delete" && find(state, key) === undefined ? [state] : [];
    case "written":
    case undefined: {
      const met = compare === null ? state : meet(state, compare, true);
      if (met === null) return [];
      // A delete of what is not there changes nothing; only one whose answer is lost can have been that.
      if (call.kind === "delete" && find(met, key) === undefined) return answer === null ? [state] : [];
      const value = call.kind === "put" ? call.value : null;
      return some(write(met, new Map([[key, value]]), answer?.revision ?? null));
    }
    default:
      return [];
  }
}

function wasFound(state: KeyValueState, key: string, revision: number | null | undefined): KeyValueState | null {
  if (revision === undefined) return state;
  if (revision === null) return find(state, key) === undefined ? state : null;
  return tell(state, key, revision);
}

function branchOf({ success, failure }: Transaction, succeeded: boolean): readonly Step[] {
  return succeeded ? success : failure;
}

/** @param answer null when nobody has heard it */
function runBranch(
  state: KeyValueState,
  call: Transaction,
  succeeded: boolean,
  answer: Transacted | null,
): readonly KeyValueState[] {
  let now = compared(state, call.compare, succeeded);
  const written = new Map<string, string | null>();
  for (const [position, step] of branchOf(call, succeeded).entries()) {
    if (now === null) return [];
    if (step.kind === "get") now = seeWithin(now, written, step.key, answer, position);
    else if (step.kind === "put") written.set(step.key, step.value);
    else if (written.has(step.key) || find(now, step.key) !== undefined) written.set(step.key, null);
  }
  if (now === null || written.size === 0) return some(now);
  return some(write(now, written, answer?.revision ?? null));
}

/** A get sees what its own transaction has written before it. */
function seeWithin(
  state: KeyValueState,
  written: ReadonlyMap<string, string | null>,
  key: string,
  answer: Transacted | null,
  position: number,
): KeyValueState | null {
  if (answer?.seen === undefined) return state;
  const seen = answer.seen[position] ?? null;
  const own = written.get(key);
  return own === undefined ? see(state, key, seen) : (seen?.value ?? null) === own ? state : null;
}

function compared(state: KeyValueState, compare: readonly Compare[], succeeded: boolean): KeyValueState | null {
  if (succeeded) return compare.reduce<KeyValueState | null>((so, one) => so && meet(so, one, true), state);
  return compare.some((one) => meet(state, one, false) !== null) ? state : null;
}
