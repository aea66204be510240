/** What a node takes from its peers, frame by frame: the test itself is the peer. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { internalHeader, internalPath } from "../../src/internal.ts";
import { decodeFrame, encodeFrame, type Frame } from "../../src/node/frame.ts";
import type { Entry } from "../../src/raft/entry.ts";
import type { AppendEntries, Message, RequestVote } from "../../src/raft/message.ts";
import { faults } from "./faults.ts";
import { type Answer, putCommand, refusalOf, type StoredState, TestGroup } from "./test-group.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

/** A node `n1` that reaches nobody, for whom the test speaks as `n2` and `n3`. */
class LoneNode {
  readonly group = new TestGroup();

  constructor() {
    for (const peer of ["n2", "n3"]) faults.cut(this.group.object("n1"), this.group.object(peer));
  }

  stored(): Promise<StoredState> {
    return this.group.stored("n1");
  }

  abort(): Promise<void> {
    return this.group.abort("n1");
  }

  async send(frame: Partial<Frame>, ...messages: readonly Message[]): Promise<Answer> {
    return await this.sendBytes(await this.encode(frame, ...messages));
  }

  async sendBytes(bytes: Uint8Array): Promise<Answer> {
    return await this.group.call("n1", internalPath.raft, bytes);
  }

  /** Sends as the sender of the message, and gives the replies. */
  async ask(...messages: readonly Message[]): Promise<readonly Message[]> {
    const answer = await this.send({}, ...messages);
    const refused = refusalOf(answer);
    if (refused !== null) throw new Error(refused.message);
    return decodeFrame(answer.body).messages;
  }

  async encode(frame: Partial<Frame>, ...messages: readonly Message[]): Promise<Uint8Array> {
    await this.group.status("n1");
    const { group_id: groupId } = await this.stored();
    const from = messages[0]?.from ?? "n2";
    return encodeFrame({
      groupId,
      from,
      to: "n1",
      storageId: "test",
      incarnation: 1,
      toStorageId: "",
      messages,
      ...frame,
    });
  }
}

function requestVote(from: string, term: number, more: Partial<RequestVote> = {}): RequestVote {
  return {
    type: "requestVote",
    question: 0,
    from,
    to: "n1",
    term,
    preVote: false,
    transfer: false,
    lastLogIndex: 0,
    lastLogTerm: 0,
    commitIndex: 0,
    commitTerm: 0,
    ...more,
  };
}

function append(prevLogIndex: number, values: readonly string[], more: Partial<AppendEntries> = {}): AppendEntries {
  const term = 5;
  const entries = values.map((value, position): Entry => {
    const index = prevLogIndex + 1 + position;
    return { index, term, kind: "command", timeMs: 1000, data: putCommand("key", value) };
  });
  const previous = { prevLogIndex, prevLogTerm: prevLogIndex === 0 ? 0 : term };
  return { type: "appendEntries", from: "n2", to: "n1", term, ...previous, entries, commitIndex: 0, round: 1, ...more };
}

describe("a vote", () => {
  test("hazard-02 hazard-38 outlives the object: in its next life it gives no other candidate one", async () => {
    const node = new LoneNode();
    expect(await node.ask(requestVote("n2", 9))).toMatchObject([
      { type: "voteReply", question: 0, granted: true, term: 9 },
    ]);
    await node.abort();
    expect(await node.stored()).toMatchObject({ term: 9, vote: "n2" });
    expect(await node.ask(requestVote("n3", 9))).toMatchObject([
      { type: "voteReply", question: 0, granted: false, term: 9 },
    ]);
    expect(await node.ask(requestVote("n2", 9))).toMatchObject([
      { type: "voteReply", question: 0, granted: true, term: 9 },
    ]);
  });

  test("hazard-50 that is asked for again, much later, is the same", async () => {
    const node = new LoneNode();
    const request = await node.encode({}, requestVote("n2", 9));
    const answers = [await node.sendBytes(request), await node.sendBytes(request)];
    await node.ask(requestVote("n3", 11));
    answers.push(await node.sendBytes(request));
    const replies = answers.map(({ body }) => decodeFrame(body).messages);
    expect(replies[1]).toEqual(replies[0]);
    // A vote of an earlier term would be of no use to anybody.
    expect(replies[2]).toEqual([]);
    expect(await node.stored()).toMatchObject({ term: 11, vote: "n3" });
  });
});

