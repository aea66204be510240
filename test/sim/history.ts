/** What clients asked and what they were told, in the order of asking. */

import type { Reading } from "./store/language.ts";

/**
 * A `read` is linearizable; a `stale read` may see any state, a `bounded read` one that is not older than it says, and a
 * `session read` one that is not older than what its client has seen.
 */
export type OperationKind = "write" | "compare-and-set" | "read" | "stale read" | "bounded read" | "session read";

export function isWriteKind(kind: OperationKind): boolean {
  return kind === "write" || kind === "compare-and-set";
}

/** Unknown: it may have taken effect, and may still. */
export type OperationState = "open" | "done" | "refused" | "unknown";

export interface Operation {
  readonly client: string;
  readonly number: number;
  readonly kind: OperationKind;
  readonly key: string;
  readonly invokedAtMs: number;
  /** The newest index that any client had heard of when this operation began. */
  readonly floorIndex: number;
  /** The attempts of a write take effect once, all together. */
  readonly idempotent: boolean;
  attempts: number;
  state: OperationState;
  completedAtMs: number | null;
  /** Where a write was committed, or how new the state was that a read saw. */
  index: number | null;
  reading: Reading | null;
}

export class History {
  readonly operations: Operation[] = [];
  /** The newest index that any client has heard of from a completed write or linearizable read. */
  heardIndex = 0;
  /** How much was committed at the moments at which somebody looked. */
  private readonly looks: { readonly atMs: number; readonly index: number }[] = [];

  begin(operation: Pick<Operation, "client" | "number" | "kind" | "key" | "invokedAtMs" | "idempotent">): Operation {
    const begun: Operation = {
      ...operation,
      floorIndex: this.heardIndex,
      attempts: 0,
      state: "open",
      completedAtMs: null,
      index: null,
      reading: null,
    };
    this.operations.push(begun);
    return begun;
  }

  /** So much is committed at this time. */
  look(atMs: number, index: number): void {
    this.looks.push({ atMs, index });
  }

  /** What was committed by a time, as far as anybody had looked by then. */
  committedBy(atMs: number): number {
    return this.looks.findLast((look) => look.atMs <= atMs)?.index ?? 0;
  }

  count(state: OperationState): number {
    return this.operations.reduce((sum, operation) => sum + (operation.state === state ? 1 : 0), 0);
  }
}
