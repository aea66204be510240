/** What a client may ask of the cluster, whichever API it speaks, and the three ways in which that can end. */

import type { Condition, KeyValueAnswer, KeyValueCall } from "../../test/linearizability/key-value-call.ts";

export type Result =
  | {
      readonly kind: "answered";
      readonly answer: KeyValueAnswer;
      /** The store's revision: the one given to a write, or the newest one when a read was made, if that was told. */
      readonly revision?: number;
      /** Up to where the node that answered had applied the log, if that was told. */
      readonly index?: number;
    }
  /** It has not happened and never will. */
  | { readonly kind: "refused" }
  /** It may have happened, and may yet. */
  | { readonly kind: "unknown" };

/** A read that need not be the newest, and what it must hold instead. */
export interface StaleRead {
  readonly key: string;
  /** Of this node's state. */
  readonly node: string;
  readonly minIndex?: number;
  readonly maxStalenessMs?: number;
}

export interface Face {
  readonly name: string;
  /** @param idempotencyKey makes the attempts with it take effect once; null for an attempt of its own */
  ask(url: string, call: KeyValueCall, idempotencyKey: string | null): Promise<Result>;
  /** Null if this API has no such reads. */
  readonly readStale: ((url: string, read: StaleRead) => Promise<Result>) | null;
}

/** How long the cluster may take, and how long a client waits for it to say so. */
export const clusterTimeoutMs = 1500;
export const clientTimeoutMs = 2500;

/** The revision that a condition names, or 0 for a key that must be missing; the load makes no other ones. */
export function expectedRevision(condition: Condition): number {
  if ("revision" in condition) return condition.revision;
  if ("exists" in condition && !condition.exists) return 0;
  throw new Error("a condition that no client makes");
}

/** A value's name, without what makes it longer. */
export function nameIn(value: string): string {
  return value.split(" ", 1)[0] ?? "";
}
