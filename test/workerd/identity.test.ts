/** Nodes that lost their storage, groups that lost their majority: who is believed, and who is not. */

import { reset, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { recoveryConfirmation } from "../../src/membership.ts";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { calm, eventually, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

/** Loses all that an object has stored, and its memory. */
async function wipe(group: TestGroup, id: string): Promise<void> {
  await runInDurableObject(group.stub(id), async (_, { storage }) => {
    await storage.deleteAll();
    await storage.sync();
  });
  await group.abort(id);
}

/** How many peers a node knows by their storages. */
async function known(group: TestGroup, id: string): Promise<number> {
  return await runInDurableObject(group.stub(id), (_, { storage }) => {
    return storage.sql.exec<{ count: number }>("SELECT count(*) AS count FROM raft_peers").one().count;
  });
}

async function everybodyKnown(group: TestGroup): Promise<void> {
  await eventually("everybody's storage everywhere", async () => {
    const counts = await Promise.all(group.ids.map((id) => known(group, id)));
    return counts.every((count) => count === group.ids.length - 1) ? true : null;
  });
}

describe("hazard-36 a node that lost its storage", () => {
  test("elects nobody, not even somebody who has had nothing from it but the word that it is there", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const [holder, behind] = group.followers(leader) as [string, string];
    await everybodyKnown(group);
    faults.cut(group.object(leader.id), group.object(behind));
    expect(await group.put(leader.id, "key", "acknowledged")).toHaveProperty("done");
    faults.cut(group.object(leader.id), group.object(holder));
    await wipe(group, holder);
    // The two are a majority by their names.
    await scheduler.wait(4 * calm.electionMaxMs);
    const roles = (await group.statuses([holder, behind])).map(({ role }) => role);
    expect(roles).not.toContain("leader");
    expect((await group.status(holder)).standing).toBe("fenced");
    faults.heal();
    const next = await group.leader([leader.id, behind]);
    expect(await group.get(next.id, "key")).toMatchObject({ done: "acknowledged" });
  });

  test("is refused under its old name, neither votes nor acknowledges, and says why", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    await group.put(leader.id, "key", "value");
    const [id, other] = group.followers(leader) as [string, string];
    await wipe(group, id);
    const status = await eventually("its own insight", async () => {
      const now = await group.status(id);
      return now.standing === "fenced" ? now : null;
    });
    expect(status.standingReason).toContain("another storage");
    expect(status.log.lastIndex).toBe(0);
    expect(await group.get(id, "key", "stale")).toMatchObject({ refused: { code: "fenced" } });
    // With the other one gone, its acknowledgement is all that a commit would need.
    faults.cut(group.object(leader.id), group.object(other));
    faults.cut(group.object(id), group.object(other));
    expect(await group.put(leader.id, "key", "unsafe", 600)).toMatchObject({ refused: { ambiguous: true } });
    await eventually("the end of its leadership", async () =>
      (await group.statuses()).every(({ role }) => role !== "leader") ? true : null,
    );
    await scheduler.wait(2 * calm.electionMaxMs);
    expect((await group.statuses()).filter(({ role }) => role === "leader")).toEqual([]);
    expect(await group.stored(id)).toMatchObject({ term: 0, vote: null, last_index: 0 });
    faults.heal();
    expect(await group.put((await group.leader([leader.id, other])).id, "key", "safe")).toHaveProperty("done");
    await group.abort(id);
    expect((await group.status(id)).standing).toBe("fenced");
  });

  test("is removed and added again by its operator, as another storage", async () => {
    const group = new TestGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    await client.put("key", "value");
    const [id] = group.followers(leader) as [string];
    await wipe(group, id);
    await eventually("its own insight", async () => ((await group.status(id)).standing === "fenced" ? true : null));
    expect(await client.call("DELETE", `cluster/members/${id}`)).toMatchObject({ body: { code: "two_voters" } });
    expect((await client.call("DELETE", `cluster/members/${id}?force=true`)).status).toBe(200);
    expect((await client.call("POST", "cluster/members", { id })).status).toBe(200);
    await eventually("three voters", async () =>
      (await client.members()).join() === "n1 voter,n2 voter,n3 voter" ? true : null,
    );
    expect(await group.get(id, "key")).toMatchObject({ done: "value" });
  });
});

describe("hazard-37 a group that lost its majority", () => {
  const confirmed = (node: string): object => ({ node, confirm: recoveryConfirmation });

  test("is recovered from one survivor, and those left behind are refused when they return", async () => {
    const group = new TestGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    await client.put("key", "value");
    const lost = group.followers(leader);
    const survivor = leader.id;
    await eventually("all at the survivor", async () =>
      (await group.status(survivor)).log.appliedIndex === leader.log.lastIndex + 1 ? true : null,
    );
    for (const id of lost) {
      faults.missing.add(group.object(id));
      faults.cut(group.object(survivor), group.object(id));
    }
    const recovered = await client.call("POST", "cluster/recover?timeout=3s", confirmed(survivor));
    expect(recovered).toMatchObject({ status: 200, body: { node: survivor } });
    expect(recovered.body["warning"]).toContain("recovered by force");
    await eventually("a leader of one", async () => ((await group.status(survivor)).role === "leader" ? true : null));
    expect(await client.members()).toEqual([`${survivor} voter`]);
    expect(await client.put("key", "after")).toBe(200);
    // The former majority is back, and does not know.
    faults.heal();
    faults.missing.clear();
    for (const id of lost) {
      await eventually(`the end of ${id}`, async () => {
        const { standing } = await group.status(id);
        return standing === "superseded" ? true : null;
      });
      expect(await group.put(id, "key", "old")).toMatchObject({ refused: { code: "fenced" } });
    }
    expect(await client.put("key", "last")).toBe(200);
    const [first, second] = lost as [string, string];
    const added = { changes: [{ add: { id: first, promote: true } }, { add: { id: second, promote: true } }] };
    expect((await client.call("POST", "cluster/members", added)).status).toBe(200);
    await eventually("three voters", async () =>
      (await client.members()).join() === "n1 voter,n2 voter,n3 voter" ? true : null,
    );
    expect(await group.get(first, "key")).toMatchObject({ done: "last" });
    expect((await group.status(first)).groupId).toBe(recovered.body["group_id"]);
  });

  test("is not recovered while a majority lives, nor without saying what it means", async () => {
    const group = new TestGroup();
    const client = new ApiClient(group);
    await group.leader();
    const before = await group.statuses();
    for (const body of [{}, { node: "n1" }, { node: "n1", confirm: "yes" }, { confirm: recoveryConfirmation }]) {
      const refused = await client.call("POST", "cluster/recover", body);
      expect(refused).toMatchObject({ status: 400, body: { code: "not_confirmed" } });
    }
    const refused = await client.call("POST", "cluster/recover?force=true", confirmed("n1"));
    expect(refused).toMatchObject({ status: 409, body: { code: "group_alive", ambiguous: false } });
    expect((await group.statuses()).map(({ groupId }) => groupId)).toEqual(before.map(({ groupId }) => groupId));
  });
});
