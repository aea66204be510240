/** Which nodes the state of `npm start` belongs to: a group's first members can't be changed by its configuration. */

import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { readMembers } from "../../src/env.ts";
import type { MemberSpecification } from "../../src/internal.ts";
import { generateMembers } from "./deployment.ts";

/**
 * The nodes to start: those stored, or as many as are asked for. Undefined leaves it to wrangler.toml. Throws an `Error`
 * when another number is asked for than is stored.
 */
export function chooseMembers(
  statePath: string,
  nodes: number | undefined,
): readonly MemberSpecification[] | undefined {
  const stored = readStoredMembers(statePath);
  if (stored === undefined) return nodes === undefined ? undefined : generateMembers(nodes);
  if (nodes === undefined || nodes === stored.length) return stored;
  const count = stored.length === 1 ? "1 node" : `${stored.length} nodes`;
  throw new Error(`the stored cluster has ${count}: add --fresh to forget it and start ${nodes}`);
}

export function storeMembers(statePath: string, members: readonly MemberSpecification[]): void {
  writeFileSync(membersPath(statePath), `${JSON.stringify(members)}\n`);
}

function readStoredMembers(statePath: string): readonly MemberSpecification[] | undefined {
  const path = membersPath(statePath);
  if (!existsSync(path)) return undefined;
  return readMembers({ RAFT_MEMBERS: JSON.parse(readFileSync(path, "utf8")) });
}

function membersPath(statePath: string): string {
  return `${statePath}/members.json`;
}
