/** Subscribers are served by whichever state machine the node has, and it is remembered how they go on. */

import { beforeEach, describe, expect, test } from "vitest";
import type { Sink, StateMachine } from "../../src/machine.ts";
import { type Outlet, Subscriptions } from "../../src/node/subscriptions.ts";
import { NodeSql } from "../support/node-sql.ts";
import { NumberMachine, type NumbersRequest, numbersRequest } from "../support/number-machine.ts";

/** A connection that notes what it is told. */
class TestOutlet implements Outlet {
  pendingBytes = 0;
  readonly heard: string[] = [];
  /** What was kept, in order: the place to go on from. */
  readonly kept: (number | null)[] = [];

  write(message: Uint8Array | string): void {
    this.heard.push(String(message));
  }

  end(): void {
    this.heard.push("end");
  }

  breakOff(): void {
    this.heard.push("broken off");
  }

  keep(resumption: Uint8Array): void {
    const { from } = JSON.parse(new TextDecoder().decode(resumption)) as NumbersRequest;
    this.kept.push(from);
  }
}

let sql: NodeSql;
let machine: NumberMachine;
let subscriptions: Subscriptions;

beforeEach(() => {
  sql = new NodeSql();
  machine = new NumberMachine(sql);
  subscriptions = new Subscriptions(machine);
});

function apply(...numbers: readonly number[]): void {
  const commands = numbers.map((number) => new TextEncoder().encode(String(number)));
  machine.apply(commands.map((command) => ({ command, index: 1, term: 1, timeMs: 1 })));
  subscriptions.published(machine);
}

function open(request: Partial<NumbersRequest> = {}): { outlet: TestOutlet; leave: () => void } {
  const outlet = new TestOutlet();
  return { outlet, leave: subscriptions.open(numbersRequest(request), outlet) };
}

describe("a subscriber", () => {
  test("hears all there is and all that follows, until it leaves", () => {
    apply(5);
    const { outlet, leave } = open({ from: 1, opening: true });
    apply(7, 9);
    leave();
    leave();
    apply(11);
    expect(outlet.heard).toEqual(["opened 1", "1=5", "2=7", "3=9"]);
    expect(subscriptions.count).toBe(0);
  });

  test("goes on with the state machine that takes the place of another, and hears nothing of the old one", () => {
    const { outlet } = open({ from: 1, opening: true });
    const other = open();
    apply(5);
    const old = machine;
    // Another node's state, which is further.
    sql = new NodeSql();
    machine = new NumberMachine(sql);
    const commands = [5, 6, 7].map((number) => new TextEncoder().encode(String(number)));
    machine.apply(commands.map((command) => ({ command, index: 1, term: 1, timeMs: 1 })));
    subscriptions.published(machine);
    old.apply([{ command: new TextEncoder().encode("99"), index: 1, term: 1, timeMs: 1 }]);
    old.publish();
    apply(8);
    expect(outlet.heard).toEqual(["opened 0", "1=5", "2=6", "3=7", "4=8"]);
    expect(other.outlet.heard).toEqual(["1=5", "2=6", "3=7", "4=8"]);
    expect(subscriptions.count).toBe(2);
  });

  test("is forgotten when the state machine ends its stream, even as it begins", () => {
    apply(5);
    const begun = open({ from: 1, to: 1 });
    const later = open({ to: 2 });
    expect(subscriptions.count).toBe(1);
    apply(6, 7);
    expect(subscriptions.count).toBe(0);
    expect(begun.outlet.heard).toEqual(["1=5", "complete", "end"]);
    expect(later.outlet.heard).toEqual(["2=6", "complete", "end"]);
    later.leave();
    subscriptions.breakOff();
    expect(later.outlet.heard.at(-1)).toBe("end");
  });

  test("whose request breaks the state machine is none", () => {
    const outlet = new TestOutlet();
    expect(() => subscriptions.open(new TextEncoder().encode("{"), outlet)).toThrow(SyntaxError);
    expect(subscriptions.count).toBe(0);
    apply(5);
    subscriptions.tick(1000);
    expect([outlet.heard, outlet.kept]).toEqual([[], []]);
  });

  test("is told when the node serves it no longer, and its subscription is closed", () => {
    const closed: string[] = [];
    const watched: StateMachine = {
      tables: [],
      apply: () => [],
      query: () => new Uint8Array(0),
      subscribe: (request: Uint8Array, sink: Sink) => {
        sink.write("hello");
        return { resumption: () => request, close: () => void closed.push("closed") };
      },
    };
    subscriptions = new Subscriptions(watched);
    const { outlet, leave } = open();
    subscriptions.breakOff();
    leave();
    expect([outlet.heard, closed, subscriptions.count]).toEqual([["hello", "broken off"], ["closed"], 0]);
  });
});

describe("how a subscriber goes on is kept", () => {
  test("as soon as it was told something, and when it begins", () => {
    const { outlet } = open({ from: 1 });
    expect(outlet.kept).toEqual([1]);
    apply(5, 6);
    expect(outlet.kept).toEqual([1, 3]);
  });

  test("also of one that was told nothing, though not each time that others were", () => {
    const { outlet } = open({ from: 1 });
    // It waits for a place that does not come for long.
    const waiting = open({ from: 100 });
    subscriptions.tick(1000, true);
    for (let number = 0; number < 5; number += 1) apply(number);
    expect(waiting.outlet.kept).toEqual([100]);
    subscriptions.tick(1500, true);
    expect(waiting.outlet.kept).toEqual([100]);
    subscriptions.tick(2000, true);
    subscriptions.tick(4000, true);
    expect(waiting.outlet.kept).toEqual([100, 100]);
    expect(outlet.kept.at(-1)).toBe(6);
  });

  test("not of one that has ended", () => {
    const { outlet } = open({ from: 1, to: 1 });
    apply(5);
    subscriptions.tick(10_000, true);
    expect(outlet.kept).toEqual([1]);
  });
});

test("time is told once a second, to those who asked for it", () => {
  const [telling, silent] = [open({ ticks: true }), open()];
  for (const nowMs of [1000, 1500, 2100, 2900, 3100]) subscriptions.tick(nowMs, true);
  expect(telling.outlet.heard).toEqual(["at 1000", "at 2100", "at 3100"]);
  expect(silent.outlet.heard).toEqual([]);
});

test("a node that is out of touch with its group for long serves nobody", () => {
  subscriptions.tick(0, false);
  subscriptions.tick(20_000, false);
  const { outlet } = open();
  subscriptions.tick(50_000, true);
  subscriptions.tick(51_000, false);
  subscriptions.tick(59_999, false);
  subscriptions.tick(60_000, true);
  subscriptions.tick(61_000, false);
  subscriptions.tick(70_999, false);
  expect(outlet.heard).toEqual([]);
  subscriptions.tick(71_000, false);
  expect([outlet.heard, subscriptions.count]).toEqual([["broken off"], 0]);
});
