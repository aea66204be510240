/**
 * The output gate, on which the driver rests: what is sent after a write is held until the write is durable, and what is
 * sent before it is not held by it.
 *
 * Shown here, in local workerd: a message and an answer that follow a write which can't be committed never leave; a
 * message that follows a good write leaves after one that follows none; a message that precedes a write leaves as early
 * as if there was no write; wherever an object is aborted, no message has arrived whose write is lost. Not shown: how long
 * a commit takes on Cloudflare, where it is confirmed by other machines, and that a message which precedes a lost write
 * does leave: local commits are so fast that the object is gone before a message sent in the same turn could.
 */

import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { GateEnv, Step } from "./gate-objects.ts";

const { GATE, SINK } = env as unknown as GateEnv;

const write = (name: string): Step => ({ kind: "write", name });
const spoil = (name: string): Step => ({ kind: "spoil", name });
const send = (name: string): Step => ({ kind: "send", name });
const turns = (count: number): Step => ({ kind: "turns", count });
const abort: Step = { kind: "abort" };

let runs = 0;

interface Result {
  /** What each gate answered, in the order of the gates. */
  readonly answers: readonly string[];
  /** The messages that reached the sink, in order. */
  readonly arrived: readonly string[];
  /** What each gate has on its disk. */
  readonly written: readonly (readonly string[])[];
}

/** Lets gates take their steps, all told at the same moment in the given order, and all with the same sink. */
async function run(...gates: readonly (readonly Step[])[]): Promise<Result> {
  runs += 1;
  const sink = `sink-${runs}`;
  const names = gates.map((_, position) => `gate-${runs}-${position}`);
  // All objects are there before anything is measured.
  await SINK.getByName(sink).names();
  for (const name of names) await GATE.getByName(name).written();
  const answers = await Promise.all(gates.map((steps, position) => ask(names[position]!, sink, steps)));
  await scheduler.wait(20);
  const written = await Promise.all(names.map(async (name) => await GATE.getByName(name).written()));
  return { answers, written, arrived: await SINK.getByName(sink).names() };
}

async function ask(gate: string, sink: string, steps: readonly Step[]): Promise<string> {
  try {
    const body = JSON.stringify({ sink, steps });
    const response = await GATE.getByName(gate).fetch("https://gate.test/", { method: "POST", body });
    return await response.text();
  } catch {
    return "reset";
  }
}

test("a message after a write that can't be made durable never leaves, nor does the answer", async () => {
  expect(await run([spoil("x"), send("m")])).toEqual({ answers: ["reset"], written: [[]], arrived: [] });
  expect(await run([spoil("x")])).toMatchObject({ answers: ["reset"] });
});

test("a message and an answer after a write that is made durable leave", async () => {
  expect(await run([write("x"), send("m")])).toEqual({ answers: ["done"], written: [["x"]], arrived: ["m"] });
});

test("all messages after the write are held, whatever was sent before it", async () => {
  const result = await run([send("m1"), turns(5), spoil("x"), send("m2"), send("m3")]);
  expect(result).toEqual({ answers: ["reset"], written: [[]], arrived: ["m1"] });
});

test("a message after a write lets one overtake it that waits for nothing", async () => {
  expect((await run([write("x"), send("held")], [send("free")])).arrived).toEqual(["free", "held"]);
  // Told in the same order, and without the write, they arrive in that order.
  expect((await run([send("first")], [send("second")])).arrived).toEqual(["first", "second"]);
});

test("a message before a write is not held by it: a leader's disk and the network overlap", async () => {
  expect((await run([send("early"), write("x")], [send("free")])).arrived).toEqual(["early", "free"]);
  const both = await run([send("early"), write("x"), send("late")], [send("free"), write("y"), send("late too")]);
  expect(both.arrived).toEqual(["early", "free", "late", "late too"]);
});

test("an object that is aborted right after has lost the write, and has not sent what came after it", async () => {
  expect(await run([write("x"), send("m"), abort])).toEqual({ answers: ["reset"], written: [[]], arrived: [] });
});

test("hazard-02 whenever an object is aborted, no message has arrived whose write is lost", async () => {
  const ends = new Set<string>();
  for (let count = 0; count < 8; count += 1) {
    const { written, arrived } = await run([write("x"), turns(count), send("m"), turns(count % 3), abort]);
    ends.add(`written ${written[0]!.length}, arrived ${arrived.length}`);
  }
  expect([...ends]).not.toContain("written 0, arrived 1");
  // The aborts came early and late.
  expect([...ends]).toContain("written 0, arrived 0");
  expect([...ends]).toContain("written 1, arrived 1");
});
