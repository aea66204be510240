/** The transport: what leaves in one call, how many calls at a time, and what becomes of a call that fails. */

import { beforeEach, describe, expect, test } from "vitest";
import { type CallAnswer, Transport } from "../../src/node/transport.ts";
import type { Message } from "../../src/raft/message.ts";

interface Call {
  readonly to: string;
  readonly messages: readonly Message[];
  readonly answer: (answer: CallAnswer) => Promise<void>;
}

let calls: Call[];
let received: Message[];
let lost: string[];
let observed: string[];
let scheduled: number;
let transport: Transport;

beforeEach(() => {
  calls = [];
  received = [];
  lost = [];
  observed = [];
  scheduled = 0;
  transport = new Transport({
    call: (to, messages) =>
      new Promise((resolve) => {
        const answer = async (result: CallAnswer): Promise<void> => {
          resolve(result);
          await settled();
        };
        calls.push({ to, messages, answer });
      }),
    receive: (messages) => void received.push(...messages),
    scheduleSend: () => void (scheduled += 1),
    unreachable: (peer) => void lost.push(peer),
    observe: (peer, answer, messages) => void observed.push(`${peer} ${answer.result} ${messages.length}`),
  });
});

/** Lets everything happen that follows from a settled promise. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

const heartbeat = (round: number): Message => ({
  type: "heartbeat",
  timeMs: 500,
  electionMinMs: 150,
  leaseMs: 0,
  quiesce: false,
  from: "a",
  to: "b",
  term: 1,
  commitIndex: 0,
  round,
});
const append = (round: number): Message => ({
  type: "appendEntries",
  from: "a",
  to: "b",
  term: 1,
  prevLogIndex: 0,
  prevLogTerm: 0,
  entries: [{ index: 1, term: 1, kind: "command", timeMs: 1, data: new Uint8Array(0) }],
  commitIndex: 0,
  round,
});
const empty = (round: number): Message => ({ ...append(round), entries: [] }) as Message;
const reply: Message = { type: "heartbeatReply", quiesced: false, from: "b", to: "a", term: 1, round: 1 };
const ok: CallAnswer = { result: "ok", messages: [] };
const failed: CallAnswer = { result: "unreachable", detail: "gone" };

/** The rounds of a call's messages, which tell them apart. */
function rounds(call: Call | undefined): number[] {
  return (call?.messages ?? []).map((message) => ("round" in message ? message.round : 0));
}

describe("a call", () => {
  test("leaves at once, before the sender goes on to write", () => {
    transport.send("b", [append(1), append(2)]);
    expect(calls.map(({ to }) => to)).toEqual(["b"]);
    expect(rounds(calls[0])).toEqual([1, 2]);
  });

  test("brings the replies of its answer", async () => {
    transport.send("b", [append(1)]);
    await calls[0]!.answer({ result: "ok", messages: [reply, reply] });
    expect(received).toEqual([reply, reply]);
    expect(observed).toEqual(["b ok 1"]);
    expect(lost).toEqual([]);
  });

  test("that brings no replies disturbs nobody", async () => {
    const receive = received;
    transport.send("b", [append(1)]);
    await calls[0]!.answer(ok);
    expect(receive).toEqual([]);
  });
});

describe("a peer", () => {
  test("has four calls at a time, and the next one takes all that waits, in order", async () => {
    for (let round = 1; round <= 10; round += 1) transport.send("b", [append(round)]);
    expect(calls.map(rounds)).toEqual([[1], [2], [3], [4]]);
    await calls[2]!.answer(ok);
    expect(calls.slice(4).map(rounds)).toEqual([[5, 6, 7, 8, 9, 10]]);
    await calls[0]!.answer(ok);
    expect(calls).toHaveLength(5);
  });

  test("does not wait for another", () => {
    for (let round = 1; round <= 9; round += 1) transport.send("b", [append(round)]);
    transport.send("c", [append(1)]);
    expect(calls.filter(({ to }) => to === "c")).toHaveLength(1);
    expect(calls.filter(({ to }) => to === "b")).toHaveLength(4);
  });

  test("that is slow gets the newest heartbeat only, and everything else", async () => {
    for (let round = 1; round <= 4; round += 1) transport.send("b", [append(round)]);
    transport.send("b", [heartbeat(5), append(6)]);
    transport.send("b", [heartbeat(7)]);
    transport.send("b", [append(8), heartbeat(9)]);
    await calls[0]!.answer(ok);
    expect(calls[4]!.messages).toEqual([append(6), append(8), heartbeat(9)]);
  });

  test("that takes nothing for long does not fill the memory", async () => {
    for (let round = 1; round <= 4 + 100_000; round += 1) transport.send("b", [append(round)]);
    await calls[0]!.answer(ok);
    expect(calls.length === 4 ? 0 : calls[4]!.messages.length).toBeLessThanOrEqual(256);
  });
});

