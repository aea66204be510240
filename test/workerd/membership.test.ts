/** Changes of a group's members through real nodes, while clients write. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { ApiClient, membersOf } from "./api-client.ts";
import { faults } from "./faults.ts";
import { internalHeader, internalPath } from "../../src/internal.ts";
import { bytes, calm, eventually, refusalOf, TestGroup } from "./test-group.ts";

/** Ended after each test, whatever became of it. */
const writers: AbortController[] = [];

afterEach(async () => {
  for (const writer of writers.splice(0)) writer.abort();
  faults.clear();
  await reset();
});

/** A group of three, and a node beside it that can be added. */
function newGroup(): TestGroup {
  const group = new TestGroup();
  group.time("n4", calm);
  return group;
}

/** Writes one key after the other until it is told to stop; answers which writes were acknowledged, and how many failed. */
function writing(client: ApiClient): { stop(): Promise<{ written: string[]; failed: number }> } {
  const end = new AbortController();
  const run = async (): Promise<{ written: string[]; failed: number }> => {
    const written: string[] = [];
    let failed = 0;
    for (let count = 0; !end.signal.aborted; count += 1) {
      const status = await client.put(`key-${count}`, String(count));
      if (status < 300) written.push(`key-${count}`);
      else failed += 1;
      // Whatever goes wrong with the writes, the rest of the test has its turn.
      await scheduler.wait(1);
    }
    return { written, failed };
  };
  const done = run();
  writers.push(end);
  return {
    stop: () => {
      end.abort();
      return done;
    },
  };
}

/** All voters at last, with nothing left to be done. */
async function becomes(client: ApiClient, ...expected: readonly string[]): Promise<void> {
  await eventually(`the members ${expected.join(", ")}`, async () =>
    (await client.members()).join() === expected.join() ? true : null,
  );
}

describe("a new node", () => {
  test("joins as a learner, catches up, and is promoted by itself, while clients write", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    await group.leader();
    const writes = writing(client);
    const added = await client.call("POST", "cluster/members", { id: "n4", location_hint: "apac" });
    expect(added.status).toBe(200);
    expect(membersOf(added)[3]).toMatch(/^n4 /);
    await becomes(client, "n1 voter", "n2 voter", "n3 voter", "n4 voter");
    const { written, failed } = await writes.stop();
    expect(failed).toBe(0);
    const { standing, members } = await eventually("all at n4", async () => {
      const [status, leader] = [await group.status("n4"), await group.leader()];
      return status.log.appliedIndex === leader.log.lastIndex ? status : null;
    });
    expect(standing).toBe("member");
    expect(members.find(({ id }) => id === "n4")).toMatchObject({ locationHint: "apac", role: "voter" });
    for (const key of [written[0]!, written.at(-1)!]) {
      expect(await group.get("n4", key, "stale")).toMatchObject({ done: key.slice(4) });
    }
  });

  test("is found by a Worker that has never heard of it, when it leads", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    await group.leader();
    await client.call("POST", "cluster/members", { id: "n4" });
    await becomes(client, "n1 voter", "n2 voter", "n3 voter", "n4 voter");
    const transfer = await client.call("POST", "cluster/transfer", { to: "n4" });
    expect(transfer).toMatchObject({ status: 200, body: { leader: "n4" } });
    const other = new ApiClient(group);
    expect(await other.put("key", "value")).toBe(201);
    const { body } = await other.call("GET", "cluster");
    expect(body).toMatchObject({ leader: "n4", nodes: [{}, {}, {}, { id: "n4", reachable: true, role: "leader" }] });
  });

  test("that does not answer is not added", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    await group.leader();
    faults.missing.add(group.object("n4"));
    const refused = await client.call("POST", "cluster/members", { id: "n4" });
    expect(refused).toMatchObject({ status: 503, body: { code: "node_unreachable", ambiguous: false } });
    expect(await client.members()).toEqual(["n1 voter", "n2 voter", "n3 voter"]);
  });

  test("takes the place of another in one change", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const [gone, stays] = group.followers(leader) as [string, string];
    await client.put("key", "value");
    const replaced = await client.call("POST", "cluster/members", {
      changes: [{ add: { id: "n4" } }, { remove: gone }],
    });
    expect(replaced).toMatchObject({ status: 200, body: { joint: false } });
    expect(membersOf(replaced)).toEqual([leader.id, "n4", stays].toSorted().map((id) => `${id} voter`));
    await eventually("the key at n4", async () => {
      const read = await group.get("n4", "key", "stale");
      return "done" in read && read.done === "value" ? true : null;
    });
  });
});

