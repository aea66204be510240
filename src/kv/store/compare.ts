/** Whether the compares of a transaction hold. */

import type { Compare } from "../model.ts";
import { compareBytes } from "../../bytes/compare.ts";
import type { History } from "./history.ts";
import { statesOf } from "./range.ts";
import type { KeyState } from "./key-state.ts";
import type { KeyView } from "./key-view.ts";

/**
 * All keys of the span must satisfy it. A span without keys counts as one key that does not exist: its revisions, version and
 * lease are 0, and no compare of its value holds (etcd's `applyCompares`).
 */
export function holds(history: History, view: KeyView, compare: Compare): boolean {
  let isEmpty = true;
  for (const state of statesOf(view, compare)) {
    isEmpty = false;
    if (!satisfies(compare.result, differenceOf(history, compare, state))) return false;
  }
  return !isEmpty || (compare.target !== "value" && satisfies(compare.result, differenceOf(history, compare, null)));
}

/** Negative, zero or positive, as what is stored is less than the operand, equal to it or greater. */
function differenceOf(history: History, compare: Compare, state: KeyState | null): number {
  switch (compare.target) {
    case "version":
      return (state?.version ?? 0) - compare.operand;
    case "create":
      return (state?.createRevision ?? 0) - compare.operand;
    case "mod":
      return (state?.modRevision ?? 0) - compare.operand;
    case "lease": {
      const difference = BigInt(state?.lease ?? 0) - BigInt(compare.operand);
      return difference === 0n ? 0 : difference < 0n ? -1 : 1;
    }
    case "value":
      return state === null ? 0 : compareBytes(history.content(state.position).value, compare.operand);
  }
}

function satisfies(result: Compare["result"], difference: number): boolean {
  switch (result) {
    case "equal":
      return difference === 0;
    case "notEqual":
      return difference !== 0;
    case "less":
      return difference < 0;
    case "greater":
      return difference > 0;
  }
}