describe("an append without entries", () => {
  test("waits for what it can travel with", () => {
    transport.send("b", [empty(1)]);
    expect(calls).toEqual([]);
    expect(scheduled).toBe(1);
    transport.send("b", [reply]);
    expect(calls.map(({ messages }) => messages)).toEqual([[reply, empty(1)]]);
  });

  test("leaves by itself when nothing comes, once", () => {
    transport.send("b", [empty(1)]);
    transport.sendPostponed();
    transport.sendPostponed();
    expect(calls.map(({ messages }) => messages)).toEqual([[empty(1)]]);
  });

  test("has nothing to say beside a later append", () => {
    transport.send("b", [empty(1)]);
    transport.send("b", [empty(2)]);
    transport.send("b", [append(3)]);
    transport.sendPostponed();
    expect(calls.map(rounds)).toEqual([[3]]);
    expect(scheduled).toBe(1);
  });

  test("is asked for again after the last one has left", () => {
    transport.send("b", [empty(1)]);
    transport.sendPostponed();
    transport.sendPostponed();
    expect(scheduled).toBe(2);
    transport.send("b", [empty(2)]);
    expect(scheduled).toBe(3);
    transport.sendPostponed();
    transport.sendPostponed();
    expect(calls.map(rounds)).toEqual([[1], [2]]);
  });

  test("waits for its turn when four calls are under way", async () => {
    for (let round = 1; round <= 4; round += 1) transport.send("b", [append(round)]);
    transport.send("b", [empty(5)]);
    transport.sendPostponed();
    transport.sendPostponed();
    expect(calls).toHaveLength(4);
    await calls[0]!.answer(ok);
    expect(rounds(calls[4])).toEqual([5]);
  });

  test("is lost with a call that fails", async () => {
    transport.send("b", [append(1)]);
    transport.send("b", [empty(2)]);
    await calls[0]!.answer(failed);
    transport.sendPostponed();
    expect(calls).toHaveLength(1);
  });
});

describe("a call that fails", () => {
  test("is reported, and takes with it what was written on the same assumption", async () => {
    for (let round = 1; round <= 6; round += 1) transport.send("b", [append(round)]);
    await calls[1]!.answer(failed);
    expect(lost).toEqual(["b"]);
    expect(observed).toEqual(["b unreachable 1"]);
    expect(calls).toHaveLength(4);
    transport.send("b", [append(7)]);
    expect(rounds(calls[4])).toEqual([7]);
  });

  test.each(["refused", "unreachable", "timeout", "malformed"] as const)("may be %s", async (result) => {
    transport.send("b", [append(1)]);
    await calls[0]!.answer({ result, detail: "" });
    expect(lost).toEqual(["b"]);
    expect(received).toEqual([]);
  });

  test("leaves other peers alone", async () => {
    for (let round = 1; round <= 6; round += 1) {
      transport.send("b", [append(round)]);
      transport.send("c", [append(round)]);
    }
    await calls.find(({ to }) => to === "b")!.answer(failed);
    await calls.find(({ to }) => to === "c")!.answer(ok);
    expect(rounds(calls.at(-1))).toEqual([5, 6]);
    expect(calls.at(-1)!.to).toBe("c");
  });

  test("hands over at once what the report made the sender say", async () => {
    const answering = new Transport({
      call: (to, messages) =>
        new Promise((resolve) => {
          calls.push({
            to,
            messages,
            answer: async (answer) => {
              resolve(answer);
              await settled();
            },
          });
        }),
      receive: () => {},
      scheduleSend: () => {},
      unreachable: (peer) => answering.send(peer, [append(99)]),
      observe: () => {},
    });
    answering.send("b", [append(1)]);
    await calls[0]!.answer(failed);
    expect(calls.slice(1).map(rounds)).toEqual([[99]]);
  });
});
