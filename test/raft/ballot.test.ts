/** The term, the vote, and the promise to give none. */

import { expect, test } from "vitest";
import { Ballot } from "../../src/raft/ballot.ts";

test("a term never falls, and a new one begins without a vote", () => {
  const ballot = new Ballot({ term: 3, vote: "n1" });
  ballot.enterTerm(3);
  expect(ballot.vote).toBe("n1");
  expect(() => ballot.enterTerm(2)).toThrow(/fell/);
  ballot.enterTerm(4);
  expect(ballot).toMatchObject({ term: 4, vote: null });
});

test("a vote is given once in a term", () => {
  const ballot = new Ballot({ term: 3, vote: null });
  ballot.voteFor("n1");
  ballot.voteFor("n1");
  expect(() => ballot.voteFor("n2")).toThrow(/given already/);
});

test("what is new is handed out to be stored, once", () => {
  const ballot = new Ballot({ term: 3, vote: null });
  expect(ballot.takeUnsaved()).toBeNull();
  ballot.voteFor("n1");
  expect(ballot.takeUnsaved()).toEqual({ term: 3, vote: "n1" });
  expect(ballot.takeUnsaved()).toBeNull();
  ballot.enterTerm(4);
  expect(ballot.takeUnsaved()).toEqual({ term: 4, vote: null });
});

test("a promise outlives terms and votes until it is given up, and each change of it is handed out", () => {
  const ballot = new Ballot({ term: 3, vote: null, promiseMs: 150 });
  expect(ballot.promiseMs).toBe(150);
  ballot.promise(150);
  expect(ballot.takeUnsaved()).toBeNull();
  ballot.enterTerm(4);
  ballot.voteFor("n2");
  expect(ballot.takeUnsaved()).toEqual({ term: 4, vote: "n2", promiseMs: 150 });
  ballot.promise(0);
  expect(ballot.takeUnsaved()).toEqual({ term: 4, vote: "n2" });
});
