/** What the headers of an internal call say. */

import { type Consistency, internalHeader } from "../internal.ts";
import type { ReadBounds } from "./waiters.ts";

/** How new the state must be that is read, and how long that may take. */
export interface Freshness {
  readonly consistency: Consistency;
  readonly bounds: ReadBounds;
  readonly timeoutMs: number;
}

const defaultTimeoutMs = 10_000;

/** The group and the node that are meant; empty for what is not said. */
export function callee(headers: Headers): { readonly group: string; readonly node: string } {
  return { group: headers.get(internalHeader.group) ?? "", node: headers.get(internalHeader.node) ?? "" };
}

/** How long the caller still waits. */
export function timeoutMsOf(headers: Headers): number {
  const given = Number(headers.get(internalHeader.timeoutMs) ?? Number.NaN);
  return Number.isFinite(given) && given > 0 ? given : defaultTimeoutMs;
}

export function freshnessOf(headers: Headers): Freshness {
  const consistency = headers.get(internalHeader.consistency) === "stale" ? "stale" : "linearizable";
  return { consistency, bounds: boundsOf(headers), timeoutMs: timeoutMsOf(headers) };
}

function boundsOf(headers: Headers): ReadBounds {
  const maxStalenessMs = headers.get(internalHeader.maxStalenessMs);
  const minIndex = headers.get(internalHeader.minIndex);
  return {
    ...(maxStalenessMs === null ? {} : { maxStalenessMs: Number(maxStalenessMs) }),
    ...(minIndex === null ? {} : { minIndex: Number(minIndex) }),
  };
}
