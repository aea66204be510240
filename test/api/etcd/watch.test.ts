/** Watches on one stream: which lines a client gets, and in which order. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { methods } from "../../../src/api/etcd/methods.ts";
import type { StreamMethod } from "../../../src/api/etcd/method.ts";
import { deleteEvent, FakeStream, FakeWatches, putEvent } from "./fake-watches.ts";

const create = (more: object = {}): object => ({ create_request: { key: "YQ==", ...more } });

/** One stream, from both ends. */
class Client {
  readonly lines: Record<string, unknown>[] = [];
  readonly controller = new AbortController();
  readonly watches = new FakeWatches(this.controller.signal);
  readonly ended: Promise<unknown>;
  private readonly requests: unknown[] = [];
  private wake: () => void = () => undefined;
  private over = false;

  constructor(...requests: readonly unknown[]) {
    this.requests.push(...requests);
    const send = (line: string): Promise<void> => {
      const { header, ...rest } = (JSON.parse(line) as { result: Record<string, unknown> }).result;
      const { revision } = header as { revision?: string };
      this.lines.push({ ...(revision !== undefined && { revision: Number(revision) }), ...rest });
      return Promise.resolve();
    };
    const { serve } = methods.get("watch") as StreamMethod;
    this.ended = serve(this.watches.call, this.all(), send).then(
      () => "over",
      (error: unknown) => error,
    );
  }

  send(...requests: readonly unknown[]): void {
    this.requests.push(...requests);
    this.wake();
  }

  noMore(): void {
    this.over = true;
    this.wake();
  }

  /** The lines since the last call, when there are as many. */
  async next(count: number): Promise<Record<string, unknown>[]> {
    await vi.waitUntil(() => this.lines.length >= count);
    await new Promise(setImmediate);
    return this.lines.splice(0);
  }

