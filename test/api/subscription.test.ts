/** A stream as its reader in the Worker has it, whatever becomes of the nodes that serve it. */

import { beforeEach, describe, expect, test, vi } from "vitest";
import { ClusterClient } from "../../src/api/cluster.ts";
import type { MessageStream, SubscribeOptions } from "../../src/api/cluster.ts";
import { ApiError } from "../../src/api/errors.ts";
import { internalHeader, internalPath } from "../../src/internal.ts";
import { encodePart, endOfParts } from "../../src/parts.ts";
import { lost, type ScriptedCall, ScriptedNodes } from "./scripted-nodes.ts";
import { elapse, useVirtualTime } from "./virtual-time.ts";

useVirtualTime();

let nodes: ScriptedNodes;
let client: ClusterClient;
/** The streams that nodes have opened, in order. */
let streams: Served[];

/** A stream from the side of its node. */
interface Served {
  readonly call: ScriptedCall;
  readonly request: string;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
  cancelled: boolean;
}

beforeEach(() => {
  nodes = new ScriptedNodes();
  client = new ClusterClient();
  streams = [];
  nodes.answer = serve;
});

const bytes = (from: string): Uint8Array => new TextEncoder().encode(from);
const text = (from: Uint8Array): string => new TextDecoder().decode(from);

function serve(call: ScriptedCall): Response {
  const body = new ReadableStream<Uint8Array>({
    start: (controller) => {
      streams.push({ call, request: text(call.body), controller, cancelled: false });
    },
    cancel: () => {
      streams.find((served) => served.call === call)!.cancelled = true;
    },
  });
  return nodes.respond(call.node, body);
}

function write(at: number, ...messages: readonly string[]): void {
  for (const message of messages) streams[at]!.controller.enqueue(encodePart(bytes(message)));
}

/** Opens a stream whose reader asks to go on behind the last message. */
async function open(options: Partial<SubscribeOptions> = {}, timeoutMs = 10_000): Promise<Reader> {
  const reader = new Reader();
  const opening = client.subscribe(nodes.target(timeoutMs), {
    request: bytes("from the beginning"),
    resume: () => bytes(`behind ${reader.last}`),
    ...options,
  });
  const { value } = await elapse(opening);
  reader.stream = value;
  return reader;
}

class Reader {
  stream!: MessageStream;
  last = "";

  /** The next message; "end" after the last. */
  async next(): Promise<string> {
    const { done, value } = await this.stream.next();
    if (done === true) return "end";
    this.last = text(value);
    return this.last;
  }

  async take(count: number): Promise<string[]> {
    const taken: string[] = [];
    while (taken.length < count) taken.push((await elapse(this.next())).value);
    return taken;
  }
}

async function pass(timeMs: number): Promise<void> {
  await elapse(new Promise((resolve) => setTimeout(resolve, timeMs)));
}

async function failure(promise: Promise<unknown>): Promise<{ code: string; elapsedMs: number }> {
  const { value, elapsedMs } = await elapse(promise.catch((error: unknown) => error));
  if (!(value instanceof ApiError)) throw new Error(`no error but ${String(value)}`);
  return { code: value.code, elapsedMs };
}

describe("a stream", () => {
  test("is opened at a node that does not lead, with what it is to hold", async () => {
    await open({ bounds: { minIndex: 5 } });
    const { node, path, headers, body } = nodes.calls[0]!;
    expect(["n2", "n3"]).toContain(node);
    expect([path, text(body)]).toEqual([internalPath.subscribe, "from the beginning"]);
    expect([headers.get(internalHeader.consistency), headers.get(internalHeader.minIndex)]).toEqual([
      "linearizable",
      "5",
    ]);
  });

  test("is opened at the leader when it is the only one that can", async () => {
    nodes.answer = (call) => (call.node === "n1" ? serve(call) : nodes.refuse(call.node, "overloaded"));
    const { stream } = await open();
    expect([stream.position.node, nodes.calls.length]).toEqual(["n1", 3]);
  });

  test("is opened at the node that is named, and nowhere else", async () => {
    expect((await open({ node: "n1" })).stream.position.node).toBe("n1");
    nodes.answer = lost;
    expect((await failure(open({ node: "n3" }, 2000))).code).toBe("unavailable");
    expect(new Set(nodes.asked())).toEqual(new Set(["n1", "n3"]));
    expect((await failure(open({ node: "n9" }))).code).toBe("invalid_parameter");
  });

  test("brings its messages one by one, in whatever chunks they came, and then its end", async () => {
    const reader = await open();
    const sent = [...encodePart(bytes("one")), ...encodePart(bytes("two")), ...endOfParts];
    for (const byte of sent) streams[0]!.controller.enqueue(Uint8Array.of(byte));
    expect(await reader.take(3)).toEqual(["one", "two", "end"]);
    expect(await reader.take(1)).toEqual(["end"]);
    expect(nodes.calls).toHaveLength(1);
  });

  test("can be read by a loop", async () => {
    const { stream } = await open();
    write(0, "one", "two");
    streams[0]!.controller.enqueue(endOfParts);
    const read = async (): Promise<string[]> => {
      const messages: string[] = [];
      for await (const message of stream) messages.push(text(message));
      return messages;
    };
    expect((await elapse(read())).value).toEqual(["one", "two"]);
  });
});

