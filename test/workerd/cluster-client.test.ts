/** Batches and streams of a group of real nodes, through the client that the Worker uses. */

import { reset } from "cloudflare:test";
import { afterEach, describe, expect, test } from "vitest";
import { ClusterClient, type MessageStream } from "../../src/api/cluster.ts";
import { ApiError } from "../../src/api/errors.ts";
import type { Target } from "../../src/api/target.ts";
import type { NodeStatus } from "../../src/internal.ts";
import { numbersRequest } from "../support/number-machine.ts";
import { faults } from "./faults.ts";
import { NumberGroup } from "./number-node.ts";
import { bytes, eventually, text } from "./test-group.ts";
import { TestSocket } from "./test-socket.ts";

afterEach(async () => {
  faults.clear();
  await reset();
});

async function settledGroup(): Promise<{
  group: NumberGroup;
  leader: NodeStatus;
  client: ClusterClient;
  target: Target;
}> {
  const group = new NumberGroup();
  const leader = await group.leader();
  const members = group.ids.map((id) => ({ id, role: "voter" }) as const);
  const target = { env: group.env, group: group.name, members, timeoutMs: 10_000 };
  return { group, leader, client: new ClusterClient(), target };
}

/** A stream of all numbers, which goes on behind the last that was read. */
class Reader {
  readonly messages: string[] = [];
  readonly stream: MessageStream;

  private constructor(stream: MessageStream) {
    this.stream = stream;
  }

  static async open(client: ClusterClient, target: Target, signal?: AbortSignal): Promise<Reader> {
    const read: Reader[] = [];
    const stream = await client.subscribe(target, {
      request: numbersRequest({ from: 1 }),
      resume: () => numbersRequest({ from: (read[0]?.messages.length ?? 0) + 1 }),
      ...(signal !== undefined && { signal }),
    });
    const reader = new Reader(stream);
    read.push(reader);
    return reader;
  }

  async read(count: number): Promise<readonly string[]> {
    while (this.messages.length < count) {
      const { done, value } = await this.stream.next();
      if (done === true) break;
      this.messages.push(text(value));
    }
    return this.messages;
  }
}

function places(from: number, to: number): string[] {
  return Array.from({ length: to - from + 1 }, (_, at) => String(from + at));
}

const numbers = (count: number): Uint8Array[] => Array.from({ length: count }, (_, number) => bytes(String(number)));

describe("a batch", () => {
  test("takes effect in its order, and each command is answered with its own result", async () => {
    const { group, leader, client, target } = await settledGroup();
    const { answers } = await client.proposeAll(target, numbers(1000), false);
    expect(answers.map((answer) => (answer instanceof ApiError ? answer.code : text(answer.body)))).toEqual(
      places(1, 1000),
    );
    const indexes = answers.map((answer) => Number(answer.position?.index));
    expect(indexes).toEqual(indexes.map((_, at) => indexes[0]! + at));
    // Gathered into few rows of the log, and few messages.
    expect(await group.metric(leader.id, "durable_raft_batch_entries_count")).toBeLessThan(10);
    expect(new Set(answers.map((answer) => answer.position?.node))).toEqual(new Set([leader.id]));
  });

  test("follows leadership", async () => {
    const { group, leader, client, target } = await settledGroup();
    await client.proposeAll(target, numbers(1), false);
    const [next = ""] = group.followers(leader);
    await group.call(leader.id, "/transfer-leadership", bytes(JSON.stringify({ to: next })));
    await group.leader();
    const { answers } = await client.proposeAll(target, numbers(3), false);
    expect(answers.map((answer) => [answer.ambiguous, answer.position?.node])).toEqual([
      [false, next],
      [false, next],
      [false, next],
    ]);
  });

  test("to a leader that no majority hears is in doubt, command by command", async () => {
    const { group, leader, client, target } = await settledGroup();
    await client.proposeAll(target, numbers(1), false);
    group.isolate(leader.id);
    const { answers } = await client.proposeAll({ ...target, timeoutMs: 400 }, numbers(2), false);
    expect(answers.map((answer) => answer instanceof ApiError && answer.ambiguous)).toEqual([true, true]);
  });

  test("with a command that is too large makes the others", async () => {
    const { client, target } = await settledGroup();
    const commands = [bytes("5"), new Uint8Array(1_800_001), bytes("6")];
    const { answers } = await client.proposeAll(target, commands, false);
    expect(answers.map((answer) => (answer instanceof ApiError ? answer.code : text(answer.body)))).toEqual([
      "1",
      "too_large",
      "2",
    ]);
  });
});

describe("a stream", () => {
  test("misses and repeats nothing while the nodes that serve it crash and leadership changes", async () => {
    const { group, client, target } = await settledGroup();
    const reader = await Reader.open(client, target);
    const served = new Set<string>();
    for (let round = 1; round <= 4; round += 1) {
      await client.proposeAll(target, numbers(20), false);
      await reader.read(20 * round - 5);
      served.add(reader.stream.position.node);
      await group.abort(round % 2 === 0 ? (await group.leader()).id : reader.stream.position.node);
      await group.leader();
    }
    const read = await reader.read(80);
    expect(read.map((message) => message.split("=")[0])).toEqual(places(1, 80));
    expect(served.size).toBeGreaterThan(1);
    await reader.stream.return();
  });

  test("ends at its node when its reader has enough", async () => {
    const { group, client, target } = await settledGroup();
    const controller = new AbortController();
    const readers = [await Reader.open(client, target), await Reader.open(client, target, controller.signal)];
    const subscribers = async (): Promise<number> => {
      const counts = await Promise.all(group.ids.map((id) => group.subscribers(id)));
      return counts.reduce((sum, count) => sum + count, 0);
    };
    expect(await subscribers()).toBe(2);
    const waiting = readers.map((reader) => reader.stream.next());
    controller.abort();
    await readers[0]!.stream.return();
    expect((await Promise.all(waiting)).map(({ done }) => done)).toEqual([true, true]);
    await eventually("nobody to serve", async () => ((await subscribers()) === 0 ? true : null));
  });

  test("leaves the leader to its work", async () => {
    const { group, leader, client, target } = await settledGroup();
    for (let count = 0; count < 6; count += 1) await (await Reader.open(client, target)).stream.return();
    const reader = await Reader.open(client, target);
    expect(group.followers(leader)).toContain(reader.stream.position.node);
    await reader.stream.return();
  });
});

test("a WebSocket is handed on", async () => {
  const { client, target } = await settledGroup();
  const response = await client.subscribeSocket(target, { request: numbersRequest({ opening: true, from: 1 }) });
  expect(response.status).toBe(101);
  const socket = new TestSocket(response.webSocket!);
  await client.proposeAll(target, numbers(2), false);
  expect(await socket.read(3)).toEqual(["opened 0", "1=0", "2=1"]);
});