  private async *all(): AsyncGenerator {
    for (;;) {
      if (this.requests.length > 0) yield this.requests.shift();
      else if (this.over) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}

const kv = (mod: number, more: object = {}): object => ({
  key: "YQ==",
  create_revision: "2",
  mod_revision: `${mod}`,
  version: "1",
  value: "dg==",
  ...more,
});

describe("a watch", () => {
  test("is created first, then tells events as etcd does", async () => {
    const client = new Client(create({ prev_kv: true, filters: ["NODELETE"], range_end: "Yg==" }));
    expect(await client.next(1)).toEqual([{ revision: 5, created: true }]);
    expect(client.watches.stream.request).toMatchObject({ startRevision: 0, withPrevious: true, noDelete: true });
    const events = [putEvent("a", 6), deleteEvent("a", 7)];
    client.watches.stream.write({ type: "events", revision: 8, fragment: false, events });
    expect(await client.next(1)).toEqual([
      {
        revision: 8,
        events: [{ kv: kv(6) }, { type: "DELETE", kv: { key: "YQ==", mod_revision: "7" }, prev_kv: kv(6) }],
      },
    ]);
  });

  test("has the events of one revision in one message, however they come", async () => {
    const client = new Client(create());
    await client.next(1);
    const { stream } = client.watches;
    stream.write({ type: "events", revision: 6, fragment: true, events: [putEvent("a", 5), putEvent("a", 6)] });
    stream.write({ type: "events", revision: 6, fragment: true, events: [putEvent("b", 6)] });
    stream.write({ type: "progress", revision: 5 });
    stream.write({ type: "events", revision: 7, fragment: false, events: [putEvent("c", 6)] });
    const [line, ...others] = await client.next(1);
    expect(others).toEqual([]);
    expect(line).toMatchObject({ revision: 7, events: [{}, {}, {}] });
    expect(line).not.toHaveProperty("fragment");
  });

  test("has them in fragments where that was asked for", async () => {
    const client = new Client(create({ fragment: true }));
    await client.next(1);
    client.watches.stream.write({ type: "events", revision: 6, fragment: true, events: [putEvent("a", 6)] });
    client.watches.stream.write({ type: "events", revision: 6, fragment: false, events: [putEvent("b", 6)] });
    const lines = await client.next(2);
    expect(lines.map(({ fragment }) => fragment)).toEqual([true, undefined]);
  });

  test("without a key is one on the first key of all", async () => {
    const client = new Client({ create_request: {} });
    await client.next(1);
    expect(client.watches.stream.request).toMatchObject({ key: Uint8Array.of(0), rangeEnd: null });
  });

  test.each(["YQ==", "QQ==", "YA=="])("of a range that ends with %s before it begins is none", async (end) => {
    const client = new Client(create({ watch_id: 7, range_end: end }), create({ range_end: "AA==" }));
    const [refused, created] = await client.next(2);
    expect(refused).toEqual({
      watch_id: "-1",
      created: true,
      canceled: true,
      cancel_reason: "mvcc: watcher range is empty",
      revision: 5,
    });
    expect(created).toEqual({ revision: 5, created: true });
  });

  test("of what is forgotten is created, and then canceled", async () => {
    const client = new Client();
    client.watches.begin = [
      { type: "canceled", revision: 5, reason: "compacted", compactRevision: 4, resumeRevision: 4 },
    ];
    client.send(create({ start_revision: "2", watch_id: 3 }));
    expect(await client.next(2)).toEqual([
      { revision: 5, watch_id: "3", created: true },
      { watch_id: "3", canceled: true, compact_revision: "4" },
    ]);
    client.watches.begin = [{ type: "created", revision: 5 }];
    client.send(create());
    expect(await client.next(1)).toEqual([{ revision: 5, created: true }]);
  });

  test("whose reader is too slow is canceled with a reason, and the others go on", async () => {
    const client = new Client(create(), create());
    await client.next(2);
    const [first, second] = client.watches.streams;
    first!.write({ type: "canceled", revision: 6, reason: "slow", compactRevision: 0, resumeRevision: 6 });
    const [line] = await client.next(1);
    expect([line?.["canceled"], line?.["cancel_reason"]]).toEqual([
      true,
      "etcdserver: watch canceled, the client reads too slowly; nothing is missed from 6 on",
    ]);
    second!.write({ type: "events", revision: 7, fragment: false, events: [putEvent("a", 7)] });
    expect(await client.next(1)).toMatchObject([{ watch_id: "1", events: [{}] }]);
  });
});

describe("several watches on one stream", () => {
  test("have ids of their own, given or chosen", async () => {
    const client = new Client(create({ watch_id: "1" }), create(), create(), create({ watch_id: 7 }));
    const lines = await client.next(4);
    expect(lines.map(({ watch_id: id }) => id)).toEqual(["1", undefined, "2", "7"]);
  });

  test("can't share one", async () => {
    const client = new Client(create({ watch_id: 7 }), create({ watch_id: 7 }));
    const [, second] = await client.next(2);
    expect(second).toEqual({
      revision: 5,
      watch_id: "-1",
      created: true,
      canceled: true,
      cancel_reason: "mvcc: duplicate watch ID provided on the WatchStream",
    });
    expect(client.watches.streams).toHaveLength(1);
  });

  test("are canceled one by one; an unknown id is passed over", async () => {
    const client = new Client(create({ watch_id: 7 }), create(), { cancel_request: { watch_id: 9 } });
    client.send({ cancel_request: { watch_id: "7" } });
    const lines = await client.next(3);
    expect(lines.slice(2)).toEqual([{ revision: 5, watch_id: "7", canceled: true }]);
    expect(client.watches.streams.map(({ closed }) => closed)).toEqual([true, false]);
    client.send(create({ watch_id: 7 }));
    expect(await client.next(1)).toEqual([{ revision: 5, watch_id: "7", created: true }]);
  });

  test("progress is that of the one that is furthest behind", async () => {
    const client = new Client(create({ start_revision: 3 }), create());
    await client.next(2);
    client.send({ progress_request: {} });
    expect(await client.next(1)).toEqual([{ revision: 2, watch_id: "-1" }]);
    const [first, second] = client.watches.streams;
    first!.write({ type: "events", revision: 9, fragment: false, events: [putEvent("a", 4)] });
    second!.write({ type: "progress", revision: 9 });
    await client.next(1);
    client.send({ progress_request: {} });
    expect(await client.next(1)).toEqual([{ revision: 4, watch_id: "-1" }]);
    first!.write({ type: "progress", revision: 8 });
    await new Promise(setImmediate);
    client.send({ progress_request: {} });
    expect(await client.next(1)).toEqual([{ revision: 8, watch_id: "-1" }]);
  });
});

describe("progress", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] });
    return () => vi.useRealTimers();
  });

  test("is told to those who asked for it, when nothing else was for ten minutes", async () => {
    const client = new Client(create({ progress_notify: true }), create());
    await client.next(2);
    const progress = async (revision: number): Promise<unknown> => {
      for (const stream of client.watches.streams) stream.write({ type: "progress", revision });
      await new Promise((resolve) => setTimeout(resolve, 20));
      return client.lines.splice(0);
    };
    expect(await progress(6)).toEqual([]);
    vi.setSystemTime(Date.now() + 600_000);
    expect(await progress(7)).toEqual([{ revision: 7 }]);
    expect(await progress(8)).toEqual([]);
  });

  test("is told once to who asked for none, where silence would not show that he has left", async () => {
    const client = new Client(create(), create());
    Object.assign(client.watches.call, { maxSilenceMs: 50_000 });
    await client.next(2);
    const progress = async (revision: number): Promise<unknown> => {
      for (const stream of client.watches.streams) stream.write({ type: "progress", revision });
      await new Promise((resolve) => setTimeout(resolve, 20));
      return client.lines.splice(0);
    };
    vi.setSystemTime(Date.now() + 49_000);
    expect(await progress(6)).toEqual([]);
    vi.setSystemTime(Date.now() + 1000);
    expect(await progress(7)).toEqual([{ revision: 7 }]);
    expect(await progress(8)).toEqual([]);
  });
});

