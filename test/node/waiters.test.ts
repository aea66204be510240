/** Callers who wait: each gets exactly one answer, and never one that claims more than is known. */

import { beforeEach, describe, expect, test } from "vitest";
import { type Outcome, Waiters } from "../../src/node/waiters.ts";

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

let waiters: Waiters;
/** What every caller got, in order. */
let answers: { readonly caller: string; readonly outcome: Outcome }[];

beforeEach(() => {
  waiters = new Waiters(1);
  answers = [];
});

function settle(caller: string): (outcome: Outcome) => void {
  return (outcome) => void answers.push({ caller, outcome });
}

function propose(caller: string, index: number, term: number, expiresAtMs = 1000): void {
  waiters.addProposal(index, { term, proposedAtMs: index, expiresAtMs, settle: settle(caller) });
}

function reading(caller: string, minIndex: number, expiresAtMs = 1000): Parameters<Waiters["addRead"]>[0] {
  return { query: bytes(1), minIndex, askedAtMs: 5, expiresAtMs, settle: settle(caller) };
}

function read(caller: string, expiresAtMs = 1000): number {
  return waiters.addRead(reading(caller, 0, expiresAtMs));
}

/** Code and ambiguity of each answer, `done` for those that have a result. */
function ends(): string[] {
  return answers.map(({ caller, outcome }) =>
    outcome.done ? `${caller} done` : `${caller} ${outcome.code}${outcome.ambiguous ? " ambiguous" : ""}`,
  );
}

describe("a proposal", () => {
  test("is answered with its result and its place when it is applied, once", () => {
    propose("a", 7, 2);
    expect(waiters.applied(7, 2, bytes(42))).toBe(7);
    expect(answers).toEqual([{ caller: "a", outcome: { done: true, result: bytes(42), index: 7 } }]);
    expect(waiters.applied(7, 2, bytes(42))).toBeNull();
    waiters.expire(5000);
    expect(answers).toHaveLength(1);
  });

  test("that another leader's entry took the place of did certainly not happen", () => {
    propose("a", 7, 2);
    expect(waiters.applied(7, 3, bytes(0))).toBeNull();
    expect(ends()).toEqual(["a superseded"]);
  });

  test("that this node itself replaced in a later term waits for the one that is committed", () => {
    propose("a", 7, 2);
    propose("b", 7, 4);
    expect(ends()).toEqual([]);
    waiters.applied(7, 4, bytes(1));
    expect(ends()).toEqual(["a superseded", "b done"]);
  });

  test("that this node itself replaced may be the one: another node held it, and won", () => {
    propose("a", 7, 2);
    propose("b", 7, 4);
    expect(waiters.applied(7, 2, bytes(1))).toBe(7);
    expect(ends()).toEqual(["b superseded", "a done"]);
  });

  test("is timed by itself, whoever else waits for its index", () => {
    propose("a", 7, 2, 100);
    propose("b", 7, 4, 200);
    waiters.expire(100);
    expect(ends()).toEqual(["a timeout ambiguous"]);
    expect(waiters.deadlineMs).toBe(200);
    waiters.applied(7, 4, bytes(1));
    expect(ends()).toEqual(["a timeout ambiguous", "b done"]);
  });

  test("hazard-32 whose time is over may still happen", () => {
    propose("a", 7, 2, 100);
    waiters.expire(99);
    expect(ends()).toEqual([]);
    waiters.expire(100);
    expect(ends()).toEqual(["a timeout ambiguous"]);
    expect(waiters.applied(7, 2, bytes(1))).toBeNull();
    expect(answers).toHaveLength(1);
  });

  test("outlives the leadership: its entry may yet be committed", () => {
    propose("a", 7, 2);
    waiters.refuseReads();
    expect(ends()).toEqual([]);
    waiters.applied(7, 2, bytes(1));
    expect(ends()).toEqual(["a done"]);
  });

  test("is not touched by an entry that was applied elsewhere in the log", () => {
    propose("a", 7, 2);
    expect(waiters.applied(6, 2, bytes(1))).toBeNull();
    expect(waiters.applied(8, 2, bytes(1))).toBeNull();
    expect(ends()).toEqual([]);
  });
});