describe("the leader", () => {
  test("hazard-24 hands over before it is removed, and the next leader removes it", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    await client.call("POST", "cluster/members", { id: "n4" });
    await becomes(client, "n1 voter", "n2 voter", "n3 voter", "n4 voter");
    const writes = writing(client);
    const removed = await client.call("DELETE", `cluster/members/${leader.id}`);
    expect(removed.status).toBe(200);
    expect(removed.body["leader"]).not.toBe(leader.id);
    expect((await writes.stop()).failed).toBe(0);
    const status = await eventually("the end of its membership", async () => {
      const now = await group.status(leader.id);
      return now.standing === "removed" ? now : null;
    });
    expect(status.role).toBe("follower");
    expect(await group.put(leader.id, "key", "value")).toMatchObject({ refused: { code: "removed" } });
    expect(await group.get(leader.id, "key", "stale")).toMatchObject({ refused: { code: "removed" } });
  });

  test("is demoted, and leads no more", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const demoted = await client.call("POST", `cluster/members/${leader.id}/demote?force=true`);
    expect(membersOf(demoted)).toContain(`${leader.id} learner`);
    expect(await client.put("key", "value")).toBe(201);
    const promoted = await client.call("POST", `cluster/members/${leader.id}/promote`);
    expect(membersOf(promoted)).toEqual(["n1 voter", "n2 voter", "n3 voter"]);
  });
});

describe("a removed node", () => {
  test("tells callers where the group is, and comes back under its name with another storage", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const [id] = group.followers(leader) as [string];
    await client.put("key", "value");
    const before = await group.status(id);
    expect((await client.call("DELETE", `cluster/members/${id}?force=true`)).status).toBe(200);
    await eventually("the end of its membership", async () =>
      (await group.status(id)).standing === "removed" ? true : null,
    );
    const refused = await group.put(id, "key", "other");
    expect(refused).toMatchObject({ refused: { code: "removed", ambiguous: false } });
    const members = "refused" in refused ? (refused.refused.members ?? []) : [];
    expect(members.map((member) => member.id)).toEqual(group.ids.filter((other) => other !== id));
    expect(await group.alarm(id)).toSatisfy((alarm) => alarm === null || Number(alarm) < Date.now() + 1000);
    expect((await client.call("POST", "cluster/members", { id })).status).toBe(200);
    await becomes(client, "n1 voter", "n2 voter", "n3 voter");
    const after = await group.status(id);
    expect(after.storageId).not.toBe(before.storageId);
    expect(after.groupId).toBe(before.groupId);
    expect(await client.put("key", "again")).toBe(200);
    expect(await group.get(id, "key")).toMatchObject({ done: "again" });
  });

  test("hazard-23 that missed its removal disturbs nobody with its campaigns, and is told", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const [id] = group.followers(leader) as [string];
    for (const peer of group.ids) if (peer !== id) faults.cut(group.object(id), group.object(peer));
    expect((await client.call("DELETE", `cluster/members/${id}?force=true`)).status).toBe(200);
    const rest = group.ids.filter((other) => other !== id);
    const { term } = await group.leader(rest);
    await eventually("campaigns", async () =>
      (await group.metric(id, "durable_raft_pre_votes_started_total")) >= 2 ? true : null,
    );
    expect((await group.status(id)).standing).toBe("member");
    faults.heal();
    const told = await eventually("the news", async () => {
      const status = await group.status(id);
      return status.standing === "removed" ? status : null;
    });
    expect(told.standingReason).toContain("removed this node");
    expect(told.members.map((member) => member.id)).toEqual(rest);
    expect((await group.leader(rest)).term).toBe(term);
    const started = await group.metric(id, "durable_raft_pre_votes_started_total");
    await scheduler.wait(2 * calm.electionMaxMs);
    expect(await group.metric(id, "durable_raft_pre_votes_started_total")).toBe(started);
    await group.abort(id);
    expect((await group.status(id)).standing).toBe("removed");
  });

  test("hazard-23 that missed its removal and never campaigns is told when somebody asks something of it", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    await client.call("POST", "cluster/members", { id: "n4", role: "learner" });
    await client.put("key", "value");
    await eventually("the value", async () => {
      const read = await group.get("n4", "key", "stale");
      return "done" in read && read.done === "value" ? true : null;
    });
    for (const peer of group.ids) faults.cut(group.object("n4"), group.object(peer));
    expect((await client.call("DELETE", "cluster/members/n4")).status).toBe(200);
    await client.put("key", "newer");
    faults.heal();
    await scheduler.wait(2 * calm.electionMaxMs);
    expect((await group.status("n4")).standing, "nobody has asked it").toBe("member");
    expect(await group.get("n4", "key", "stale")).toMatchObject({ done: "value" });
    await eventually("the news", async () => ((await group.status("n4")).standing === "removed" ? true : null));
    expect(await group.get("n4", "key", "stale")).toMatchObject({ refused: { code: "removed" } });
  });
});

