/** Watches as readers of server-sent events meet them: every change once, in order, whatever happens to nodes and lines. */

import { describe, expect, test, vi } from "vitest";
import type { Told } from "../../support/event-reader.ts";
import { StoreApp } from "../store-client.ts";
import { StoreGroup } from "../store-group.ts";

const summary = ({ event, id, data }: Told): string =>
  `${event} ${String(data["key"] ?? data["revision"])} ${String(id)}`;

async function compact(app: StoreApp, revision: number): Promise<void> {
  await app.store.command("compacted", { kind: "compact", revision });
}

describe("a watch", () => {
  test("tells what is written after it was opened, and nothing else", async () => {
    const app = new StoreApp();
    await app.put("a/0", "before");
    const events = await app.events("watch?prefix=a/");
    await app.put("a/1", "one");
    await app.put("b/1", "elsewhere");
    await app.delete("a/0");
    const [created, put, deleted] = await events.take(3);
    expect(created).toEqual({ event: "created", id: "2", data: { type: "created", revision: 2 } });
    expect(put).toEqual({
      event: "put",
      id: "3",
      data: {
        type: "put",
        key: "a/1",
        value: "one",
        encoding: "utf8",
        value_bytes: 3,
        content_type: "text/plain",
        create_revision: 3,
        mod_revision: 3,
        version: 1,
      },
    });
    expect(deleted).toEqual({ event: "delete", id: "5", data: { type: "delete", key: "a/0", mod_revision: 5 } });
    await events.cancel();
    await vi.waitFor(() => expect(app.group.streams).toBe(0));
  });

  test("replays from a revision, then goes on live", async () => {
    const app = new StoreApp();
    for (const value of ["1", "2", "3"]) await app.put("k", value);
    const events = await app.events("watch?key=k&from=3");
    await app.put("k", "4");
    expect((await events.take(4)).map(summary)).toEqual(["created 4 2", "put k 3", "put k 4", "put k 5"]);
    await events.cancel();
  });

  test("may show what was there before, and puts or deletes alone", async () => {
    const app = new StoreApp();
    await app.put("k", "1");
    const both = await app.events("watch?key=k&prev=true&from=2");
    const deletes = await app.events("watch?key=k&events=delete&prev=true");
    const puts = await app.events("watch?events=put");
    await app.put("k", "2");
    await app.delete("k");
    await app.put("z", "3");
    const [, first, second, third] = await both.take(4);
    expect(first?.data).not.toHaveProperty("previous");
    expect(second?.data["previous"]).toMatchObject({ value: "1", mod_revision: 2 });
    expect(third).toMatchObject({ event: "delete", data: { key: "k", previous: { value: "2" } } });
    expect((await deletes.take(2)).map(summary)).toEqual(["created 2 2", "delete k 4"]);
    expect((await puts.take(3)).map(summary)).toEqual(["created 2 2", "put k 3", "put z 5"]);
    for (const stream of [both, deletes, puts]) await stream.cancel();
  });

  test("takes keys by range, and keys that are no text", async () => {
    const app = new StoreApp();
    const range = await app.events("watch?start=b&end=d");
    const from = await app.events("watch?start=c");
    const binary = await app.events("watch?prefix=%ff");
    for (const key of ["a", "b", "c", "d"]) await app.put(key, "");
    expect((await range.take(3)).map(summary)).toEqual(["created 1 1", "put b 3", "put c 4"]);
    expect((await from.take(3)).map(summary)).toEqual(["created 1 1", "put c 4", "put d 5"]);
    const put = {
      kind: "put",
      key: Uint8Array.of(255, 0),
      value: Uint8Array.of(254),
      contentType: "",
      metadata: "",
      lease: "0",
      ttlMs: 0,
      previous: "none",
      ignoreValue: false,
      ignoreLease: false,
    } as const;
    await app.store.txn({ kind: "txn", compares: [], success: [put], failure: [] });
    const [, told] = await binary.take(2);
    expect(told?.data).toMatchObject({ key: "/wA=", key_encoding: "base64", value: "/g==", encoding: "base64" });
    for (const stream of [range, from, binary]) await stream.cancel();
  });

  test("goes on behind the last event that a client saw, in the middle of a revision too", async () => {
    const app = new StoreApp();
    await app.put("a", "1");
    await app.put("b", "1");
    await app.put("c", "1");
    const deletion = {
      kind: "delete",
      key: Uint8Array.of(0x61),
      rangeEnd: Uint8Array.of(0),
      previous: "none",
    } as const;
    await app.store.txn({ kind: "txn", compares: [], success: [deletion], failure: [] });
    await app.put("d", "1");
    const all = await app.events("watch?from=2");
    const told = await all.take(8);
    expect(told.map(summary)).toEqual([
      "created 6 1",
      "put a 2",
      "put b 3",
      "put c 4",
      "delete a 5.1",
      "delete b 5.2",
      "delete c 5",
      "put d 6",
    ]);
    for (const [at, { id }] of told.entries()) {
      const again = await app.events("watch?from=2", { "last-event-id": id ?? "" });
      const [created, ...rest] = await again.take(8 - at);
      expect(created).toMatchObject({ event: "created", id });
      expect(rest.map(summary)).toEqual(told.slice(at + 1).map(summary));
      await again.cancel();
    }
    await all.cancel();
  });

  test("ends with the revision that is left when its history is compacted, or does not begin", async () => {
    const app = new StoreApp();
    for (const value of ["1", "2", "3", "4"]) await app.put("k", value);
    await compact(app, 4);
    const refused = await app.call("GET", "watch?from=3");
    expect(refused).toMatchObject({ status: 410, body: { code: "compacted", compact_revision: 4 } });
    const back = await app.call("GET", "watch", undefined, { headers: { "last-event-id": "2" } });
    expect(back).toMatchObject({ status: 410, body: { compact_revision: 4 } });
    const events = await app.events("watch?from=4");
    expect((await events.take(3)).map(summary)).toEqual(["created 5 3", "put k 4", "put k 5"]);
    await events.cancel();
  });

  test("tells that it is compacted when it can't go on elsewhere", async () => {
    const app = new StoreApp();
    await app.put("k", "1");
    const events = await app.events("watch?key=k&node=n2");
    await events.take(1);
    app.group.crash("n2");
    for (const value of ["2", "3", "4"]) await app.put("k", value);
    await compact(app, 5);
    app.group.restart("n2");
    expect(await events.next()).toMatchObject({ event: "compacted", data: { compact_revision: 5 } });
    expect(await events.next()).toBeUndefined();
  });

  test("says how far it is when it is asked to", async () => {
    const app = new StoreApp();
    const events = await app.events("watch?key=k&progress=1s");
    await app.put("other", "1");
    await events.take(1);
    for (let second = 0; second < 3; second += 1) app.group.tick(1000);
    expect(await events.take(1)).toEqual([{ event: "progress", id: "2", data: { type: "progress", revision: 2 } }]);
    await events.cancel();
  });
});

