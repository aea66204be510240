/** Real nodes whose log is short: who was away for too long, or has just joined, gets the state. */

import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeStatus } from "../../src/internal.ts";
import { internalPath } from "../../src/internal.ts";
import { content } from "../../src/kv/content.ts";
import type { Sql } from "../../src/machine.ts";
import { faults } from "./faults.ts";
import { bytes, eventually, putCommand, TestGroup } from "./test-group.ts";

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

function isolate(group: TestGroup, id: string): void {
  for (const peer of group.ids) if (peer !== id) faults.cut(group.object(id), group.object(peer));
}

async function write(group: TestGroup, leader: string, prefix: string, count: number): Promise<void> {
  for (let number = 0; number < count; number += 1) {
    const outcome = await group.put(leader, `${prefix}${number % 50}`, `value ${number}`);
    if (!("done" in outcome)) throw new Error(JSON.stringify(outcome));
  }
}

async function contentOf(group: TestGroup, id: string): Promise<string[]> {
  return await runInDurableObject(group.stub(id), (_, { storage }) => [...content(storage.sql as unknown as Sql)]);
}

/** Waits until all nodes have applied the same, and compares what they hold. */
async function expectEqual(group: TestGroup): Promise<NodeStatus> {
  const leader = await group.leader();
  await eventually("the same everywhere", async () => {
    const { lastIndex } = (await group.status(leader.id)).log;
    return (await group.statuses()).every(({ log: { appliedIndex } }) => appliedIndex === lastIndex) ? true : null;
  });
  const [first, ...others] = await Promise.all(group.ids.map((id) => contentOf(group, id)));
  for (const other of others) expect(other).toEqual(first);
  return leader;
}

/** Names of the tables and triggers that a cut or a staging would have left behind. */
async function leftBehind(group: TestGroup, id: string): Promise<string[]> {
  return await runInDurableObject(group.stub(id), (_, { storage }) =>
    storage.sql
      .exec<{ name: string }>(
        "SELECT name FROM sqlite_schema WHERE name LIKE 'raft\\_staged%' ESCAPE '\\' OR name LIKE 'raft\\_c%kv%' ESCAPE '\\'",
      )
      .toArray()
      .map(({ name }) => name),
  );
}

describe("the log", () => {
  test("is kept short on every node, and the cluster's view says where it begins", async () => {
    const group = newGroup();
    const leader = await group.leader();
    await write(group, leader.id, "key", 60);
    await eventually("short logs", async () => {
      const logs = (await group.statuses()).map((status) => status.log);
      return logs.every(({ firstIndex, lastIndex }) => firstIndex > 1 && lastIndex - firstIndex < 60) ? true : null;
    });
    expect(await group.metric(leader.id, "durable_raft_compacted_entries_total")).toBeGreaterThan(0);
    for (const id of group.ids) await group.abort(id);
    expect(await group.get((await group.leader()).id, "key9")).toMatchObject({ done: "value 59" });
  });
});

describe("a new node", () => {
  test("of a group whose log no longer begins at the beginning gets the state, and is promoted", async () => {
    const group = newGroup();
    const leader = await group.leader();
    await write(group, leader.id, "key", 100);
    const newcomer = { action: "add", id: "n4", role: "voter", promote: true };
    const request = bytes(JSON.stringify({ force: false, changes: [newcomer] }));
    expect((await group.call(leader.id, internalPath.members, request)).status).toBe(200);
    await eventually("a fourth voter", async () => {
      const { members } = await group.status(leader.id);
      return members.some(({ id, role }) => id === "n4" && role === "voter") ? true : null;
    });
    await write(group, (await group.leader()).id, "after", 5);
    expect(await group.metric("n4", "durable_raft_snapshots_installed_total")).toBe(1);
    await eventually("the last write", async () => {
      const read = await group.get("n4", "after4", "stale");
      return "done" in read && read.done === "value 4" ? true : null;
    });
    const { lastIndex } = (await group.status("n4")).log;
    await eventually("the same everywhere", async () =>
      (await group.statuses()).every(({ log: { appliedIndex } }) => appliedIndex === lastIndex) ? true : null,
    );
    expect(await contentOf(group, "n4")).toEqual(await contentOf(group, "n1"));
  });
});

describe("a node that was away for longer than the log reaches back", () => {
  test("gets the state while the leader goes on, and is equal to the others", async () => {
    const group = newGroup();
    const leader = await group.leader();
    const [away = ""] = group.followers(leader);
    await write(group, leader.id, "before", 20);
    isolate(group, away);
    await write(group, leader.id, "key", 120);
    const lastIndex = (await group.status(away)).log.lastIndex;
    expect((await group.status(leader.id)).log.firstIndex).toBeGreaterThan(lastIndex + 1);
    faults.heal();
    await write(group, leader.id, "during", 40);
    const now = await expectEqual(group);
    expect(await group.metric(away, "durable_raft_snapshots_installed_total")).toBe(1);
    expect(await group.metric(now.id, "durable_raft_snapshots_sent_total", 'result="delivered"')).toBe(1);
    const sent = await group.metric(now.id, "durable_raft_snapshot_bytes_total", 'direction="sent"');
    expect(sent).toBeGreaterThan(1000);
    expect([...(await leftBehind(group, now.id)), ...(await leftBehind(group, away))]).toEqual([]);
  });

  test("hazard-19 hazard-31 knows its members, its data and its idempotency keys after a restart from the snapshot alone", async () => {
    const group = newGroup();
    const leader = await group.leader();
    const [away = ""] = group.followers(leader);
    const idempotent = putCommand("once", "value", "a key of the client");
    const first = await group.propose(leader.id, idempotent);
    isolate(group, away);
    await write(group, leader.id, "key", 100);
    faults.heal();
    await expectEqual(group);
    await group.abort(away);
    const { members } = await group.status(away);
    expect(members.map(({ id }) => id)).toEqual(["n1", "n2", "n3"]);
    const before = await group.leader();
    await group.call(before.id, internalPath.transfer, bytes(JSON.stringify({ to: away })));
    const next = await group.leader();
    expect(next.id).toBe(away);
    const again = await group.propose(next.id, idempotent);
    expect("done" in first && "done" in again && again.done.join() === first.done.join()).toBe(true);
    await expectEqual(group);
  });

  test("hazard-20 gets the state although it is crashed and cut off on the way", async () => {
    const group = newGroup();
    const leader = await group.leader();
    const [away = ""] = group.followers(leader);
    isolate(group, away);
    await write(group, leader.id, "key", 120);
    for (let round = 0; round < 3; round += 1) {
      faults.heal();
      await scheduler.wait(30 + 20 * round);
      isolate(group, away);
      await group.abort(away);
    }
    faults.heal();
    await expectEqual(group);
    expect(await group.get(away, "key9", "stale")).toMatchObject({ done: "value 109" });
  });

  test("gets the state from another leader when the one that began is gone", async () => {
    const group = newGroup();
    const leader = await group.leader();
    const [away = ""] = group.followers(leader);
    isolate(group, away);
    await write(group, leader.id, "key", 120);
    faults.heal();
    await scheduler.wait(30);
    await group.abort(leader.id);
    const next = await group.leader();
    await write(group, next.id, "after", 5);
    await expectEqual(group);
    expect(await group.get(away, "after4", "stale")).toMatchObject({ done: "value 4" });
  });
});
