/** Durations in addresses: a whole number with its unit. */

import { ApiError } from "./errors.ts";
import type { Parameters } from "./parameters.ts";

const pattern = /^(\d{1,12})(ms|s|m|h|d)$/;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** A parameter's duration, undefined unless given. Throws for one that is out of these bounds, or none. */
export function durationOf(
  parameters: Parameters,
  name: string,
  { leastMs, mostMs }: { readonly leastMs: number; readonly mostMs: number },
): number | undefined {
  const text = parameters.text(name);
  if (text === undefined) return undefined;
  const [, digits = "", unit = "ms"] = pattern.exec(text) ?? [];
  const durationMs = digits === "" ? Number.NaN : Number(digits) * unitMs[unit as keyof typeof unitMs];
  if (durationMs >= leastMs && durationMs <= mostMs) return durationMs;
  const bounds = `from ${textOf(leastMs)} to ${textOf(mostMs)}`;
  throw new ApiError("invalid_parameter", `${name} must be a whole number of ms, s, m, h or d, ${bounds}.`);
}

/** In the largest unit of which it is a whole number. */
function textOf(durationMs: number): string {
  const units = Object.entries(unitMs).filter(([, one]) => durationMs % one === 0);
  const [unit, one] = units.at(-1) ?? ["ms", 1];
  return durationMs === 0 ? "0s" : `${durationMs / one}${unit}`;
}