describe("a stream", () => {
  test("stays open when the requests end, and closes its watches when the client leaves", async () => {
    const client = new Client(create());
    await client.next(1);
    client.noMore();
    client.watches.stream.write({ type: "events", revision: 6, fragment: false, events: [putEvent("a", 6)] });
    await client.next(1);
    client.controller.abort();
    expect(await client.ended).toBe("over");
    expect(client.watches.stream.closed).toBe(true);
  });

  test.each([[[]], [[{}]], [[{ progress_request: {} }]], [[{ create_request: null }]]])(
    "that begins with %j is refused, rather than left without an answer",
    async (requests) => {
      const client = new Client(...requests);
      client.noMore();
      expect(await client.ended).toMatchObject({ code: "invalidArgument" });
    },
  );

  test.each([{ create_request: { key: "@" } }, { create_request: 1 }, 5])(
    "that begins with %j fails as in etcd, as if by a mistake of the server",
    async (request) => {
      expect(await new Client(request).ended).toMatchObject({ code: "unknown", httpStatus: 500 });
    },
  );

  test("ends when a watch can't be served any longer", async () => {
    const client = new Client(create());
    await client.next(1);
    vi.spyOn(client.watches.stream, "next").mockRejectedValueOnce(new Error("no node"));
    client.watches.stream.write({ type: "progress", revision: 6 }, { type: "progress", revision: 7 });
    expect(await client.ended).toMatchObject({ message: "no node" });
    expect(client.watches.stream.closed).toBe(true);
  });

  test("that ends while a watch is being opened leaves none behind", async () => {
    const client = new Client(create());
    await client.next(1);
    const { streams } = client.watches;
    const opened = Promise.withResolvers<void>();
    vi.spyOn(client.watches.call.cluster, "subscribe").mockImplementationOnce(async (_, options) => {
      await opened.promise;
      const late = new FakeStream(options);
      late.write({ type: "created", revision: 5 });
      streams.push(late);
      return late;
    });
    vi.spyOn(streams[0]!, "next").mockRejectedValueOnce(new Error("no node"));
    client.send(create());
    streams[0]!.write({ type: "progress", revision: 6 }, { type: "progress", revision: 7 });
    expect(await client.ended).toMatchObject({ message: "no node" });
    opened.resolve();
    await vi.waitUntil(() => streams.length === 2 && streams[1]!.closed);
    expect(client.lines).toEqual([]);
  });

  test("has no more than a thousand watches", async () => {
    const client = new Client(...Array.from({ length: 1001 }, () => create()));
    const lines = await client.next(1001);
    expect(lines.at(-1)).toMatchObject({ canceled: true, cancel_reason: "etcdserver: too many watches on one stream" });
    expect(client.watches.streams).toHaveLength(1000);
  });
});
