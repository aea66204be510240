/** Streams of messages from real nodes: what they hold, and when they end. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import type { NodeStatus } from "../../src/internal.ts";
import { internalHeader, internalOrigin, internalPath } from "../../src/internal.ts";
import { recoveryConfirmation } from "../../src/membership.ts";
import { maxRequestBytes } from "../../src/node/subscribers.ts";
import { numbersRequest } from "../support/number-machine.ts";
import { faults } from "./faults.ts";
import { NumberGroup } from "./number-node.ts";
import { type Answer, bytes, eventually, refusalOf } from "./test-group.ts";
import { askForStream, openStream, TestStream } from "./test-stream.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

const shortLog = { keepEntries: 5, keepBytes: 1_000_000, maxEntries: 20, maxBytes: 10_000_000, maxPageBytes: 500 };

async function settledGroup(): Promise<{ group: NumberGroup; leader: NodeStatus; follower: string }> {
  const group = new NumberGroup();
  const leader = await group.leader();
  return { group, leader, follower: group.followers(leader)[0]! };
}

/** Adds 0, 1, …; answers how many there are now. */
async function add(group: NumberGroup, id: string, count: number): Promise<number> {
  for (let number = 0; number < count - 1; number += 1) await group.add(id, number);
  return await group.add(id, count - 1);
}

/** `1=0`, `2=1`, … */
function messages(count: number): string[] {
  return Array.from({ length: count }, (_, place) => `${place + 1}=${place}`);
}

async function expectNobody(group: NumberGroup, id: string): Promise<void> {
  await eventually("nobody to serve", async () => ((await group.subscribers(id)) === 0 ? true : null));
}

describe("a stream", () => {
  test("replays, and goes on with what is applied, at every node, each message in a chunk of its own", async () => {
    const { group, leader } = await settledGroup();
    await add(group, leader.id, 2);
    const streams = await Promise.all(group.ids.map((id) => openStream(group, id, { from: 1, opening: true })));
    for (const number of [2, 3]) await group.add(leader.id, number);
    for (const stream of streams) {
      expect(await stream.read(5)).toEqual(["opened 2", ...messages(4)]);
      expect(stream.chunks).toEqual([12, 7, 7, 7, 7]);
      expect(Number(stream.headers.get(internalHeader.index))).toBeGreaterThan(2);
      await stream.cancel();
    }
  });

  test("is told of time by a node that has nothing else to do", async () => {
    const { group, follower } = await settledGroup();
    const stream = await openStream(group, follower, { ticks: true });
    const [first = "", second = ""] = await stream.read(2);
    const [firstMs, secondMs] = [first, second].map((message) => Number(message.replace("at ", "")));
    expect(secondMs! - firstMs!).toBeGreaterThanOrEqual(900);
    expect(secondMs! - firstMs!).toBeLessThan(3000);
    await stream.cancel();
  });

  test("goes on while leadership changes hands", async () => {
    const { group, leader, follower } = await settledGroup();
    const streams = await Promise.all(group.ids.map((id) => openStream(group, id, { from: 1 })));
    await add(group, leader.id, 1);
    expect((await group.call(leader.id, internalPath.transfer, bytes(JSON.stringify({ to: follower })))).status).toBe(
      200,
    );
    await group.leader();
    await group.add(follower, 1);
    for (const stream of streams) {
      expect(await stream.read(2)).toEqual(messages(2));
      await stream.cancel();
    }
  });

  test("goes on behind a state that was installed under it", async () => {
    const { group, leader, follower } = await settledGroup();
    for (const id of group.ids) {
      faults.configure(group.object(id), { RAFT_LOG: shortLog });
      await group.abort(id);
    }
    const { id } = await group.leader();
    const away = id === follower ? leader.id : follower;
    await add(group, id, 3);
    const stream = await openStream(group, away, { from: 1 });
    expect(await stream.read(3)).toEqual(messages(3));
    group.isolate(away);
    for (let number = 3; number < 60; number += 1) await group.add(id, number);
    faults.heal();
    expect(await stream.read(60)).toEqual(messages(60));
    expect(await group.metric(away, "durable_raft_snapshots_installed_total")).toBe(1);
    await group.add((await group.leader()).id, 60);
    expect((await stream.read(61)).at(-1)).toBe("61=60");
    await stream.cancel();
  });
});

describe("a stream begins", () => {
  test("with all that was committed before it was asked for, also at a follower that had fallen behind", async () => {
    const { group, leader, follower } = await settledGroup();
    group.isolate(follower);
    await add(group, leader.id, 3);
    faults.heal();
    // Until it knows its leader again it refuses.
    const stream = await eventually("a stream", async () => {
      const answer = await askForStream(group, follower, numbersRequest({ opening: true }));
      return answer instanceof TestStream ? answer : null;
    });
    expect(await stream.read(1)).toEqual(["opened 3"]);
    await stream.cancel();
  });

  test("at a node without its leader only for those who take an old state, but not one before their index", async () => {
    const { group, leader, follower } = await settledGroup();
    const index = 1 + (await add(group, leader.id, 1));
    await eventually("one number there", async () => {
      return (await group.status(follower)).log.appliedIndex >= index ? true : null;
    });
    group.isolate(follower);
    const ask = async (headers: Record<string, string>): Promise<TestStream | Answer> =>
      await askForStream(group, follower, numbersRequest({ opening: true }), {
        [internalHeader.timeoutMs]: "300",
        ...headers,
      });
    const refused = (answer: TestStream | Answer): string | undefined => refusalOf(answer as Answer)?.code;
    expect(["timeout", "not_leader"]).toContain(refused(await ask({})));
    const stale = { [internalHeader.consistency]: "stale" };
    const stream = (await ask(stale)) as TestStream;
    expect(await stream.read(1)).toEqual(["opened 1"]);
    await stream.cancel();
    expect(refused(await ask({ ...stale, [internalHeader.minIndex]: "999" }))).toBe("timeout");
  });

  test("not with a request that breaks the state machine, which serves others on", async () => {
    const { group, leader } = await settledGroup();
    const stream = await openStream(group, leader.id, { from: 1 });
    await expect(askForStream(group, leader.id, bytes("{"))).rejects.toThrow("JSON");
    await group.add(leader.id, 0);
    expect(await stream.read(1)).toEqual(messages(1));
    expect(await group.subscribers(leader.id)).toBe(1);
    await stream.cancel();
  });

  test("not with a request that is too long", async () => {
    const { group, leader } = await settledGroup();
    const answer = (await askForStream(group, leader.id, new Uint8Array(maxRequestBytes + 1))) as Answer;
    expect(refusalOf(answer)).toMatchObject({ code: "too_large", ambiguous: false });
  });
});

