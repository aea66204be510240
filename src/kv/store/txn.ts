/** Transactions: what one does and answers is planned as a whole before anything is written. */

import { noLease } from "../model.ts";
import type {
  DeleteOperation,
  IncrementOperation,
  Item,
  OperationResult,
  Previous,
  PutOperation,
  RangeOperation,
  Refusal,
  TxnOperation,
  TxnResult,
} from "../model.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import { DraftView } from "./draft-view.ts";
import { knownBytes, readItems } from "./items.ts";
import { exists } from "./key-state.ts";
import type { Content, KeyState } from "./key-state.ts";
import { rangeOf, textOf } from "./key-text.ts";
import { minTtlMs } from "./leases.ts";
import { countSpan, evaluateRange, statesOf } from "./range.ts";
import { viewAt } from "./store-parts.ts";
import type { StoreParts } from "./store-parts.ts";
import { choosePath, refusePath, sumOf } from "./txn-path.ts";
import type { Path, Step } from "./txn-path.ts";
import { revisionsAfterPut } from "./writer.ts";
import type { Put, PutLease, WriteMoment } from "./writer.ts";

const encoder = new TextEncoder();
const noContent: Content = { value: new Uint8Array(0), contentType: "", metadata: "" };

type Effect =
  | { readonly kind: "put"; readonly put: Put }
  | { readonly kind: "delete"; readonly operation: DeleteOperation };

export interface TxnPlan {
  readonly result: TxnResult;
  /** What is to be written, in order; empty when the transaction changes nothing. */
  readonly effects: readonly Effect[];
  /** Where the ids that the store picks for leases go on. */
  readonly leaseSequence: number;
}

/** What a transaction would do at a moment, or why it can't be done. `refuseTxn` must have let it through. */
export function planTxn(
  parts: StoreParts,
  txn: TxnOperation,
  at: WriteMoment,
  budget: AnswerBudget,
): TxnPlan | Refusal {
  const path = choosePath(parts, txn);
  const refusal = refusePath(parts, path);
  if (refusal !== null) return refusal;
  const planner = new Planner(parts, at, budget);
  const result = planner.run(path);
  return budget.isExceeded ? { reason: "answer_too_large" } : { result, ...planner.plan };
}

export function performTxn(parts: StoreParts, { effects, leaseSequence }: TxnPlan, at: WriteMoment): void {
  parts.meta.leaseSequence = leaseSequence;
  for (const effect of effects) {
    if (effect.kind === "put") parts.writer.put(effect.put, at);
    else for (const state of statesOf(parts.index, effect.operation)) parts.writer.delete(state, at);
  }
}

class Planner {
  private readonly parts: StoreParts;
  private readonly at: WriteMoment;
  private readonly budget: AnswerBudget;
  private readonly draft: DraftView;
  private readonly effects: Effect[] = [];
  private leaseSequence: number;

  constructor(parts: StoreParts, at: WriteMoment, budget: AnswerBudget) {
    this.parts = parts;
    this.at = at;
    this.budget = budget;
    this.draft = new DraftView(parts.index);
    this.leaseSequence = parts.meta.leaseSequence;
  }

  get plan(): Omit<TxnPlan, "result"> {
    return { effects: this.effects, leaseSequence: this.leaseSequence };
  }

  run({ succeeded, steps }: Path): TxnResult {
    return { kind: "txn", succeeded, results: steps.map((step) => this.step(step)) };
  }

  private step(step: Step | Path): OperationResult {
    // The operations of a transaction are few, but the answer of each may be large.
    if (this.budget.isExceeded) return { kind: "txn", succeeded: false, results: [] };
    switch (step.kind) {
      case "path":
        return this.run(step);
      case "range":
        return this.range(step);
      case "put":
        return this.put(step);
      case "increment":
        return this.increment(step);
      case "delete":
        return this.delete(step);
    }
  }

  /** Without a revision it sees what was done before it; at the newest one the store as the transaction found it. */
  private range(operation: RangeOperation): OperationResult {
    const view = operation.revision <= 0 ? this.draft : viewAt(this.parts, operation.revision);
    return evaluateRange(this.parts.history, view, operation, this.budget);
  }

  private put(operation: PutOperation): OperationResult {
    const key = textOf(operation.key);
    const before = this.parts.index.newest(key);
    const { value, contentType, metadata } = operation;
    const content = operation.ignoreValue ? this.contentOf(before) : { value, contentType, metadata };
    const lease = this.leaseOf(operation, before);
    const revisions = this.write({ key, content, lease, before });
    const previous = exists(before) ? this.previous([before], operation.previous)[0] : undefined;
    return { kind: "put", created: !exists(before), lease: lease.id, previous: previous ?? null, ...revisions };
  }

  private increment(operation: IncrementOperation): OperationResult {
    const key = textOf(operation.key);
    const before = this.parts.index.newest(key);
    const value = String(sumOf(this.parts, operation));
    const content = { ...this.contentOf(before), value: encoder.encode(value) };
    const lease = { id: exists(before) ? before.lease : noLease, ttlMs: 0 };
    const revisions = this.write({ key, content, lease, before });
    return { kind: "increment", created: !exists(before), value, ...revisions };
  }

  private delete(operation: DeleteOperation): OperationResult {
    const { draft, budget } = this;
    let deleted = 0;
    const states: KeyState[] = [];
    if (operation.previous === "none") deleted = countSpan(draft, operation);
    else {
      let bytes = 0;
      for (const state of statesOf(draft, operation)) {
        deleted += 1;
        states.push(state);
        bytes += knownBytes(state, operation.previous === "values");
        if (!budget.allows(bytes)) break;
      }
    }
    const previous = this.previous(states, operation.previous);
    if (deleted > 0) {
      draft.delete(rangeOf(operation));
      this.effects.push({ kind: "delete", operation });
    }
    return { kind: "delete", deleted, previous };
  }

  private write(put: Put): { createRevision: number; modRevision: number; version: number } {
    const { key, content, lease, before } = put;
    const revisions = { ...revisionsAfterPut(before, this.at.revision), modRevision: this.at.revision };
    this.effects.push({ kind: "put", put });
    const valueBytes = content.value.length;
    this.draft.put({ key, position: 0, jump: 0, ...revisions, lease: lease.id, valueBytes, content });
    return revisions;
  }

  private leaseOf({ lease, ttlMs, ignoreLease }: PutOperation, before: KeyState | undefined): PutLease {
    if (ignoreLease) return { id: exists(before) ? before.lease : noLease, ttlMs: 0 };
    if (ttlMs === 0) return { id: lease, ttlMs: 0 };
    const { id, sequence } = this.parts.leases.pick(this.leaseSequence);
    this.leaseSequence = sequence;
    return { id, ttlMs: Math.max(ttlMs, minTtlMs) };
  }

  private contentOf(before: KeyState | undefined): Content {
    return exists(before) ? this.parts.history.content(before.position) : noContent;
  }

  private previous(states: readonly KeyState[], level: Previous): Item[] {
    return level === "none" ? [] : readItems(this.parts.history, states, level === "values", this.budget);
  }
}
