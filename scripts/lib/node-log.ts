/** The structured lines that nodes log, as scripts read them. */

import type { NodeStatus } from "../../src/internal.ts";

/** A node changed its role. */
export interface RoleChange {
  readonly event: "role";
  readonly group: string;
  readonly node: string;
  readonly role: NodeStatus["role"];
  readonly term: number;
}

/** The role change that a logged line tells of, or undefined if it tells of something else. */
export function parseRoleChange(line: string): RoleChange | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const event = JSON.parse(line) as Partial<RoleChange>;
    return event.event === "role" && typeof event.term === "number" ? (event as RoleChange) : undefined;
  } catch {
    return undefined;
  }
}
