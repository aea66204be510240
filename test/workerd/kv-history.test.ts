/** A group whose history is to be forgotten by itself. */

import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import { faults } from "./faults.ts";
import { eventually, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

interface Kept {
  compact_revision: number;
  revision: number;
  rows: number;
}

async function keptBy(group: TestGroup, id: string): Promise<Kept> {
  const statement = "SELECT compact_revision, revision, (SELECT count(*) FROM kv_revisions) AS rows FROM kv_meta";
  return await runInDurableObject(group.stub(id), (_, { storage }) => {
    const [row] = storage.sql.exec<Kept & Record<string, number>>(statement).toArray();
    if (row === undefined) throw new Error("the node holds no store");
    return row;
  });
}

test("the leader has it compacted, and all nodes forget the same", async () => {
  const group = new TestGroup();
  for (const id of group.ids) faults.configure(group.object(id), { RAFT_HISTORY: { keepRevisions: 10 } });
  const leader = await group.leader();
  for (let number = 0; number < 60; number += 1) await group.put(leader.id, `key${number % 3}`, `value ${number}`);
  const kept = await eventually("a short history", async () => {
    const all = await Promise.all(group.ids.map((id) => keptBy(group, id)));
    // The last compaction follows the last write by a few milliseconds.
    const isShort = all.every((one) => one.revision === 61 && one.compact_revision >= 61 - 12);
    return isShort && equal(all) ? all[0] : null;
  });
  expect(kept?.rows).toBeLessThanOrEqual(12 + 3);
});

function equal(all: readonly Kept[]): boolean {
  return new Set(all.map((one) => JSON.stringify(one))).size === 1;
}
