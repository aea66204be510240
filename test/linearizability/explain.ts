/** Tells a person why a history is not linearizable: how far it can be explained, and what can't be put behind that. */

import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";
import { Search } from "./search.ts";
import type { SearchLimits } from "./search.ts";

/** So many of the explained operations are shown, the last ones. */
const maxShown = 12;
/** So many are shown of those that can't be explained, and of those of unknown outcome. */
const maxLeft = 8;

/** @param operations a violated history, best one that was shrunk */
export function explain<State, Call, Answer>(
  model: Model<State, Call, Answer>,
  operations: readonly Operation<Call, Answer>[],
  limits: SearchLimits,
): string {
  const { deepest } = new Search(model, operations, limits).run(true);
  if (deepest === null) return "the search found no order and can't say where it ends";
  const { order, left } = deepest;
  const line = (mark: string, operation: Operation<Call, Answer>): string => describe(mark, operation, model);
  const hidden = Math.max(0, order.length - maxShown);
  const beginning = hidden === 0 ? model.initial : (order[hidden - 1]?.state ?? model.initial);
  const used = new Set(order.map(({ operation }) => operation));
  const unused = operations.filter((operation) => operation.completion === null && !used.has(operation));
  return [
    hidden === 0 ? "  at first " : `  after ${hidden} operations that can be explained: `,
    `${model.describeState(beginning)}\n`,
    ...order.slice(hidden).map(({ operation }) => line("✓", operation)),
    `  then ${model.describeState(order.at(-1)?.state ?? model.initial)}, and none of these fits:\n`,
    ...left.slice(0, maxLeft).map((operation) => line("✗", operation)),
    ...(left.length > maxLeft ? [`    and ${left.length - maxLeft} more\n`] : []),
    ...(unused.length > 0 ? ["  nor do these help, whose outcome is not known:\n"] : []),
    ...unused.slice(-maxLeft).map((operation) => line("?", operation)),
  ].join("");
}

function describe<Call, Answer>(
  mark: string,
  { client, call, invokedAtMs, completion }: Operation<Call, Answer>,
  model: Pick<Model<unknown, Call, Answer>, "describe">,
): string {
  const [from, to] = [invokedAtMs.toFixed(1), completion === null ? "…" : completion.atMs.toFixed(1)];
  const times = `${from.padStart(10)} – ${to.padEnd(10)}`;
  return `  ${mark} ${times} ${client.padEnd(6)} ${model.describe(call, completion?.answer ?? null)}\n`;
}
