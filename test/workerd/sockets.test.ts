/** WebSockets to real nodes: they outlive the memory of the node, and tell how they end. */

import { evictDurableObject, reset, runInDurableObject } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { encodeBase64Url } from "../../src/bytes/base64.ts";
import type { NodeStatus } from "../../src/internal.ts";
import { internalHeader, internalPath } from "../../src/internal.ts";
import { maxKeptBytes } from "../../src/node/socket-outlet.ts";
import { numbersRequest } from "../support/number-machine.ts";
import { faults } from "./faults.ts";
import { NumberGroup } from "./number-node.ts";
import { brisk, bytes, eventually } from "./test-group.ts";
import { askForSocket, openSocket } from "./test-socket.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

async function settledGroup(group = new NumberGroup()): Promise<{
  group: NumberGroup;
  leader: NodeStatus;
  follower: string;
}> {
  const leader = await group.leader();
  return { group, leader, follower: group.followers(leader)[0]! };
}

async function resting(group: NumberGroup): Promise<void> {
  await eventually("rest everywhere", async () => {
    return (await group.statuses()).every(({ quiescent }) => quiescent) ? true : null;
  });
}

/** Nobody knows who led a group that has left memory: a node that is asked stands for election. */
async function wake(group: NumberGroup, id: string): Promise<void> {
  await eventually("a leader", async () => {
    await group.call(id, internalPath.query, bytes("how many?"), { [internalHeader.timeoutMs]: "100" });
    return (await group.statuses()).some(({ role }) => role === "leader") ? true : null;
  });
}

/** How often a node has started. */
async function starts(group: NumberGroup, id: string): Promise<number> {
  return (await group.stored(id)).incarnation;
}

describe("a WebSocket", () => {
  test("brings texts as text and bytes as bytes, and its node is not asked for the answer to a ping", async () => {
    const { group, leader, follower } = await settledGroup();
    const texts = await openSocket(group, follower, { opening: true });
    const binary = await openSocket(group, follower, { binary: true });
    await group.add(leader.id, 5);
    expect(await texts.read(2)).toEqual(["opened 0", "1=5"]);
    expect(await binary.read(1)).toEqual(["binary:1=5"]);
    texts.send("ping");
    expect(await texts.read(3)).toEqual(["opened 0", "1=5", "pong"]);
    expect(await group.subscribers(follower)).toBe(2);
  });

  test("says where its node stood", async () => {
    const { group, leader } = await settledGroup();
    const { status, headers } = await askForSocket(group, leader.id, encodeBase64Url(numbersRequest()));
    expect([status, headers.get(internalHeader.node), headers.get(internalHeader.leader)]).toEqual([
      101,
      leader.id,
      leader.id,
    ]);
  });

  test("goes on without gap or repetition after its node has left memory, woken by whatever comes", async () => {
    const { group, leader, follower } = await settledGroup();
    const sockets = [
      await openSocket(group, follower, { from: 1, opening: true }),
      await openSocket(group, follower, { from: 2 }),
    ];
    const expected = ["opened 0"];
    for (let round = 1; round <= 3; round += 1) {
      await group.add(leader.id, round);
      expected.push(`${round}=${round}`);
      expect(await sockets[0]!.read(expected.length)).toEqual(expected);
      const before = await starts(group, follower);
      await evictDurableObject(group.stub(follower));
      expect(await starts(group, follower)).toBe(before);
    }
    expect(await sockets[1]!.read(2)).toEqual(["2=2", "3=3"]);
    sockets[1]!.close(1000);
    await eventually("one left", async () => ((await group.subscribers(follower)) === 1 ? true : null));
    await group.add(leader.id, 4);
    expect(await sockets[0]!.read(5)).toEqual([...expected, "4=4"]);
  });

  test("lets a node leave memory whose group rests, and is told the next thing", async () => {
    const { group, leader, follower } = await settledGroup(new NumberGroup({ ...brisk, idleAfterMs: 300 }));
    const socket = await openSocket(group, follower, { from: 1, ticks: true });
    await group.add(leader.id, 1);
    await socket.read(1);
    await resting(group);
    const before = await starts(group, follower);
    // An object that nothing holds leaves memory after ten seconds. To look at its tables wakes it, but not the node in it.
    await scheduler.wait(12_000);
    const messages = socket.messages.filter((message) => !message.startsWith("at"));
    expect(messages).toEqual(["1=1"]);
    await wake(group, follower);
    await group.add((await group.leader()).id, 2);
    await eventually("the next message", async () => (socket.messages.includes("2=2") ? true : null));
    expect(socket.messages.filter((message) => !message.startsWith("at"))).toEqual(["1=1", "2=2"]);
    expect(await starts(group, follower)).toBeGreaterThan(before);
  });
});

