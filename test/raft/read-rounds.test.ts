/** Reads and the rounds that carry them. */

import { expect, test } from "vitest";
import { type Answerable, ReadRounds } from "../../src/raft/read-rounds.ts";

function contexts(answerable: readonly Answerable[]): { context: number; index: number }[] {
  return answerable.flatMap(({ index, reads }) => reads.map(({ context }) => ({ context, index })));
}

test("a round carries the reads that came before it; later ones wait for the next", () => {
  const reads = new ReadRounds();
  reads.add({ follower: null, context: 1 });
  reads.add({ follower: null, context: 2 });
  reads.startRound(10);
  reads.add({ follower: null, context: 3 });
  expect(contexts(reads.confirm(1))).toEqual([
    { context: 1, index: 10 },
    { context: 2, index: 10 },
  ]);
  reads.startRound(12);
  expect(contexts(reads.confirm(1))).toEqual([]);
  expect(contexts(reads.confirm(2))).toEqual([{ context: 3, index: 12 }]);
  expect(contexts(reads.confirm(9))).toEqual([]);
});

test("a read that arrives after a round began is not confirmed by it, even if the round carries no other", () => {
  const reads = new ReadRounds();
  reads.startRound(10);
  reads.add({ follower: null, context: 1 });
  expect(contexts(reads.confirm(1))).toEqual([]);
  expect(reads.wantsRound).toBe(true);
  reads.startRound(12);
  expect(contexts(reads.confirm(2))).toEqual([{ context: 1, index: 12 }]);
});

test("a later round confirms all earlier ones, each with its own index", () => {
  const reads = new ReadRounds();
  for (const [context, index] of [
    [1, 10],
    [2, 11],
    [3, 12],
  ] as const) {
    reads.add({ follower: null, context });
    reads.startRound(index);
  }
  expect(contexts(reads.confirm(2))).toEqual([
    { context: 1, index: 10 },
    { context: 2, index: 11 },
  ]);
  expect(contexts(reads.confirm(3))).toEqual([{ context: 3, index: 12 }]);
});

test("a round is wanted for reads that wait, but not while another one gathers answers", () => {
  const reads = new ReadRounds();
  expect(reads.wantsRound).toBe(false);
  reads.add({ follower: null, context: 1 });
  expect(reads.wantsRound).toBe(true);
  reads.startRound(1);
  reads.add({ follower: null, context: 2 });
  expect(reads.wantsRound).toBe(false);
  reads.confirm(1);
  expect(reads.wantsRound).toBe(true);
});

test("hazard-07: a round without a known commit index carries no reads; they go on waiting", () => {
  const reads = new ReadRounds();
  reads.add({ follower: null, context: 1 });
  reads.startRound(null);
  expect(contexts(reads.confirm(1))).toEqual([]);
  expect(reads.wantsRound).toBe(true);
  reads.startRound(4);
  expect(contexts(reads.confirm(2))).toEqual([{ context: 1, index: 4 }]);
});
