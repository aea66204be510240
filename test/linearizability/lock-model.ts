/** Locks: one holder at a time, and a token that rises with each time a lock is taken. */

import type { Model } from "./model.ts";

export type LockCall =
  | { readonly kind: "acquire"; readonly lock: string; readonly owner: string }
  | { readonly kind: "release"; readonly lock: string; readonly owner: string }
  /**
   * The owner's time is over, and the lock may be taken from it. Nobody calls this and nobody hears of it: a history has
   * one of unknown outcome from when the time may be over.
   */
  | { readonly kind: "expire"; readonly lock: string; readonly owner: string };

export type LockAnswer =
  | { readonly kind: "granted"; readonly token?: number }
  /** Somebody else holds it. */
  | { readonly kind: "held" }
  | { readonly kind: "released" }
  /** The owner did not hold it. */
  | { readonly kind: "not held" };

interface Lock {
  readonly owner: string | null;
  /** The highest token that is known to have been given. */
  readonly token: number;
}

export type LockState = ReadonlyMap<string, Lock>;

const free: Lock = { owner: null, token: 0 };

export const lockModel: Model<LockState, LockCall, LockAnswer> = {
  initial: new Map(),

  keysOf: ({ lock }) => [lock],

  step(state, call, answer) {
    const { owner, token } = state.get(call.lock) ?? free;
    const isHolder = owner === call.owner;
    const become = (lock: Lock): readonly LockState[] => [new Map(state).set(call.lock, lock)];
    if (call.kind === "acquire") {
      if (answer?.kind === "held") return owner !== null && !isHolder ? [state] : [];
      if (owner !== null || (answer !== null && answer.kind !== "granted")) return [];
      const given = answer?.token;
      if (given !== undefined && given <= token) return [];
      return become({ owner: call.owner, token: given ?? token });
    }
    if (answer?.kind === "not held") return isHolder ? [] : [state];
    if (answer !== null && answer.kind !== "released") return [];
    if (isHolder) return become({ owner: null, token });
    return answer === null ? [state] : [];
  },

  observes: (_call, answer) => answer.kind === "held" || answer.kind === "not held",

  fingerprint: (state) =>
    [...state.keys()]
      .sort()
      .map((lock) => `${lock}\t${state.get(lock)?.owner}\t${state.get(lock)?.token}`)
      .join("\n"),

  rank: (_call, answer) => (answer.kind === "granted" ? (answer.token ?? 0) : 0),

  describe({ kind, lock, owner }, answer) {
    const token = answer?.kind === "granted" && answer.token !== undefined ? ` with token ${answer.token}` : "";
    return `${owner} ${kind}s ${lock} → ${answer?.kind ?? "?"}${token}`;
  },

  describeState(state) {
    const told = [...state].map(([lock, { owner, token }]) => `${lock}: ${owner ?? "free"}, token ${token}`);
    return told.length === 0 ? "nothing is held" : told.sort().join("; ");
  },
};
