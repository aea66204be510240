/** What one event of a node may spend on calls: when that is used up, others go on. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { faults } from "./faults.ts";
import { eventually, TestGroup } from "./test-group.ts";

const log = { keepEntries: 20, keepBytes: 1_000_000, maxEntries: 60, maxBytes: 10_000_000, maxPageBytes: 500 };

afterEach(async () => {
  faults.clear();
  await reset();
});

function newGroup(): TestGroup {
  const group = new TestGroup();
  for (const id of group.ids) faults.configure(group.object(id), { RAFT_LOG: log });
  return group;
}

describe("hazard-53 the calls that one event may make are used up", () => {
  test("by a leader under load, which is not deposed and answers everybody", async () => {
    const group = newGroup();
    const leader = await group.leader();
    // Enough for a batch to both others, and not for the next one, which follows from their answers.
    faults.budgets.set(group.object(leader.id), 3);
    for (let round = 0; round < 40 || (faults.refusedCalls < 5 && round < 400); round += 1) {
      const writes = Array.from({ length: 16 }, (_, key) => group.put(leader.id, `key-${key}`, `value ${round}`));
      expect((await Promise.all(writes)).filter((outcome) => "refused" in outcome)).toEqual([]);
    }
    expect(faults.refusedCalls).toBeGreaterThanOrEqual(5);
    expect(await group.leader()).toMatchObject({ id: leader.id, term: leader.term });
  });

  test("by the sending of a state, which goes on in another event until all of it is there", async () => {
    const group = newGroup();
    const leader = await group.leader();
    const [away = ""] = group.followers(leader);
    for (const id of group.ids) if (id !== away) faults.cut(group.object(id), group.object(away));
    for (let key = 0; key < 120; key += 1) await group.put(leader.id, `key-${key % 50}`, `value ${key}`);
    faults.budgets.set(group.object(leader.id), 4);
    faults.heal();
    await eventually("the state", async () => {
      const read = await group.get(away, "key-19", "stale");
      return "done" in read && read.done === "value 119" ? true : null;
    });
    expect(await group.metric(away, "durable_raft_snapshots_installed_total")).toBe(1);
    expect(faults.refusedCalls).toBeGreaterThan(3);
    expect(await group.metric(leader.id, "durable_raft_snapshots_sent_total", 'result="failed"')).toBeGreaterThan(0);
  });
});