test("a stream is not served to a reader who has gone while the node was waiting for a state that is new enough", async () => {
  const { group, leader } = await settledGroup();
  const { log } = await group.status(leader.id);
  const leaving = new AbortController();
  const opening = group.stub(leader.id).fetch(internalOrigin + internalPath.subscribe, {
    method: "POST",
    headers: {
      [internalHeader.group]: group.name,
      [internalHeader.node]: leader.id,
      [internalHeader.consistency]: "stale",
      [internalHeader.minIndex]: String(log.appliedIndex + 1),
    },
    body: numbersRequest({}),
    signal: leaving.signal,
  });
  await scheduler.wait(200);
  leaving.abort();
  await expect(opening).rejects.toThrow("abort");
  await group.add(leader.id, 1);
  await scheduler.wait(100);
  expect(await group.subscribers(leader.id)).toBe(0);
});

describe("a stream ends", () => {
  test("complete, when the state machine has said all", async () => {
    const { group, leader } = await settledGroup();
    const stream = await openStream(group, leader.id, { from: 1, to: 2 });
    await add(group, leader.id, 3);
    expect(await stream.read()).toEqual([...messages(2), "complete"]);
    expect(stream.end).toBe("complete");
    await expectNobody(group, leader.id);
  });

  test("by the state machine when its reader is too slow, and holds all up to there", async () => {
    const { group, leader } = await settledGroup();
    const stream = await openStream(group, leader.id, { from: 1, maxPendingBytes: 1_000_000 });
    const size = 200_000;
    for (let count = 0; count < 40; count += 1) await group.add(leader.id, "7".repeat(size));
    await expectNobody(group, leader.id);
    const read = await stream.read();
    const last = Number(/^slow (\d+)$/.exec(read.at(-1) ?? "")?.[1]);
    expect([last, stream.end]).toEqual([read.length, "complete"]);
    expect(read.slice(0, -1).map((message) => message.slice(0, message.indexOf("=")))).toEqual(
      messages(last - 1).map((message) => message.slice(0, message.indexOf("="))),
    );
  });

  test("at the node as soon as its reader is gone, though nothing is written", async () => {
    const { group, follower } = await settledGroup();
    const stream = await openStream(group, follower);
    expect(await group.subscribers(follower)).toBe(1);
    await stream.cancel();
    await expectNobody(group, follower);
  });

  test("with its node's crash, and has told of nothing that the crash undoes", async () => {
    const { group, leader, follower } = await settledGroup();
    const stream = await openStream(group, follower, { from: 1 });
    await add(group, leader.id, 2);
    expect(await stream.read(2)).toEqual(messages(2));
    // Applied and told to subscribers in one turn, whose write can't be committed.
    faults.spoilApply(group.object(follower));
    await group.add(leader.id, 2);
    expect(await stream.read()).toEqual(messages(2));
    expect(stream.end).toBe("failed");
    await group.leader();
    const again = await openStream(group, follower, { from: 3 });
    expect(await again.read(1)).toEqual(["3=2"]);
    await again.cancel();
  });

  test("broken off when its node is removed from the group", async () => {
    const { group, leader, follower } = await settledGroup();
    const stream = await openStream(group, follower, { from: 1 });
    await add(group, leader.id, 1);
    const request = bytes(JSON.stringify({ force: true, changes: [{ action: "remove", id: follower }] }));
    expect((await group.call(leader.id, internalPath.members, request)).status).toBe(200);
    // It may have to hear of its removal from others.
    await eventually("a node that knows of its removal", async () => {
      return (await group.status(follower)).standing === "member" ? null : true;
    });
    expect(await stream.read()).toEqual(messages(1));
    expect(stream.end).toBe("broken off");
    expect(refusalOf((await askForStream(group, follower, numbersRequest())) as Answer)?.code).toBe("removed");
  });

  test("broken off when its node becomes a group of its own", async () => {
    const { group, leader, follower } = await settledGroup();
    const stream = await openStream(group, follower, { from: 1 });
    await add(group, leader.id, 1);
    await stream.read(1);
    group.isolate(follower);
    const request = bytes(JSON.stringify({ node: follower, confirm: recoveryConfirmation }));
    expect((await group.call(follower, internalPath.recover, request)).status).toBe(200);
    expect(await stream.read()).toEqual(messages(1));
    expect(stream.end).toBe("broken off");
  });
});
