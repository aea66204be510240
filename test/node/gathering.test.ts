/** When commands that come together are proposed. */

import { beforeEach, describe, expect, test } from "vitest";
import { Gathering } from "../../src/node/gathering.ts";

let waits: number[];
let gathering: Gathering;

beforeEach(() => {
  waits = [];
  gathering = new Gathering((afterMs) => void waits.push(afterMs));
});

function call(...commands: readonly string[]): void {
  for (const word of commands) {
    const command = new TextEncoder().encode(word);
    gathering.add({ command, proposedAtMs: 0, expiresAtMs: 1000, settle: () => {} });
  }
  gathering.called();
}

describe("what a caller alone asks for", () => {
  test("is due at once, however many commands it has", () => {
    call("a");
    expect(gathering.isDue(false)).toBe(true);
    gathering.take();
    call("b", "c", "d");
    expect(gathering.isDue(false)).toBe(true);
    expect(gathering.take()).toHaveLength(3);
  });

  test("waits while a batch is under way, for a few milliseconds", () => {
    call("a");
    expect(gathering.isDue(true)).toBe(false);
    gathering.ensureTaken(true);
    expect(waits).toEqual([5]);
  });
});

describe("what several ask for", () => {
  beforeEach(() => {
    call("a");
    call("b");
  });

  test("waits for the events that are there already, and no longer when a batch has ended meanwhile", () => {
    expect(gathering.isDue(false)).toBe(false);
    gathering.ensureTaken(true);
    gathering.ensureTaken(false);
    gathering.ensureTaken(false);
    expect(waits).toEqual([5, 0]);
    expect(gathering.take()).toHaveLength(2);
  });

  test("makes the next one wait, who is hardly alone, and not the one after that", () => {
    gathering.take();
    call("c");
    expect(gathering.isDue(false)).toBe(false);
    gathering.take();
    call("d");
    expect(gathering.isDue(false)).toBe(true);
  });

  test("is taken once, and a call that finds nothing changes nothing", () => {
    gathering.take();
    expect(gathering.take()).toEqual([]);
    gathering.ensureTaken(false);
    expect(waits).toEqual([]);
    call("c");
    expect(gathering.isDue(false)).toBe(false);
  });
});

test("as many bytes are taken as may wait, and one command whatever its size", () => {
  expect(gathering.isFull(1000, 10)).toBe(false);
  call("123456");
  expect(gathering.isFull(4, 10)).toBe(false);
  expect(gathering.isFull(5, 10)).toBe(true);
  gathering.take();
  expect(gathering.isFull(5, 10)).toBe(false);
});

test("whoever was refused while nothing waits does not count as company", () => {
  gathering.called();
  call("a");
  expect(gathering.isDue(false)).toBe(true);
});
