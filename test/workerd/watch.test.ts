/** Watches of real nodes over REST: gapless across the crashes of any of them, and cheap while nothing happens. */

import { evictDurableObject, reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { EventReader, type Told } from "../support/event-reader.ts";
import { ApiClient } from "./api-client.ts";
import { faults } from "./faults.ts";
import { brisk, eventually, TestGroup } from "./test-group.ts";
import { TestSocket } from "./test-socket.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

async function open(client: ApiClient, path: string, headers: Record<string, string> = {}): Promise<EventReader> {
  const response = await client.fetch("GET", path, { headers });
  expect(response.status).toBe(200);
  return new EventReader(response);
}

/** Puts until it is done, as a client does that can't be told otherwise. */
async function put(client: ApiClient, key: string, value: string): Promise<number> {
  const headers = { "idempotency-key": `${key} ${value}` };
  for (;;) {
    const response = await client.fetch("PUT", `kv/${key}`, { body: value, headers });
    const { mod_revision: revision } = await response.json<{ mod_revision?: number }>();
    if (revision !== undefined) return revision;
  }
}

const summary = ({ data }: Told): string =>
  `${String(data["key"])}=${String(data["value"])}@${String(data["mod_revision"])}`;

describe("a stream", () => {
  test("tells every change once, while nodes crash", async () => {
    const group = new TestGroup(brisk);
    await group.leader();
    const client = new ApiClient(group);
    const streams = await Promise.all(
      group.ids.map((node) => open(new ApiClient(group), `watch?prefix=k&node=${node}`)),
    );
    const anywhere = await open(new ApiClient(group), "watch?prefix=k");
    const written: string[] = [];
    for (let round = 0; round < 24; round += 1) {
      if (round % 4 === 1) await group.abort(`n${((round >> 2) % 3) + 1}`);
      const key = `k${round % 5}`;
      written.push(`${key}=${round}@${await put(client, key, String(round))}`);
    }
    for (const stream of [...streams, anywhere]) {
      const told = await stream.take(written.length + 1);
      expect(told.slice(1).map(summary)).toEqual(written);
      await stream.cancel();
    }
  });

  test("goes on by the id of any event that was seen", async () => {
    const group = new TestGroup();
    await group.leader();
    const client = new ApiClient(group);
    for (const value of ["1", "2", "3"]) await put(client, "k", value);
    const operations = '{"put":{"key":"k1","value":"4"}},{"put":{"key":"k2","value":"4"}},{"delete":{"key":"k"}}';
    await client.call("POST", "txn", `{"then":[${operations}]}`);
    const all = await open(client, "watch?prefix=k&from=1");
    const told = await all.take(7);
    await all.cancel();
    for (const [at, { id }] of told.entries()) {
      const rest = await open(client, "watch?prefix=k", { "last-event-id": id ?? "" });
      const again = await rest.take(7 - at);
      expect(again.slice(1).map(({ id: next }) => next)).toEqual(told.slice(at + 1).map(({ id: next }) => next));
      await rest.cancel();
    }
  });

  test("that was cancelled is given up by its node", async () => {
    const group = new TestGroup();
    await group.leader();
    const stream = await open(new ApiClient(group), "watch?node=n2");
    await stream.take(1);
    const streams = (): Promise<number> => group.metric("n2", "durable_raft_subscribers");
    expect(await streams()).toBe(1);
    await stream.cancel();
    await eventually("the end", async () => ((await streams()) === 0 ? true : null));
  });
});

describe("a WebSocket", () => {
  async function openSocket(client: ApiClient, path: string): Promise<TestSocket> {
    const response = await client.fetch("GET", path, { headers: { upgrade: "websocket" } });
    expect(response.status).toBe(101);
    if (response.webSocket === null) throw new Error("no WebSocket");
    return new TestSocket(response.webSocket);
  }

  test("brings the same as JSON, and outlives the memory of its node", async () => {
    const group = new TestGroup();
    const leader = await group.leader();
    const [follower = ""] = group.followers(leader);
    const client = new ApiClient(group);
    await put(client, "k", "1");
    const socket = await openSocket(client, `watch?key=k&from=2&node=${follower}`);
    const [created, first] = (await socket.read(2)).map((text) => JSON.parse(text) as Record<string, unknown>);
    expect(created).toMatchObject({ type: "created" });
    expect(first).toMatchObject({ type: "events", revision: 2, events: [{ type: "put", key: "k", value: "1" }] });
    await evictDurableObject(group.stub(follower));
    await put(client, "k", "2");
    const messages = await socket.read(3);
    expect(JSON.parse(messages[2] ?? "")).toMatchObject({ events: [{ value: "2", mod_revision: 3 }] });
    expect(messages).toHaveLength(3);
    socket.close();
  });

  test("goes on as its reader does, in a group that rests", async () => {
    const group = new TestGroup({ ...brisk, idleAfterMs: 300 });
    await group.leader();
    const client = new ApiClient(group);
    const value = "x".repeat(400_000);
    for (const key of "abcdefgh") {
      const { status } = await client.call("PUT", `kv/${key}`, value);
      expect(status).toBe(201);
    }
    await eventually("rest everywhere", async () => {
      return (await group.statuses()).every(({ quiescent }) => quiescent) ? true : null;
    });
    const socket = await openSocket(client, "watch?from=2&consistency=stale&node=n3");
    const keys = (): string =>
      socket.messages
        .filter((text) => text !== "pong")
        .map((text) => JSON.parse(text) as { readonly events?: readonly { readonly key: string }[] })
        .flatMap(({ events = [] }) => events.map(({ key }) => key))
        .join("");
    let pings = 0;
    await eventually("all that was missed", async () => {
      const pongs = socket.messages.filter((text) => text === "pong").length;
      if (pongs === pings) {
        pings += 1;
        socket.send("ping");
      }
      return keys() === "abcdefgh" ? true : null;
    });
    const statuses = await group.statuses();
    expect(statuses.every(({ quiescent }) => quiescent)).toBe(true);
    socket.close();
  });

  test("is refused as any watch is, before it begins", async () => {
    const group = new TestGroup();
    await group.leader();
    const client = new ApiClient(group);
    for (const path of ["watch?from=0", "watch?key=", "watch?node=n9"]) {
      const response = await client.fetch("GET", path, { headers: { upgrade: "websocket" } });
      expect(response.status).toBe(400);
      await response.arrayBuffer();
    }
  });

  test("tells that its beginning is forgotten, and ends", async () => {
    const group = new TestGroup();
    await group.leader();
    const client = new ApiClient(group);
    for (const value of ["1", "2", "3"]) await put(client, "k", value);
    expect((await client.call("POST", "compact", { revision: 4 })).status).toBe(200);
    const socket = await openSocket(client, "watch?key=k&from=2");
    const messages = await eventually("the reason", async () => {
      const texts = socket.messages.map((text) => JSON.parse(text) as Record<string, unknown>);
      return texts.some(({ type }) => type === "canceled") ? texts : null;
    });
    expect(messages.at(-1)).toMatchObject({ type: "canceled", reason: "compacted", compact_revision: 4 });
    expect(await socket.end()).toBe(1000);
  });
});