describe("a WebSocket ends", () => {
  test("with 1000 when the state machine has said all", async () => {
    const { group, leader } = await settledGroup();
    const socket = await openSocket(group, leader.id, { to: 1 });
    await group.add(leader.id, 5);
    expect(await socket.end()).toBe(1000);
    expect(socket.messages).toEqual(["1=5", "complete"]);
    expect(await group.subscribers(leader.id)).toBe(0);
  });

  test("with 1003 when the client has something to say", async () => {
    const { group, leader } = await settledGroup();
    const socket = await openSocket(group, leader.id);
    socket.send("hello");
    expect(await socket.end()).toBe(1003);
    expect(await group.subscribers(leader.id)).toBe(0);
  });

  test("for its node when the client closes it", async () => {
    const { group, leader } = await settledGroup();
    const socket = await openSocket(group, leader.id);
    socket.close(1000);
    expect(await socket.end()).toBe(1000);
    await eventually("nobody", async () => ((await group.subscribers(leader.id)) === 0 ? true : null));
  });

  test("when its node crashes, and has told of nothing that the crash undoes", async () => {
    const { group, leader, follower } = await settledGroup();
    const socket = await openSocket(group, follower, { from: 1 });
    await group.add(leader.id, 1);
    await socket.read(1);
    faults.spoilApply(group.object(follower));
    await group.add(leader.id, 2);
    await socket.end();
    expect(socket.messages).toEqual(["1=1"]);
  });

  test("with 1011 when it can't go on, and its node starts nevertheless", async () => {
    const { group, leader, follower } = await settledGroup();
    const [broken, other] = [await openSocket(group, follower), await openSocket(group, follower)];
    await runInDurableObject(group.stub(follower), (_, state) => {
      const [first] = state.getWebSockets().toReversed();
      first!.serializeAttachment({ ...(first!.deserializeAttachment() as object), request: bytes("{") });
    });
    await evictDurableObject(group.stub(follower));
    await group.add(leader.id, 5);
    expect(await Promise.race([broken.end(), other.end()])).toBe(1011);
    const left = broken.closed === null ? broken : other;
    expect(await left.read(1)).toEqual(["1=5"]);
  });

  test("with 1012 when its node is removed from the group", async () => {
    const { group, leader, follower } = await settledGroup();
    const socket = await openSocket(group, follower);
    const request = bytes(JSON.stringify({ force: true, changes: [{ action: "remove", id: follower }] }));
    expect((await group.call(leader.id, internalPath.members, request)).status).toBe(200);
    await eventually("a node that knows of its removal", async () => {
      return (await group.status(follower)).standing === "member" ? null : true;
    });
    expect(await socket.end()).toBe(1012);
  });

  test("as slow when more has been sent than pings show to have arrived", async () => {
    const { group, leader } = await settledGroup();
    const request = { from: 1, maxPendingBytes: 35_000 };
    const [silent, pinging] = [
      await openSocket(group, leader.id, request),
      await openSocket(group, leader.id, request),
    ];
    for (let number = 1; number <= 6; number += 1) {
      await group.add(leader.id, String(number).repeat(10_000));
      const pongs = pinging.messages.filter((message) => message === "pong").length;
      pinging.send("ping");
      await eventually("pong", async () => {
        return pinging.messages.filter((message) => message === "pong").length > pongs ? true : null;
      });
    }
    expect(await silent.end()).toBe(1000);
    expect(silent.messages.at(-1)).toBe("slow 5");
    const read = pinging.messages.filter((message) => message !== "pong");
    expect(read.map((message) => message.slice(0, 3))).toEqual(["1=1", "2=2", "3=3", "4=4", "5=5", "6=6"]);
    expect(pinging.closed).toBeNull();
  });
});

describe("a WebSocket does not begin", () => {
  test.each([
    ["that is no base64url", "%%%", "bad_request"],
    ["that is too long", encodeBase64Url(new Uint8Array(maxKeptBytes + 1)), "too_large"],
  ])("with a request %s", async (_, subscription, code) => {
    const { group, leader } = await settledGroup();
    const response = await askForSocket(group, leader.id, subscription);
    expect([response.status, await response.json()]).toMatchObject([421, { code, ambiguous: false }]);
  });
});
