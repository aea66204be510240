/** A batch of commands: which are sent again, and what its sender is told of each. */

import { beforeEach, describe, expect, test } from "vitest";
import { ClusterClient } from "../../src/api/cluster.ts";
import { ApiError } from "../../src/api/errors.ts";
import { type CommandOutcome, encodeOutcomes, maxBatchBytes, maxBatchCommands } from "../../src/batch.ts";
import { internalPath } from "../../src/internal.ts";
import { decodeParts } from "../../src/parts.ts";
import { lost, type ScriptedCall, ScriptedNodes } from "./scripted-nodes.ts";
import { elapse, useVirtualTime } from "./virtual-time.ts";

useVirtualTime();

let nodes: ScriptedNodes;
let client: ClusterClient;
/** The texts of the commands of each call. */
let batches: string[][];

beforeEach(() => {
  nodes = new ScriptedNodes();
  client = new ClusterClient();
  batches = [];
});

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const text = (from: Uint8Array): string => new TextDecoder().decode(from);

/** Answers each command; the first call with the first way, and so on, the last way for all that follow. */
function answerWith(...ways: ((command: string, call: ScriptedCall) => CommandOutcome)[]): void {
  nodes.answer = (call) => {
    const way = ways[Math.min(batches.length, ways.length - 1)]!;
    const commands = decodeParts(call.body).map(text);
    batches.push(commands);
    return nodes.respond(call.node, encodeOutcomes(commands.map((command) => way(command, call))));
  };
}

function done(command: string): CommandOutcome {
  return { done: true, result: bytes(`${command}!`), index: 100 + Number(command) };
}

function refused(code: "not_leader" | "superseded" | "overloaded" | "too_large" | "timeout"): CommandOutcome {
  return { done: false, code, message: "no", ambiguous: code === "timeout" };
}

/** What became of each command in few words, and how long that took. */
async function propose(
  commands: readonly string[],
  repeatable = false,
  timeoutMs = 10_000,
): Promise<{ value: string[]; elapsedMs: number }> {
  const proposed = client.proposeAll(nodes.target(timeoutMs), commands.map(bytes), repeatable);
  const { value, elapsedMs } = await elapse(proposed);
  return { elapsedMs, value: value.answers.map(describeAnswer) };
}

function describeAnswer(answer: Awaited<ReturnType<ClusterClient["proposeAll"]>>["answers"][number]): string {
  const doubt = answer.ambiguous ? " ambiguous" : "";
  if (answer instanceof ApiError) return answer.code + doubt;
  return `${text(answer.body)} at ${answer.position.index} by ${answer.position.node}${doubt}`;
}

describe("a batch", () => {
  test("goes to the leader in one call, and is answered command by command", async () => {
    answerWith(done);
    expect((await propose(["1", "2", "3"])).value).toEqual(["1! at 101 by n1", "2! at 102 by n1", "3! at 103 by n1"]);
    expect(nodes.calls.map(({ node, path }) => [node, path])).toEqual([["n1", internalPath.proposeAll]]);
  });

  test("without commands asks nobody", async () => {
    expect((await propose([])).value).toEqual([]);
    expect(nodes.calls).toEqual([]);
  });

  test("that the node refuses as one follows the leader", async () => {
    await propose(["0"], false, 100);
    nodes.leader = "n2";
    nodes.term = 2;
    const whole = nodes.refuse.bind(nodes);
    answerWith(done);
    const answer = nodes.answer;
    nodes.answer = (call) => (call.node === "n2" ? answer(call) : whole(call.node, "not_leader"));
    expect((await propose(["1"])).value).toEqual(["1! at 101 by n2"]);
  });

  test.each([
    ["too many commands", Array.from({ length: maxBatchCommands + 1 }, () => "")],
    ["too many bytes", ["x".repeat(maxBatchBytes), "x"]],
  ])("of %s is refused before anybody is asked", async (_, commands) => {
    await expect(client.proposeAll(nodes.target(), commands.map(bytes), true)).rejects.toMatchObject({
      code: "too_large",
      ambiguous: false,
    });
    expect(nodes.calls).toEqual([]);
  });
});

describe("commands that have not taken effect", () => {
  test("are sent again, without the others, to whoever leads then", async () => {
    answerWith((command, { node }) => {
      if (command === "1") return done(command);
      nodes.leader = "n3";
      nodes.term = 2;
      return node === "n1" ? refused(command === "2" ? "superseded" : "not_leader") : done(command);
    }, done);
    const { value } = await propose(["1", "2", "3"]);
    expect(value).toEqual(["1! at 101 by n1", "2! at 102 by n3", "3! at 103 by n3"]);
    expect(batches).toEqual([
      ["1", "2", "3"],
      ["2", "3"],
    ]);
  });

  test("and are refused for what they are, or for too much work, are not", async () => {
    answerWith((command) => (command === "1" ? done(command) : refused(command === "2" ? "too_large" : "overloaded")));
    expect((await propose(["1", "2", "3"], true)).value).toEqual(["1! at 101 by n1", "too_large", "overloaded"]);
    expect(batches).toHaveLength(1);
  });

  test("in all the time there is are known not to have", async () => {
    answerWith((command) => (command === "1" ? done(command) : refused("superseded")));
    const { value, elapsedMs } = await propose(["1", "2"], false, 3000);
    expect(value).toEqual(["1! at 101 by n1", "no_leader"]);
    expect(elapsedMs).toBeGreaterThanOrEqual(2900);
    expect(elapsedMs).toBeLessThanOrEqual(3000);
    // Not in a hurry.
    expect(batches.length).toBeLessThan(60);
  });
});

describe("commands of which nobody knows", () => {
  test("are sent again only if that does no harm, and their doubt is told", async () => {
    const once = (command: string): CommandOutcome => (command === "1" ? done(command) : refused("timeout"));
    answerWith(once, done);
    expect((await propose(["1", "2"])).value).toEqual(["1! at 101 by n1", "timeout ambiguous"]);
    expect(batches).toEqual([["1", "2"]]);
    batches = [];
    expect((await propose(["1", "2"], true)).value).toEqual(["1! at 101 by n1", "2! at 102 by n1 ambiguous"]);
    expect(batches).toEqual([["1", "2"], ["2"]]);
  });

  test("because the call was lost are all in doubt", async () => {
    nodes.answer = lost;
    expect((await propose(["1", "2"])).value).toEqual(["unavailable ambiguous", "unavailable ambiguous"]);
    expect(nodes.calls).toHaveLength(1);
    answerWith(done);
    const answer = nodes.answer;
    nodes.answer = () => {
      nodes.answer = answer;
      return lost();
    };
    expect((await propose(["1", "2"], true)).value).toEqual(["1! at 101 by n1 ambiguous", "2! at 102 by n1 ambiguous"]);
  });

  test("stay in doubt when a later attempt has not been made in time", async () => {
    answerWith(
      (command) => (command === "1" ? refused("timeout") : refused("superseded")),
      () => refused("superseded"),
    );
    expect((await propose(["1", "2"], true, 1500)).value).toEqual(["no_leader ambiguous", "no_leader"]);
  });

  test("because the answer makes no sense are in doubt", async () => {
    nodes.answer = ({ node }) => nodes.respond(node, encodeOutcomes([done("1")]));
    expect((await propose(["1", "2"])).value).toEqual(["unavailable ambiguous", "unavailable ambiguous"]);
    nodes.answer = ({ node }) => nodes.respond(node, "nonsense");
    expect((await propose(["1"], true)).value).toEqual(["unavailable ambiguous"]);
  });
});
