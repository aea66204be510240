/** An idle group: it costs nothing, and it is there again with the first request. */

import { abortAllDurableObjects, reset } from "cloudflare:test";
import { afterEach, expect, test } from "vitest";
import type { NodeStatus } from "../../src/internal.ts";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { brisk, eventually, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

/** A group that rests soon, with one value in it, and the leader that it had. */
async function idleGroup(): Promise<{ readonly group: TestGroup; readonly leader: NodeStatus }> {
  const group = new TestGroup({ ...brisk, idleAfterMs: 300 });
  const leader = await group.leader();
  await group.put(leader.id, "key", "value");
  await resting(group);
  return { group, leader };
}

async function resting(group: TestGroup): Promise<void> {
  await eventually("rest everywhere", async () => {
    return (await group.statuses()).every(({ quiescent }) => quiescent) ? true : null;
  });
  // An alarm that was set before may still fire; it finds nothing to do.
  await eventually("no alarm anywhere", async () => {
    const alarms = await Promise.all(group.ids.map((id) => group.alarm(id)));
    return alarms.every((alarmMs) => alarmMs === null) ? true : null;
  });
}

test("an idle group sets no alarm, and none of its objects is called or fires one", async () => {
  const { group } = await idleGroup();
  const activity = faults.activityOf(group.object("n1"));
  const before = { ...activity };
  // A test that waits for a whole minute is `npm run idle`; awake, these nodes would have fired a hundred alarms by then.
  await scheduler.wait(2500);
  expect(activity).toEqual(before);
  await group.put((await group.statuses()).find(({ role }) => role === "leader")?.id ?? "n1", "key", "again");
  await eventually("all that is counted to happen again", async () => {
    await scheduler.wait(50);
    const { calls, alarmsSet, alarmsFired } = activity;
    return calls > before.calls && alarmsSet > before.alarmsSet && alarmsFired > before.alarmsFired ? true : null;
  });
});

test("an idle group sets no alarm, writes no row and makes no call", async () => {
  const { group } = await idleGroup();
  const figures = async (): Promise<number[]> => {
    const names = [
      "durable_raft_rows_written_total",
      "durable_raft_peer_calls_total",
      "durable_raft_heartbeats_sent_total",
    ];
    return await Promise.all(group.ids.flatMap((id) => names.map((name) => group.metric(id, name))));
  };
  const before = await figures();
  await scheduler.wait(700);
  expect(await figures()).toEqual(before);
  for (const id of group.ids) expect(await group.alarm(id)).toBeNull();
});

test("a request to its leader wakes it, which then rests again", async () => {
  const { group, leader } = await idleGroup();
  expect(await group.get(leader.id, "key")).toMatchObject({ done: "value" });
  expect(await group.put(leader.id, "key", "again")).toMatchObject({ done: { version: 2 } });
  const after = await group.leader();
  expect([after.id, after.term]).toEqual([leader.id, leader.term]);
  await resting(group);
});

test("a read on a follower sees everything though the group rested", async () => {
  const { group, leader } = await idleGroup();
  const [follower = ""] = group.followers(leader);
  expect(await group.get(follower, "key")).toMatchObject({ done: "value" });
});

test("hazard-48 its leader answers nothing without a quorum, whatever it was before the rest", async () => {
  const { group, leader } = await idleGroup();
  for (const peer of group.followers(leader)) faults.cut(group.object(leader.id), group.object(peer));
  expect(await group.get(leader.id, "key", "linearizable", 400)).toMatchObject({ refused: { ambiguous: false } });
});

test("hazard-34 hazard-51 objects that all ended while they rested are a group again with the first request", async () => {
  const { group, leader } = await idleGroup();
  await abortAllDurableObjects();
  const [asked = ""] = group.followers(leader);
  const written = await eventually("a leader", async () => {
    await group.put(asked, "key", "by a follower", 300);
    const next = (await group.statuses()).find(({ role }) => role === "leader");
    if (next === undefined) return null;
    const outcome = await group.put(next.id, "key", "new");
    return "done" in outcome ? outcome : null;
  });
  expect(written.done).toMatchObject({ kind: "put", created: false });
  const { id } = await group.leader();
  expect(await group.get(id, "key")).toMatchObject({ done: "new" });
});

const everybody = (): Promise<void> => abortAllDurableObjects();
const learner = (group: TestGroup): Promise<void> => group.abort("n4");

test.each([
  ["answers a read", "everybody's object", "kv/key", "value", everybody],
  ["answers a read", "its object alone", "kv/key", "value", learner],
  // Where nobody knows a leader, one is elected for whoever wants a stream.
  ["serves a watch", "its object alone", "watch?key=key", "retry", learner],
] as const)("a learner %s that names it, though %s ended while the group rested", async (_, __, path, begin, end) => {
  const { group } = await idleGroup();
  group.time("n4", { ...brisk, idleAfterMs: 300 });
  const client = new ApiClient(group);
  await client.call("POST", "cluster/members", { id: "n4", role: "learner" });
  await client.members();
  await eventually("rest everywhere", async () => {
    return (await group.statuses([...group.ids, "n4"])).every(({ quiescent }) => quiescent) ? true : null;
  });
  await end(group);
  await scheduler.wait(1);
  const named = `${path}${path.includes("?") ? "&" : "?"}node=n4&timeout=5s`;
  const response = await client.fetch("GET", named);
  expect(response.status).toBe(200);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  const { value } = await reader.read();
  expect(new TextDecoder().decode(value).slice(0, begin.length)).toBe(begin);
  await reader.cancel();
});