describe("a change whose leader is lost", () => {
  test("in the middle of a joint one is completed by the next leader", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const [gone, stays] = group.followers(leader) as [string, string];
    await client.put("key", "value");
    const changes = [{ add: { id: "n4" } }, { remove: gone }];
    const cutOff = (id: string): unknown => faults.cut(group.object(leader.id), group.object(id));
    for (const id of [gone, stays]) cutOff(id);
    const answer = client.call("POST", "cluster/members?timeout=3s", { changes });
    await eventually("the newcomer", async () => ((await group.status("n4")).standing === "joining" ? true : null));
    // The voters before the change can commit it now; those after it can't commit that it is over.
    faults.heal();
    for (const id of ["n4", stays]) cutOff(id);
    await eventually("the joint configuration", async () => ((await group.status(gone)).joint ? true : null));
    await group.abort(leader.id);
    faults.heal();
    const { status, body } = await answer;
    expect(status === 200 || body["ambiguous"] === true).toBe(true);
    await eventually("the end of the change", async () => {
      const { joint, members } = (await client.call("GET", "cluster/members")).body as {
        readonly joint: boolean;
        readonly members: readonly { readonly id: string }[];
      };
      return !joint && members.some(({ id }) => id === "n4") ? true : null;
    });
    expect(await client.members()).toEqual([leader.id, "n4", stays].toSorted().map((id) => `${id} voter`));
    expect(await client.put("key", "after")).toBe(200);
  });

  test("hazard-41 to the minority's side is not made there, however it is forced", async () => {
    const group = newGroup();
    const leader = await group.leader();
    const others = group.followers(leader);
    for (const id of others) faults.cut(group.object(leader.id), group.object(id));
    const changes = others.map((id) => ({ action: "remove", id }));
    const request = bytes(JSON.stringify({ changes, force: true }));
    const answer = await group.call(leader.id, internalPath.members, request, { [internalHeader.timeoutMs]: "400" });
    expect(refusalOf(answer)).toMatchObject({ code: "timeout", ambiguous: true });
    expect((await group.status(leader.id)).members).toHaveLength(3);
    const next = await group.leader(others);
    expect(await group.put(next.id, "key", "value")).toHaveProperty("done");
    faults.heal();
    const { members, joint } = await group.leader();
    expect([members.length, joint]).toEqual([3, false]);
  });
});

describe("leadership", () => {
  test("goes where it is asked to go, or to the most up-to-date voter", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const [to] = group.followers(leader) as [string];
    const answer = await client.call("POST", "cluster/transfer", { to });
    expect(answer).toMatchObject({ status: 200, body: { leader: to } });
    const next = await client.call("POST", "cluster/transfer");
    expect(next.status).toBe(200);
    expect(next.body["leader"]).not.toBe(to);
    expect(Number(next.body["term"])).toBeGreaterThan(Number(answer.body["term"]));
    const here = next.body["leader"];
    expect(await client.call("POST", "cluster/transfer", { to: here })).toMatchObject({ body: { leader: here } });
  });

  test("hazard-28 stays when the target is dead, after an election timeout, and the leader serves on", async () => {
    const group = newGroup();
    const client = new ApiClient(group);
    const leader = await group.leader();
    const [dead] = group.followers(leader) as [string];
    faults.missing.add(group.object(dead));
    const startedAtMs = Date.now();
    const answer = await client.call("POST", "cluster/transfer", { to: dead });
    const tookMs = Date.now() - startedAtMs;
    expect(answer).toMatchObject({ status: 503, body: { code: "transfer_failed", ambiguous: false } });
    const { electionMaxMs, electionMinMs } = (await group.status(leader.id)).timing;
    expect(tookMs).toBeLessThan(electionMaxMs + electionMinMs + 200);
    expect(await client.put("key", "value")).toBe(201);
    expect(await group.leader(group.ids.filter((id) => id !== dead))).toMatchObject({ id: leader.id });
  });
});