test("nothing is lost or repeated while nodes crash, whoever writes", async () => {
  const group = new StoreGroup();
  const app = new StoreApp(group);
  const streams = await Promise.all(Array.from({ length: 6 }, () => new StoreApp(group).events("watch?prefix=k")));
  const written: string[] = [];
  const writer = (async () => {
    for (let round = 0; round < 60; round += 1) {
      const key = `k${round % 7}`;
      const revision = await app.put(key, String(round));
      written.push(`put ${key} ${revision}`);
      if (round % 9 === 4) written.push(`delete ${key} ${await app.delete(key)}`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  const ids = ["n2", "n3", "n1", "n3", "n2"];
  for (const id of ids) {
    group.crash(id);
    await new Promise((resolve) => setTimeout(resolve, 15));
    group.restart(id);
  }
  await writer;
  for (const stream of streams) {
    const told = await stream.take(written.length + 1);
    expect(told.slice(1).map(summary)).toEqual(written);
    await stream.cancel();
  }
});

test("a connection that says nothing is kept open by comments, and its end is heard", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  try {
    const app = new StoreApp();
    const response = await app.fetch("GET", "watch");
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    const decoder = new TextDecoder();
    const read = async (): Promise<string> => decoder.decode((await reader.read()).value);
    expect(await read()).toBe("retry: 1000\n\n");
    expect(await read()).toContain("event: created");
    vi.advanceTimersByTime(15_000);
    expect(await read()).toBe(":\n\n");
    vi.advanceTimersByTime(14_999);
    await app.put("k", "1");
    expect(await read()).toContain("event: put");
    await reader.cancel();
    await vi.waitFor(() => expect(app.group.streams).toBe(0));
  } finally {
    vi.useRealTimers();
  }
});

test.each([
  ["watch?key=", "invalid_parameter"],
  ["watch?key=a&prefix=b", "invalid_parameter"],
  ["watch?key=a&start=b", "invalid_parameter"],
  ["watch?prefix=a&end=b", "invalid_parameter"],
  [`watch?prefix=${"x".repeat(2049)}`, "invalid_parameter"],
  ["watch?key=%zz", "invalid_parameter"],
  ["watch?from=0", "invalid_parameter"],
  ["watch?from=-1", "invalid_parameter"],
  ["watch?from=1.5", "invalid_parameter"],
  ["watch?from=9999999999999999", "invalid_parameter"],
  ["watch?events=all", "invalid_parameter"],
  ["watch?prev=maybe", "invalid_parameter"],
  ["watch?progress=1ms", "invalid_parameter"],
  ["watch?progress=2h", "invalid_parameter"],
  ["watch?node=n9", "invalid_parameter"],
  ["watch?consistency=eventual", "invalid_parameter"],
  ["watch?since=1", "invalid_parameter"],
])("%s is refused with %s", async (path, code) => {
  const app = new StoreApp();
  expect(await app.call("GET", path)).toMatchObject({ status: 400, body: { code } });
  expect(app.group.streams).toBe(0);
});

test.each(["x", "-1", "7.", "1,2"])("a Last-Event-ID of %j is refused", async (id) => {
  const app = new StoreApp();
  const answer = await app.call("GET", "watch", undefined, { headers: { "last-event-id": id } });
  expect(answer).toMatchObject({ status: 400, body: { code: "invalid_header" } });
});

test.each(["watch", "elections/a/observe"])("HEAD %s is refused: there is no end that could be told", async (path) => {
  const app = new StoreApp();
  const response = await app.fetch("HEAD", path);
  expect([response.status, response.headers.get("allow")]).toEqual([405, "GET"]);
  expect(app.group.streams).toBe(0);
});

test("no node that answers is an error before the stream begins", async () => {
  const app = new StoreApp();
  for (const id of app.group.ids) app.group.down.add(id);
  expect(await app.call("GET", "watch?timeout=100ms")).toMatchObject({ status: 503, body: { code: "unavailable" } });
});
