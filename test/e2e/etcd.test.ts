/** etcd's API of a whole cluster, as it goes over the wire. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startLocalCluster } from "../../scripts/lib/local-cluster.ts";
import type { LocalCluster } from "../../scripts/lib/local-cluster.ts";
import { ChunkedRequest } from "./chunks.ts";

type Json = Record<string, unknown>;

let cluster: LocalCluster;
const statePath = mkdtempSync(join(tmpdir(), "durable-raft-etcd-"));

beforeAll(async () => {
  cluster = await startLocalCluster({ statePath });
  await cluster.untilReady(30_000);
});

afterAll(async () => {
  await cluster.stop();
  rmSync(statePath, { recursive: true });
});

async function call(method: string, body: unknown): Promise<Json> {
  const response = await fetch(new URL(`/v3/${method}`, cluster.url), { method: "POST", body: JSON.stringify(body) });
  return (await response.json()) as Json;
}

const put = (key: string, value: string): Promise<Json> => call("kv/put", { key: btoa(key), value: btoa(value) });

/** Opens a watch, as clients do that can read what is compressed. */
function watch(prefix: string): ChunkedRequest {
  const span = { key: btoa(`${prefix}/`), range_end: btoa(`${prefix}0`) };
  const headers = ["Accept-Encoding: gzip, deflate, br", "Content-Type: application/json"];
  return new ChunkedRequest(cluster.url, "/v3/watch", JSON.stringify({ create_request: span }), headers);
}

/** The events in a chunk, which must be one message. */
function eventsIn(chunk: string): { kv: { key: string; value: string } }[] {
  expect(chunk.endsWith("}\n")).toBe(true);
  expect(chunk.indexOf("\n")).toBe(chunk.length - 1);
  return (JSON.parse(chunk) as { result: { events?: { kv: { key: string; value: string } }[] } }).result.events ?? [];
}

describe("a watch over HTTP", () => {
  test("frames each message as one chunk, whatever its size and however fast they follow", async () => {
    const request = watch("frames");
    expect(await request.head()).toMatch(/^HTTP\/1\.1 200 [^]*Transfer-Encoding: chunked/i);
    expect(eventsIn(await request.chunk())).toEqual([]);
    const values = Array.from({ length: 60 }, (_, at) => "v".repeat(at % 10 === 9 ? 700_000 : at * 37));
    await Promise.all(values.map((value, at) => put(`frames/${at}`, value)));
    const seen = new Map<string, number>();
    while (seen.size < values.length) {
      for (const { kv } of eventsIn(await request.chunk())) seen.set(atob(kv.key), atob(kv.value ?? "").length);
    }
    expect([...seen].every(([key, length]) => values[Number(key.slice(7))]?.length === length)).toBe(true);
    request.close();
  });

  test("begins before its headers are there: what is written then is seen", async () => {
    for (let round = 0; round < 20; round++) {
      const request = watch(`rounds/${round}`);
      await request.head();
      await put(`rounds/${round}/key`, "1");
      expect(eventsIn(await request.chunk())).toEqual([]);
      expect(eventsIn(await request.chunk())).toHaveLength(1);
      request.close();
    }
  });
});

/** A watch stream that takes requests at any time. */
class WatchSocket {
  private readonly socket: WebSocket;
  private readonly messages: Json[] = [];
  private wake: () => void = () => undefined;

  constructor() {
    this.socket = new WebSocket(new URL("/v3/watch", cluster.url).href.replace(/^http/, "ws"));
    this.socket.addEventListener("message", ({ data }) => {
      this.messages.push((JSON.parse(String(data)) as { result: Json }).result);
      this.wake();
    });
  }

  async open(): Promise<void> {
    await new Promise((resolve) => this.socket.addEventListener("open", resolve, { once: true }));
  }

  send(request: object): void {
    this.socket.send(JSON.stringify(request));
  }

  async next(): Promise<Json> {
    while (this.messages.length === 0) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.messages.shift()!;
  }

  close(): void {
    this.socket.close();
  }
}

describe("a watch over a WebSocket", () => {
  test("adds and cancels watches while others go on", async () => {
    const socket = new WatchSocket();
    await socket.open();
    socket.send({ create_request: { key: btoa("ws1"), watch_id: 1 } });
    expect(await socket.next()).toMatchObject({ created: true, watch_id: "1" });
    socket.send({ create_request: { key: btoa("ws2"), watch_id: 2 } });
    expect(await socket.next()).toMatchObject({ created: true, watch_id: "2" });
    await put("ws1", "a");
    expect(await socket.next()).toMatchObject({ watch_id: "1", events: [{ kv: { key: btoa("ws1") } }] });
    socket.send({ cancel_request: { watch_id: 1 } });
    expect(await socket.next()).toMatchObject({ watch_id: "1", canceled: true });
    await put("ws1", "b");
    await put("ws2", "b");
    expect(await socket.next()).toMatchObject({ watch_id: "2", events: [{}] });
    socket.close();
  });
});

test("members are added, promoted, given leadership and removed", async () => {
  const { members } = (await call("cluster/member/list", {})) as { members: Json[] };
  expect(members.map(({ name }) => name)).toEqual(["n1", "n2", "n3"]);
  expect(members.map(({ clientURLs }) => clientURLs)).toEqual(members.map(() => [cluster.url.origin]));
  const { member } = (await call("cluster/member/add", { peerURLs: ["http://n4:2380"], isLearner: true })) as {
    member: Json;
  };
  expect(member).toMatchObject({ name: "n4", isLearner: true });
  await expect.poll(async () => (await call("cluster/member/promote", { ID: member["ID"] }))["error"]).toBeUndefined();
  expect(await call("maintenance/transfer-leadership", { targetID: member["ID"] })).toEqual({});
  expect(await call("maintenance/status", {})).toMatchObject({ leader: member["ID"] });
  expect((await call("cluster/member/remove", { ID: member["ID"] }))["members"]).toHaveLength(3);
});