describe("entries", () => {
  test("hazard-38 that were acknowledged are there in the next life, term and all", async () => {
    const node = new LoneNode();
    expect(await node.ask(append(0, ["a", "b", "c"]))).toMatchObject([
      { type: "appendReply", index: 3, rejection: null },
    ]);
    await node.abort();
    expect(await node.stored()).toMatchObject({ term: 5, last_index: 3, applied_index: 0 });
    expect(await node.ask(append(3, ["d"]))).toMatchObject([{ type: "appendReply", index: 4, rejection: null }]);
  });

  test("hazard-30 are applied once, however often they come and the object ends", async () => {
    const node = new LoneNode();
    await node.ask(append(0, ["a", "b"], { commitIndex: 2 }));
    await node.abort();
    await node.ask(append(0, ["a", "b", "c"], { commitIndex: 3 }));
    await node.ask(append(0, ["a", "b", "c"], { commitIndex: 3 }));
    await node.ask(append(2, ["c"], { commitIndex: 3 }));
    expect(await node.stored()).toMatchObject({ applied_index: 3, last_index: 3 });
    expect(await node.group.get("n1", "key", "stale")).toEqual({ done: "c", index: 3 });
    const version = await node.ask(append(3, ["d"], { commitIndex: 4 }));
    expect(version).toMatchObject([{ index: 4 }]);
    expect(await node.group.get("n1", "key", "stale")).toEqual({ done: "d", index: 4 });
  });

  test("hazard-30 whose applying fails are neither stored nor acknowledged, and come in again", async () => {
    const node = new LoneNode();
    await node.ask(append(0, ["a"], { commitIndex: 1 }));
    const { incarnation } = await node.stored();
    faults.failApply(node.group.object("n1"));
    await expect(node.send({}, append(1, ["b", "c"], { commitIndex: 3 }))).rejects.toThrow("the state machine broke");
    expect(await node.stored()).toMatchObject({ applied_index: 1, last_index: 1 });
    expect(await node.group.get("n1", "key", "stale")).toMatchObject({ done: "a" });
    await node.ask(append(1, ["b", "c"], { commitIndex: 3 }));
    expect(await node.group.get("n1", "key", "stale")).toMatchObject({ done: "c" });
    expect((await node.stored()).incarnation).toBeGreaterThan(incarnation);
  });
});

describe("a frame that is not for this node", () => {
  const vote = requestVote("n2", 77);

  test.each<[string, Partial<Frame>, string, string]>([
    ["hazard-36 of a group with other members", { groupId: "0123456789abcdef" }, "other_group", "identity"],
    ["for another node", { to: "n3" }, "bad_request", "n1"],
  ])("is refused with its reason, and changes nothing: one %s", async (_, more, code, reason) => {
    const node = new LoneNode();
    await node.group.status("n1");
    const before = await node.stored();
    const answer = await node.send(more, { ...vote, to: more.to ?? "n1" });
    expect(answer.headers.get(internalHeader.node)).toBe("n1");
    expect(refusalOf(answer)).toMatchObject({
      code,
      message: expect.stringContaining(reason) as string,
    });
    expect(await node.stored()).toEqual(before);
    expect((await node.group.status("n1")).term).toBe(0);
  });

  test.each<[string, (bytes: Uint8Array) => Uint8Array, string]>([
    ["hazard-51 of a later version", (bytes) => bytes.with(2, 200), "version 200"],
    ["that ends too early", (bytes) => bytes.slice(0, -1), "ends too early"],
    ["that goes on", (bytes) => Uint8Array.from([...bytes, 1]), "left over"],
    ["that is none", () => new TextEncoder().encode('{"hello":1}'), "not a frame"],
    ["that is empty", () => new Uint8Array(0), "ends too early"],
  ])("is refused with its reason, and changes nothing: one %s", async (_, change, reason) => {
    const node = new LoneNode();
    const answer = await node.sendBytes(change(await node.encode({}, vote)));
    expect(refusalOf(answer)).toMatchObject({
      code: "bad_request",
      message: expect.stringContaining(reason) as string,
    });
    expect(await node.stored()).toMatchObject({ term: 0, vote: null, last_index: 0, incarnation: 1 });
  });
});
