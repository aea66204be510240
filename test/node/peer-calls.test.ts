/** Calls between nodes: how each is made, and how every way in which it can go wrong is told. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Env } from "../../src/env.ts";
import type { MemberSpecification } from "../../src/internal.ts";
import { encodeFrame, type Frame } from "../../src/node/frame.ts";
import { FrameRefusedError } from "../../src/node/frame-refusal.ts";
import { PeerCalls } from "../../src/node/peer-calls.ts";
import type { Identity, StoredNode } from "../../src/node/storage.ts";
import { simpleConfiguration } from "../../src/raft/configuration.ts";
import type { Message } from "../../src/raft/message.ts";
import { belongingOf } from "./belonging.ts";

interface StubCall {
  readonly name: string;
  readonly options: DurableObjectNamespaceGetDurableObjectOptions | undefined;
  readonly url: string;
  readonly init: RequestInit;
}

type Answer = (init: RequestInit) => Promise<Response> | Response;

let stubs: number;
let requests: StubCall[];
let answer: Answer;

const namespace = {
  getByName: (name: string, options?: DurableObjectNamespaceGetDurableObjectOptions) => {
    stubs += 1;
    return {
      fetch: async (url: string, init: RequestInit) => {
        requests.push({ name, options, url, init });
        return await answer(init);
      },
    };
  },
} as unknown as Env["RAFT_NODE"];

const members: readonly MemberSpecification[] = [
  { id: "n1", role: "voter", locationHint: "weur" },
  { id: "n2", role: "voter", locationHint: "enam" },
  { id: "n3", role: "voter" },
];

function nodeOf(node: string, more: Partial<Identity> = {}): StoredNode {
  return {
    identity: { group: "g", node, groupId: "f00d", storageId: `storage of ${node}`, ...more },
    incarnation: 4,
    configuration: simpleConfiguration(["n1", "n2", "n3"]),
    hardState: { term: 0, vote: null },
    quiescent: false,
    log: { firstIndex: 1, lastIndex: 0, previousTerm: 0, previousTimeMs: 0, appliedIndex: 0 },
  };
}

function callsOf(stored: StoredNode): PeerCalls {
  const listedHint = (id: string): string | undefined => members.find((member) => member.id === id)?.locationHint;
  const belonging = belongingOf(stored, { listedHint });
  return new PeerCalls(namespace, stored, (id) => belonging.hintOf(id), belonging.gatekeeper, 1000);
}

const beat: Message = {
  type: "heartbeat",
  timeMs: 500,
  electionMinMs: 150,
  leaseMs: 0,
  quiesce: false,
  from: "n1",
  to: "n2",
  term: 3,
  commitIndex: 0,
  round: 1,
};
const beaten: Message = { type: "heartbeatReply", quiesced: false, from: "n2", to: "n1", term: 3, round: 1 };

/** An answer as node `n2` makes it. */
function fromNode(body: BodyInit, status = 200, node = "n2"): Response {
  return new Response(body, { status, headers: { "x-raft-node": node } });
}

function replies(more: Partial<Frame> = {}): Uint8Array<ArrayBuffer> {
  return encodeFrame({ ...callsOf(nodeOf("n2")).frame("n1", [beaten]), ...more });
}

beforeEach(() => {
  stubs = 0;
  requests = [];
  answer = () => fromNode(replies());
});

afterEach(() => void vi.useRealTimers());

describe("a call", () => {
  test("posts one frame with all messages to the peer's object, and gives the replies", async () => {
    const result = await callsOf(nodeOf("n1")).call("n2", [beat, beat]);
    expect(result).toEqual({ result: "ok", messages: [beaten] });
    const [{ name, url, init } = expect.fail("no request")] = requests;
    expect(name).toBe("g/n2");
    expect(url).toBe("https://node.internal/raft");
    expect(init.method).toBe("POST");
    expect(init.headers).toEqual({ "x-raft-group": "g", "x-raft-node": "n2" });
    expect(callsOf(nodeOf("n2")).read(init.body as Uint8Array)).toEqual({
      groupId: "f00d",
      from: "n1",
      to: "n2",
      storageId: "storage of n1",
      incarnation: 4,
      toStorageId: "",
      messages: [beat, beat],
    });
  });

  test("hazard-49 has a stub of its own, so that one failure is not the last", async () => {
    const calls = callsOf(nodeOf("n1"));
    answer = () => {
      throw new Error("the object was reset");
    };
    expect((await calls.call("n2", [beat])).result).toBe("unreachable");
    answer = () => fromNode(replies());
    expect((await calls.call("n2", [beat])).result).toBe("ok");
    expect(stubs).toBe(2);
  });

  test("hazard-50 is not repeated by the platform", async () => {
    const calls = callsOf(nodeOf("n1"));
    await calls.call("n2", [beat]);
    await calls.call("n3", [beat]);
    expect(requests.map(({ options }) => options?.retry)).toEqual([{ maxRetries: 0 }, { maxRetries: 0 }]);
  });

  test("says near which region the peer belongs, as far as that is known", async () => {
    const calls = callsOf(nodeOf("n1"));
    await calls.call("n2", [beat]);
    await calls.call("n3", [beat]);
    expect(requests.map(({ options }) => options?.locationHint)).toEqual(["enam", undefined]);
  });

  test("starts before it is waited for", () => {
    void callsOf(nodeOf("n1")).call("n2", [beat]);
    expect(requests).toHaveLength(1);
  });
});