describe("a read", () => {
  test("is answered from the state at the moment of its confirmation, once", () => {
    const context = read("a");
    waiters.confirmed(context, 9, (query) => bytes(...query!, 5));
    waiters.confirmed(context, 10, () => bytes(6));
    expect(answers).toEqual([{ caller: "a", outcome: { done: true, result: bytes(1, 5), index: 9 } }]);
  });

  test("is told apart from all others", () => {
    const contexts = ["a", "b", "c"].map((caller) => read(caller));
    expect(new Set(contexts).size).toBe(3);
    waiters.confirmed(contexts[1]!, 1, () => bytes());
    expect(ends()).toEqual(["b done"]);
  });

  test("whose time is over was simply not answered", () => {
    const context = read("a", 100);
    waiters.expire(100);
    waiters.confirmed(context, 1, () => bytes());
    expect(ends()).toEqual(["a timeout"]);
  });

  test("is refused when the node stops leading", () => {
    read("a");
    read("b");
    waiters.refuseReads();
    waiters.refuseReads();
    expect(ends()).toEqual(["a not_leader", "b not_leader"]);
  });

  test("is not confirmed by a context that nobody waits for", () => {
    read("a");
    waiters.confirmed(99, 1, () => bytes());
    expect(ends()).toEqual([]);
  });
});

describe("a read that must see an index", () => {
  const answer = (): Uint8Array => bytes(9);

  test("waits until this node has applied it", () => {
    waiters.addBehind(reading("a", 7));
    waiters.reached(6, answer);
    expect(ends()).toEqual([]);
    waiters.reached(8, answer);
    waiters.reached(9, answer);
    expect(answers).toEqual([{ caller: "a", outcome: { done: true, result: bytes(9), index: 8 } }]);
  });

  test("is refused when the proof of leadership shows that nobody can have seen it", () => {
    const context = waiters.addRead(reading("a", 7));
    expect(waiters.confirmed(context, 6, answer)).toBe(5);
    expect(ends()).toEqual(["a future_index"]);
    const next = waiters.addRead(reading("b", 7));
    waiters.confirmed(next, 7, answer);
    expect(ends()).toEqual(["a future_index", "b done"]);
  });

  test("waits on when this node stops leading: it needs no leader here any more", () => {
    waiters.addBehind(reading("a", 7));
    waiters.refuseReads();
    expect(ends()).toEqual([]);
  });

  test("was not answered when its time is over", () => {
    waiters.addBehind(reading("a", 7, 100));
    expect(waiters.deadlineMs).toBe(100);
    waiters.expire(100);
    waiters.reached(7, answer);
    expect(ends()).toEqual(["a timeout"]);
  });
});

test("reads of another incarnation have other names", () => {
  const names = [1, 2, 3].flatMap((incarnation) => {
    const incarnate = new Waiters(incarnation);
    return Array.from({ length: 50 }, () => incarnate.addRead(reading("a", 0)));
  });
  expect(new Set(names).size).toBe(150);
  expect(names.every((name) => Number.isSafeInteger(name))).toBe(true);
});

describe("the deadline", () => {
  test("is infinite when nobody waits", () => {
    expect(waiters.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("is infinite again when all have their answers: nobody wakes an idle node for them", () => {
    propose("a", 1, 1, 300);
    const context = read("b", 200);
    waiters.addBehind(reading("c", 1, 100));
    waiters.applied(1, 1, bytes());
    waiters.confirmed(context, 1, () => bytes());
    waiters.reached(1, () => bytes());
    expect(ends()).toHaveLength(3);
    expect(waiters.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("is that of the caller whose time is over first, command or read", () => {
    propose("a", 1, 1, 300);
    read("b", 200);
    propose("c", 2, 1, 400);
    expect(waiters.deadlineMs).toBe(200);
    waiters.expire(200);
    expect(ends()).toEqual(["b timeout"]);
    expect(waiters.deadlineMs).toBe(300);
    waiters.expire(300);
    expect(waiters.deadlineMs).toBe(400);
    waiters.expire(10_000);
    expect(ends()).toEqual(["b timeout", "a timeout ambiguous", "c timeout ambiguous"]);
    expect(waiters.deadlineMs).toBe(Number.POSITIVE_INFINITY);
  });

  test("ends all that are over at once", () => {
    for (let index = 1; index <= 100; index += 1) propose(`p${index}`, index, 1, index);
    waiters.expire(60);
    expect(answers).toHaveLength(60);
    expect(waiters.deadlineMs).toBe(61);
  });
});
