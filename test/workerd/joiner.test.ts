/** A node that joins a group whose log no longer begins at the beginning: it gets the state, whoever dies on the way. */

import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { NodeStatus } from "../../src/internal.ts";
import { content } from "../../src/kv/content.ts";
import type { Sql } from "../../src/machine.ts";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { calm, eventually, TestGroup } from "./test-group.ts";

const log = { keepEntries: 20, keepBytes: 1_000_000, maxEntries: 60, maxBytes: 10_000_000, maxPageBytes: 300 };
/** So many pages, with a rest between them, that there is time to kill somebody. */
const keys = 250;
const joiner = "n4";

afterEach(async () => {
  faults.clear();
  await reset();
});

interface Staged {
  readonly id: string;
  readonly sequence: number;
}

/**
 * A compacted group of three that holds data, and a learner that has begun to get it.
 *
 * @param quickest the node that stands for election long before the others
 */
async function joining(quickest?: string): Promise<{ group: TestGroup; leader: NodeStatus; staged: Staged }> {
  const group = new TestGroup();
  const slow = { ...calm, electionMinMs: 20_000, electionMaxMs: 30_000 };
  for (const id of group.ids) if (quickest !== undefined && id !== quickest) group.time(id, slow);
  for (const id of [...group.ids, joiner]) faults.configure(group.object(id), { RAFT_LOG: log });
  group.time(joiner, calm);
  const leader = await group.leader();
  for (let first = 0; first < keys; first += 10) {
    const writes = Array.from({ length: 10 }, (_, key) => group.put(leader.id, `key-${first + key}`, "value"));
    expect((await Promise.all(writes)).every((outcome) => "done" in outcome)).toBe(true);
  }
  await eventually("a short log", async () => ((await group.status(leader.id)).log.firstIndex > 1 ? true : null));
  const added = await new ApiClient(group).call("POST", "cluster/members", { id: joiner, role: "learner" });
  expect(added.status).toBe(200);
  return { group, leader, staged: await pages(group, 5) };
}

/** Waits until so many pages have arrived at the joiner, and not yet all. */
async function pages(group: TestGroup, count: number): Promise<Staged> {
  return await eventually(`${count} pages`, async () => {
    const staged = await stagedAt(group);
    return staged !== null && staged.sequence >= count ? staged : null;
  });
}

async function stagedAt(group: TestGroup): Promise<Staged | null> {
  return await runInDurableObject(group.stub(joiner), (_, { storage }) => {
    const [row] = storage.sql.exec<Record<string, string | number>>("SELECT * FROM raft_staging").toArray();
    return row === undefined ? null : { id: String(row["cut_id"]), sequence: Number(row["sequence"]) };
  });
}

/** Waits until the joiner has everything, and compares it with a node that had it before. */
async function expectWhole(group: TestGroup, ids = group.ids): Promise<void> {
  const leader = await group.leader(ids);
  const written = await group.put(leader.id, "after", "value");
  expect(written).toHaveProperty("done");
  const { commitIndex } = (await group.status(leader.id)).log;
  await eventually("all of it at the joiner", async () => {
    const { log: entries } = await group.status(joiner);
    return entries.appliedIndex >= commitIndex ? true : null;
  });
  for (const id of [joiner, leader.id]) {
    for (const key of ["key-0", `key-${keys - 1}`]) {
      expect(await group.get(id, key, "stale"), `${key} at ${id}`).toMatchObject({ done: "value" });
    }
  }
  const [mine, others] = await Promise.all([joiner, leader.id].map((id) => contentOf(group, id)));
  expect(mine).toEqual(others);
}

async function contentOf(group: TestGroup, id: string): Promise<string[]> {
  return await runInDurableObject(group.stub(id), (_, { storage }) => [...content(storage.sql as unknown as Sql)]);
}

test("gets the state, and then the entries behind it", async () => {
  const { group } = await joining();
  await expectWhole(group);
  expect(await group.metric(joiner, "durable_raft_snapshots_installed_total")).toBe(1);
  expect((await group.status(joiner)).standing).toBe("member");
});

test("goes on with the next page when it is killed in mid-transfer", async () => {
  const { group, staged } = await joining();
  await group.abort(joiner);
  const before = await stagedAt(group);
  expect(before).toMatchObject({ id: staged.id });
  expect(before!.sequence).toBeGreaterThanOrEqual(staged.sequence);
  expect(await pages(group, before!.sequence + 5)).toMatchObject({ id: staged.id });
  await expectWhole(group);
});

test("goes on with the next page when its leader is killed in mid-transfer and leads again", async () => {
  const { group, leader, staged } = await joining("n1");
  expect(leader.id).toBe("n1");
  // The others start again as well, so that nobody sticks to the leader that was, and are slower to stand for election.
  for (const id of group.ids) await group.abort(id);
  const before = await stagedAt(group);
  expect(before).toMatchObject({ id: staged.id });
  expect(await group.leader()).toMatchObject({ id: "n1" });
  expect(await pages(group, before!.sequence + 5), "of the cut that was open").toMatchObject({ id: staged.id });
  await expectWhole(group);
});

test("gets the state from the next leader when its leader is killed in mid-transfer and stays away", async () => {
  const { group, leader } = await joining();
  const others = group.followers(leader);
  for (const id of [...others, joiner]) faults.cut(group.object(leader.id), group.object(id));
  await group.abort(leader.id);
  await expectWhole(group, others);
  faults.heal();
  await expectWhole(group);
  expect((await group.status(joiner)).standing).toBe("member");
});
