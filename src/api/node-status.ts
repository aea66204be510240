/** Reads a node's status, which may come from another version of this code. */

import type { NodeStatus } from "../internal.ts";
import { parseJson } from "./node-call.ts";

/** Undefined for bytes without the fields that are read here. */
export function readStatus(bytes: Uint8Array): NodeStatus | undefined {
  const status = parseJson(bytes) as Partial<NodeStatus> | null | undefined;
  const log: Partial<NodeStatus["log"]> = status?.log ?? {};
  const numbers = [status?.term, log.firstIndex, log.lastIndex, log.commitIndex, log.appliedIndex];
  return numbers.every(Number.isSafeInteger) ? (status as NodeStatus) : undefined;
}
