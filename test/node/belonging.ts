/** A node's place in its group, kept in memory. */

import { Belonging, type BelongingHost } from "../../src/node/belonging.ts";
import { MembershipStorage, type Retirement } from "../../src/node/membership-storage.ts";
import type { StoredNode } from "../../src/node/storage.ts";
import { NodeSql } from "../support/node-sql.ts";

/** What was found out about the node. */
export const retirements: Retirement[] = [];

/** That of a node which wrangler.toml lists or, if `joined` says so, of one that waits to be made a member. */
export function belongingOf(stored: StoredNode, more: Partial<BelongingHost> = {}, joined = false): Belonging {
  const storage = new MembershipStorage(new NodeSql());
  storage.create(joined, stored.configuration);
  return new Belonging(storage, stored, {
    within: () => ({ term: 0, leads: false, leader: null, appliedIndex: 0 }),
    onRetired: (retirement) => void retirements.push(retirement),
    listedHint: () => undefined,
    ...more,
  });
}
