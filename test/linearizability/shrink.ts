/** Makes a history that is not linearizable as short as it can be and still show that. */

import { historyUntil } from "./history.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";
import { Search } from "./search.ts";
import type { SearchLimits } from "./search.ts";

/** Reads are tried for as long as all searches together have entered fewer configurations than this. */
const maxConfigurations = 300_000;

export function shrink<State, Call, Answer>(
  model: Model<State, Call, Answer>,
  operations: readonly Operation<Call, Answer>[],
  limits: SearchLimits,
): readonly Operation<Call, Answer>[] {
  const isViolated = (history: readonly Operation<Call, Answer>[]): boolean =>
    new Search(model, history, limits).run().verdict === "violated";
  const prefix = shortestPrefix(operations, isViolated);
  let configurations = 0;
  const isStillViolated = (history: readonly Operation<Call, Answer>[]): boolean => {
    if (configurations > maxConfigurations) return false;
    const result = new Search(model, history, limits).run();
    configurations += result.configurations;
    return result.verdict === "violated";
  };
  return withoutObservers(model, prefix, isStillViolated);
}

/** Whatever is known at a time of a linearizable history is linearizable, so what can't be explained begins at one time. */
function shortestPrefix<Call, Answer>(
  operations: readonly Operation<Call, Answer>[],
  isViolated: (history: readonly Operation<Call, Answer>[]) => boolean,
): readonly Operation<Call, Answer>[] {
  const times = operations.flatMap(({ completion }) => (completion === null ? [] : [completion.atMs]));
  times.sort((one, other) => one - other);
  let shortest = operations;
  for (let [from, to] = [0, times.length - 1]; from < to;) {
    const middle = (from + to) >> 1;
    const prefix = historyUntil(operations, times[middle] ?? 0);
    if (isViolated(prefix)) [to, shortest] = [middle, prefix];
    else from = middle + 1;
  }
  return shortest;
}

/** A linearizable history stays one without its reads, so those that are not needed to show the opposite may go. */
function withoutObservers<Call, Answer>(
  model: Pick<Model<unknown, Call, Answer>, "observes">,
  operations: readonly Operation<Call, Answer>[],
  isViolated: (history: readonly Operation<Call, Answer>[]) => boolean,
): readonly Operation<Call, Answer>[] {
  const isObserver = ({ call, completion }: Operation<Call, Answer>): boolean =>
    completion !== null && model.observes(call, completion.answer);
  let kept = operations;
  let observers = kept.filter(isObserver);
  for (let size = observers.length; size >= 1; size = Math.floor(size / 2)) {
    for (let first = 0; first < observers.length;) {
      const chunk = new Set(observers.slice(first, first + size));
      const without = kept.filter((operation) => !chunk.has(operation));
      if (isViolated(without)) {
        kept = without;
        observers = observers.filter((operation) => !chunk.has(operation));
      } else first += size;
    }
  }
  return kept;
}
