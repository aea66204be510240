/** How a read that comes over a binding is to be answered. */

import type { Fields } from "../api/json-fields.ts";
import type { ReadOptions } from "../api/node-read.ts";

export const readWords = ["consistency", "max_staleness_ms", "node"] as const;

export function readOptionsIn(fields: Fields): ReadOptions {
  const consistency = fields.choice("consistency", ["linearizable", "stale"]) ?? "linearizable";
  const isBounded = fields.has("max_staleness_ms");
  if (isBounded && consistency !== "stale") fields.refuse("max_staleness_ms", "needs a consistency of stale");
  const bounds = isBounded ? { maxStalenessMs: fields.number("max_staleness_ms") } : {};
  return { consistency, node: fields.text("node"), bounds };
}