describe("a stream whose node is gone", () => {
  test.each([
    ["breaks off", (served: Served) => served.controller.close()],
    ["fails", (served: Served) => served.controller.error(new Error("Network connection lost."))],
    ["says what makes no sense", (served: Served) => served.controller.enqueue(bytes("<!doctype html>"))],
  ])("and %s goes on elsewhere, behind the last message", async (_, end) => {
    const reader = await open();
    write(0, "one", "two");
    expect(await reader.take(2)).toEqual(["one", "two"]);
    const before = reader.stream.position.node;
    end(streams[0]!);
    const next = reader.next();
    await pass(10);
    expect(streams[1]!.request).toBe("behind two");
    expect(streams[1]!.call.node).not.toBe(before);
    write(1, "three");
    expect((await elapse(next)).value).toBe("three");
    expect(reader.stream.position.node).toBe(streams[1]!.call.node);
  });

  test("is taken for dead when it says nothing, not even that it is there", async () => {
    const reader = await open();
    const next = reader.next();
    for (let count = 0; count < 20; count += 1) {
      await vi.advanceTimersByTimeAsync(10_000);
      streams[0]!.controller.enqueue(encodePart(new Uint8Array(0)));
    }
    expect(streams).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(45_000);
    await pass(5);
    expect(streams).toHaveLength(2);
    expect(streams[0]!.cancelled).toBe(true);
    write(1, "one");
    expect((await elapse(next)).value).toBe("one");
  });

  test("is not taken for dead by a reader who has not listened", async () => {
    const reader = await open();
    write(0, "one", "two");
    expect(await reader.take(1)).toEqual(["one"]);
    await vi.advanceTimersByTimeAsync(100_000);
    expect(await reader.take(1)).toEqual(["two"]);
    expect(streams).toHaveLength(1);
  });

  test("ends with an error when no node has served it for half a minute", async () => {
    const reader = await open();
    write(0, "one");
    await reader.take(1);
    nodes.answer = lost;
    streams[0]!.controller.close();
    const { code, elapsedMs } = await failure(reader.next());
    expect(code).toBe("unavailable");
    expect(elapsedMs).toBeGreaterThan(29_000);
    expect(elapsedMs).toBeLessThanOrEqual(30_000);
    expect(nodes.calls.length).toBeLessThan(1000);
  });

  test("and every node breaks it off at once, is not asked for in a hurry, and ends too", async () => {
    const reader = await open();
    nodes.answer = (call) => {
      const response = serve(call);
      streams.at(-1)!.controller.close();
      return response;
    };
    streams[0]!.controller.close();
    const { code, elapsedMs } = await failure(reader.next());
    expect([code, elapsedMs <= 31_000]).toEqual(["unavailable", true]);
    expect(streams.length).toBeGreaterThan(20);
    expect(streams.length).toBeLessThan(100);
  });
});

describe("a stream is ended by its reader", () => {
  test.each([
    ["by a signal", (_: Reader, controller: AbortController) => controller.abort()],
    ["by its return", (reader: Reader) => void reader.stream.return()],
  ])("%s: the node is told, and whoever waits", async (_, end) => {
    const controller = new AbortController();
    const reader = await open({ signal: controller.signal });
    write(0, "one");
    expect(await reader.take(1)).toEqual(["one"]);
    const next = reader.next();
    end(reader, controller);
    expect(await elapse(next)).toEqual({ value: "end", elapsedMs: 0 });
    expect([streams[0]!.cancelled, streams[0]!.call.signal?.aborted]).toEqual([true, true]);
    expect(await reader.take(1)).toEqual(["end"]);
    expect(nodes.calls).toHaveLength(1);
  });

  test("while it is looked for a node: none is left behind", async () => {
    const reader = await open();
    let release = (): void => undefined;
    nodes.answer = async (call) => {
      await new Promise<void>((resolve) => (release = resolve));
      return serve(call);
    };
    streams[0]!.controller.close();
    const next = reader.next();
    await pass(5);
    await reader.stream.return();
    expect((await elapse(next)).value).toBe("end");
    release();
    await pass(5);
    expect(streams).toHaveLength(2);
    expect(streams[1]!.cancelled).toBe(true);
  });

  test("before it began", async () => {
    await expect(open({ signal: AbortSignal.abort() })).rejects.toMatchObject({ name: "AbortError" });
    expect(nodes.calls).toEqual([]);
  });
});

describe("a stream does not begin", () => {
  test("where all nodes have too much to do, and none is asked twice", async () => {
    nodes.answer = ({ node }) => nodes.refuse(node, "overloaded");
    expect(await failure(open())).toEqual({ code: "overloaded", elapsedMs: 0 });
    expect(nodes.asked().toSorted()).toEqual(["n1", "n2", "n3"]);
  });

  test.each([
    ["bad_request", "unavailable"],
    ["too_large", "too_large"],
  ] as const)("when a node refuses it with %s", async (refusal, code) => {
    nodes.answer = ({ node }) => nodes.refuse(node, refusal);
    expect(await failure(open())).toEqual({ code, elapsedMs: 0 });
    expect(nodes.calls).toHaveLength(1);
  });

  test("before somebody leads, within its time", async () => {
    nodes.leader = null;
    nodes.answer = (call) => (nodes.leader === null ? nodes.refuse(call.node, "not_leader") : serve(call));
    setTimeout(() => (nodes.leader = "n3"), 2000);
    const opening = open();
    const { elapsedMs } = await elapse(opening);
    expect(elapsedMs).toBeGreaterThanOrEqual(2000);
    expect(elapsedMs).toBeLessThan(2500);
    nodes.leader = null;
    nodes.term = 2;
    expect(await failure(open({}, 3000))).toMatchObject({ code: "no_leader" });
  });
});
