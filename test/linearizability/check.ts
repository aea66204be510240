/** Whether a history is linearizable, part by part, and if it is not, the shortest part that shows it. */

import { explain } from "./explain.ts";
import type { Operation } from "./history.ts";
import type { Model } from "./model.ts";
import { partitionOf } from "./partition.ts";
import { Search } from "./search.ts";
import type { SearchLimits } from "./search.ts";
import { shrink } from "./shrink.ts";

export interface Report {
  /** `unknown` when no part is violated and the search gave up on one. */
  readonly verdict: "linearizable" | "violated" | "unknown";
  readonly operations: number;
  /** Those of unknown outcome among them. */
  readonly unknown: number;
  readonly parts: number;
  readonly configurations: number;
  /** What was found, or which parts were too much; empty for a linearizable history. */
  readonly findings: readonly string[];
}

export const defaultLimits: SearchLimits = { maxConfigurations: 1_000_000 };

export function checkLinearizability<State, Call, Answer>(
  model: Model<State, Call, Answer>,
  operations: readonly Operation<Call, Answer>[],
  limits: SearchLimits = defaultLimits,
): Report {
  const parts = partitionOf(operations, (call) => model.keysOf(call));
  const findings: string[] = [];
  let [violated, gaveUp, configurations] = [0, 0, 0];
  for (const part of parts) {
    const result = new Search(model, part.operations, limits).run();
    configurations += result.configurations;
    const named = `${part.keys.join(" ")} (${part.operations.length} operations)`;
    if (result.verdict === "gave up") {
      gaveUp += 1;
      findings.push(`gave up on ${named} after ${result.configurations} configurations`);
    } else if (result.verdict === "violated") {
      violated += 1;
      const shortest = shrink(model, part.operations, limits);
      findings.push(
        `not linearizable: ${named}, of which ${shortest.length} show it\n${explain(model, shortest, limits)}`,
      );
    }
  }
  return {
    verdict: violated > 0 ? "violated" : gaveUp > 0 ? "unknown" : "linearizable",
    operations: operations.length,
    unknown: operations.filter(({ completion }) => completion === null).length,
    parts: parts.length,
    configurations,
    findings,
  };
}
