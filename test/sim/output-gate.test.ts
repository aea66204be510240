/** Nothing leaves before what was written earlier is durable, and what a crash takes with it is lost. */

import { beforeEach, expect, test } from "vitest";
import { DurabilityGate } from "./output-gate.ts";

let gate: DurabilityGate;
let left: string[];

beforeEach(() => {
  gate = new DurabilityGate();
  left = [];
});

function send(...names: readonly string[]): void {
  for (const name of names) gate.output(arrive.bind(null, name));
}

function arrive(name: string): void {
  left.push(name);
}

test("what is sent before any write leaves at once, and beside a write that follows", () => {
  send("a");
  gate.wrote();
  expect(left).toEqual(["a"]);
});

test("what is sent after a write leaves when that write, and all before it, is durable", () => {
  gate.wrote();
  send("a");
  gate.wrote();
  send("b", "c");
  expect(left).toEqual([]);
  gate.flushed();
  expect(left).toEqual(["a"]);
  gate.flushed();
  expect(left).toEqual(["a", "b", "c"]);
  send("d");
  expect(left).toEqual(["a", "b", "c", "d"]);
});

test("an early message waits for the writes of earlier turns", () => {
  gate.wrote();
  send("early in the next turn");
  gate.wrote();
  gate.flushed();
  expect(left).toEqual(["early in the next turn"]);
});

test("after a crash nothing leaves any more, but what becomes durable becomes true", () => {
  const facts: string[] = [];
  gate.wrote();
  send("a");
  gate.fact(() => facts.push("first"));
  gate.wrote();
  gate.fact(() => facts.push("second"));
  gate.close();
  gate.flushed();
  expect(left).toEqual([]);
  expect(facts).toEqual(["first"]);
});

test("a crash may come between two of the messages that a write allows", () => {
  gate.wrote();
  send("a", "b", "c");
  gate.close(2);
  gate.flushed();
  expect(left).toEqual(["a", "b"]);
});
