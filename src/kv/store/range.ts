/** Ranges as etcd evaluates them: count, filters, then order, then limit. */

import type { KeySpan, RangeOperation, RangeResult } from "../model.ts";
import type { History } from "./history.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import { compareBytes } from "../../bytes/compare.ts";
import { knownBytes, readItems } from "./items.ts";
import { rangeOf, textOf } from "./key-text.ts";
import type { KeyState } from "./key-state.ts";
import type { KeyView } from "./key-view.ts";

const noBytes = new Uint8Array(0);

type Order = (one: KeyState, other: KeyState) => number;

/** The states of a range in the order asked for, at most as many as the limit, and how many there are. */
interface Selection {
  readonly states: readonly KeyState[];
  /** How many keys the span has. */
  readonly count: number;
  /** How many of them the filters let through. */
  readonly matching: number;
}

/** When it has exceeded the budget, the result means nothing. */
export function evaluateRange(
  history: History,
  view: KeyView,
  operation: RangeOperation,
  budget: AnswerBudget,
): RangeResult {
  const { sortTarget, limit, keysOnly, countOnly } = operation;
  if (countOnly) return { kind: "range", items: [], count: countSpan(view, operation), more: false };
  if (sortTarget === "value") return evaluateByValue(history, view, operation, budget);
  const order = orderOf(operation);
  const isFirst = order === null && !isFiltered(operation);
  const { states, count, matching } = isFirst
    ? selectFirst(view, operation, budget)
    : selectSorted(view, operation, order, budget);
  const items = readItems(history, states, !keysOnly, budget);
  return { kind: "range", items, count, more: limit > 0 && matching > limit };
}

export function countSpan(view: KeyView, span: KeySpan): number {
  return span.rangeEnd === null ? Number(view.get(textOf(span.key)) !== undefined) : view.count(rangeOf(span));
}

/** The keys of a span in their order. */
export function statesOf(view: KeyView, span: KeySpan, reverse = false): Iterable<KeyState> {
  if (span.rangeEnd !== null) return view.scan(rangeOf(span), { reverse });
  const state = view.get(textOf(span.key));
  return state === undefined ? [] : [state];
}

/** Nothing is left out but by the limit, so only what is answered has to be looked at. */
function selectFirst(view: KeyView, operation: RangeOperation, budget: AnswerBudget): Selection {
  const { limit, keysOnly } = operation;
  const states: KeyState[] = [];
  let bytes = 0;
  for (const state of statesOf(view, operation, isReverse(operation))) {
    if (limit > 0 && states.length === limit) {
      const count = countSpan(view, operation);
      return { states, count, matching: count };
    }
    states.push(state);
    bytes += knownBytes(state, !keysOnly);
    if (!budget.allows(bytes)) return exceeded(budget);
  }
  return { states, count: states.length, matching: states.length };
}

/** All keys are looked at, and no more than twice as many kept as the limit asks for. */
function selectSorted(view: KeyView, operation: RangeOperation, order: Order | null, budget: AnswerBudget): Selection {
  const { limit } = operation;
  let kept: KeyState[] = [];
  let [bytes, count, matching] = [0, 0, 0];
  for (const state of statesOf(view, operation, isReverse(operation))) {
    count += 1;
    if (!passes(state, operation)) continue;
    matching += 1;
    // Without an order of its own the first ones are the ones.
    if (order === null && limit > 0 && kept.length === limit) continue;
    kept.push(state);
    bytes += knownBytes(state, false);
    if (order !== null && limit > 0 && kept.length === 2 * limit) {
      kept = kept.sort(order).slice(0, limit);
      bytes = kept.reduce((sum, one) => sum + knownBytes(one, false), 0);
    }
    if (!budget.allows(bytes / 2)) return exceeded(budget);
  }
  if (order !== null) kept.sort(order);
  return { states: limit > 0 ? kept.slice(0, limit) : kept, count, matching };
}

/** All values have to be read, so all of them count, whatever the limit leaves. */
function evaluateByValue(
  history: History,
  view: KeyView,
  operation: RangeOperation,
  budget: AnswerBudget,
): RangeResult {
  const { limit, keysOnly, sortOrder } = operation;
  const unlimited = { ...operation, limit: 0, sortOrder: "none" as const };
  const { states, count, matching } = selectSorted(view, unlimited, null, budget);
  const direction = sortOrder === "descend" ? -1 : 1;
  const items = readItems(history, states, true, budget)
    .sort((one, other) => direction * compareBytes(one.value ?? noBytes, other.value ?? noBytes))
    .slice(0, limit > 0 ? limit : undefined);
  return {
    kind: "range",
    items: keysOnly ? items.map((item) => ({ ...item, value: null })) : items,
    count,
    more: limit > 0 && matching > limit,
  };
}

function exceeded(budget: AnswerBudget): Selection {
  budget.exceed();
  return { states: [], count: 0, matching: 0 };
}

/** Only the order of the keys is one in which they can be read. */
function isReverse({ sortTarget, sortOrder }: RangeOperation): boolean {
  return sortTarget === "key" && sortOrder === "descend";
}

/** Null for the order of the keys, or its reverse. Of equal ones the lesser key is first. */
function orderOf({ sortTarget, sortOrder }: RangeOperation): Order | null {
  if (sortTarget === "key" || sortTarget === "value") return null;
  const field = ({ version: "version", create: "createRevision", mod: "modRevision" } as const)[sortTarget];
  return sortOrder === "descend"
    ? (one, other) => other[field] - one[field]
    : (one, other) => one[field] - other[field];
}

function isFiltered(operation: RangeOperation): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = operation;
  return [minModRevision, maxModRevision, minCreateRevision, maxCreateRevision].some((bound) => bound !== 0);
}

function passes({ modRevision, createRevision }: KeyState, operation: RangeOperation): boolean {
  const { minModRevision, maxModRevision, minCreateRevision, maxCreateRevision } = operation;
  return (
    (minModRevision === 0 || modRevision >= minModRevision) &&
    (maxModRevision === 0 || modRevision <= maxModRevision) &&
    (minCreateRevision === 0 || createRevision >= minCreateRevision) &&
    (maxCreateRevision === 0 || createRevision <= maxCreateRevision)
  );
}