describe("an answer", () => {
  /** What comes of an answer, and whether its body was read, as an unread one blocks the platform. */
  async function resultOf(response: Response): Promise<{ result: string; detail: string; bodyUsed: boolean }> {
    answer = () => response;
    const result = await callsOf(nodeOf("n1")).call("n2", [beat]);
    const detail = result.result === "ok" ? "" : result.detail;
    return { result: result.result, detail, bodyUsed: response.bodyUsed };
  }

  test("hazard-49 without a node's header was not made by a node: the peer is unreachable", async () => {
    const missing = new Response('Worker "raft-n2" not found', { status: 503 });
    expect(await resultOf(missing)).toEqual({ result: "unreachable", detail: "HTTP 503", bodyUsed: true });
    expect((await resultOf(new Response(replies()))).result).toBe("unreachable");
  });

  test("hazard-49 with another node's header is not the peer's", async () => {
    expect((await resultOf(fromNode(replies(), 200, "n3"))).result).toBe("unreachable");
  });

  test("that refuses is told with its reason, in part if it is long", async () => {
    const refusal = await resultOf(fromNode("no such call", 421));
    expect(refusal).toEqual({ result: "refused", detail: "no such call", bodyUsed: true });
    expect((await resultOf(fromNode("x".repeat(100_000), 421))).detail).toHaveLength(300);
  });

  test.each([
    ["bytes that are no frame", () => Uint8Array.of(1, 2, 3)],
    ["a frame of another version", () => replies().with(2, 99)],
    ["a frame of another group", () => replies({ groupId: "beef" })],
    ["a frame for another node", () => replies({ to: "n3" })],
    ["a frame from another node", () => replies({ from: "n3" })],
    ["nothing", () => new Uint8Array(0)],
  ])("with %s is malformed, and none of it is taken", async (_, body) => {
    expect(await resultOf(fromNode(body()))).toMatchObject({ result: "malformed", bodyUsed: true });
  });

  test("that breaks off in the middle is none", async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new Error("Network connection lost.")),
    });
    expect(await resultOf(fromNode(broken))).toMatchObject({
      result: "unreachable",
      detail: "Network connection lost.",
    });
  });
});

describe("a call that takes too long", () => {
  beforeEach(() => void vi.useFakeTimers());

  /** What workerd rejects an aborted call with: not the reason that was given. */
  const aborted = (): Error => new Error("The operation was aborted");

  /** Never settles, but for the abort of its signal: as a peer behind a broken line. */
  const silence: Answer = ({ signal }) =>
    new Promise((_, reject) => {
      signal?.addEventListener("abort", () => reject(aborted()));
    });

  test("ends by itself, and says why", async () => {
    answer = silence;
    const result = callsOf(nodeOf("n1")).call("n2", [beat]);
    await vi.advanceTimersByTimeAsync(999);
    expect(requests[0]!.init.signal?.aborted).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await result).toMatchObject({ result: "timeout" });
  });

  test("ends too when only the body is late", async () => {
    answer = ({ signal }) =>
      fromNode(
        new ReadableStream({
          start: (controller) => signal?.addEventListener("abort", () => controller.error(aborted())),
        }),
      );
    const result = callsOf(nodeOf("n1")).call("n2", [beat]);
    await vi.advanceTimersByTimeAsync(1000);
    expect(await result).toMatchObject({ result: "timeout" });
  });

  test("is the only one that leaves a timer behind", async () => {
    const calls = callsOf(nodeOf("n1"));
    await calls.call("n2", [beat]);
    answer = () => {
      throw new Error("gone");
    };
    await calls.call("n2", [beat]);
    expect(vi.getTimerCount()).toBe(0);
    answer = silence;
    void calls.call("n2", [beat]);
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("a frame that arrives", () => {
  const calls = callsOf(nodeOf("n2"));
  const sent = callsOf(nodeOf("n1")).frame("n2", [beat]);

  test("is taken if it is meant for this node of this group", () => {
    expect(calls.read(encodeFrame(sent))).toEqual(sent);
  });

  test.each<[string, Uint8Array, string]>([
    ["of a group that was told other members", encodeFrame({ ...sent, groupId: "beef" }), "identity"],
    ["for another node", encodeFrame({ ...sent, to: "n3" }), "n2"],
    ["of a later version", encodeFrame(sent).with(2, 2), "version 2"],
    ["that is none", new Uint8Array(40), "not a frame"],
  ])("is refused if it is one %s, and the sender learns why", (_, bytes, reason) => {
    expect(() => calls.read(bytes)).toThrow(FrameRefusedError);
    expect(() => calls.read(bytes)).toThrow(reason);
  });
});
