/** Majorities, against every combination of answers that up to five voters can give. */

import { describe, expect, test } from "vitest";
import { majority, majorityReached, voteResult } from "../../src/raft/quorum.ts";
import { group } from "./disk.ts";

const sizes = [1, 2, 3, 4, 5];

/** All lists of `length` values. */
function* combinations<T>(values: readonly T[], length: number): Generator<readonly T[]> {
  if (length === 0) {
    yield [];
    return;
  }
  for (const rest of combinations(values, length - 1)) for (const value of values) yield [...rest, value];
}

function lookUp<T>(voters: readonly string[], values: readonly T[]): (voter: string) => T {
  const byVoter = new Map(voters.map((voter, position) => [voter, values[position]!]));
  return (voter) => byVoter.get(voter)!;
}

describe.each(sizes)("hazard-16, hazard-43: of %i voters", (size) => {
  const configuration = group(size);
  const { voters } = configuration;

  test("any two majorities share one, and no smaller number would be enough for that", () => {
    expect(2 * majority(size)).toBeGreaterThan(size);
    expect(2 * (majority(size) - 1)).toBeLessThanOrEqual(size);
  });

  test("a majority has reached the highest value that more than half have reached", () => {
    for (const values of combinations([0, 1, 2, 3], size)) {
      const candidates = [0, ...values].filter(
        (value) => 2 * values.filter((other) => other >= value).length > size || value === 0,
      );
      expect(majorityReached(configuration, lookUp(voters, values)), `reached ${values.join()}`).toBe(
        Math.max(...candidates),
      );
    }
  });

  test("an election is won with the votes of more than half, and lost when these can't come any more", () => {
    for (const votes of combinations([true, false, undefined], size)) {
      const granted = votes.filter((vote) => vote === true).length;
      const possible = votes.filter((vote) => vote !== false).length;
      const expected = 2 * granted > size ? "won" : 2 * possible <= size ? "lost" : "pending";
      expect(voteResult(configuration, lookUp(voters, votes)), `votes ${votes.join()}`).toBe(expected);
    }
  });

  test("no voters elect two candidates", () => {
    for (const choices of combinations(["first", "second", "nobody"], size)) {
      const choice = lookUp(voters, choices);
      const won = ["first", "second"].filter(
        (name) => voteResult(configuration, (voter) => choice(voter) === name) === "won",
      );
      expect(won.length, `choices ${choices.join()}`).toBeLessThanOrEqual(1);
    }
  });
});

describe("in a joint configuration", () => {
  const configuration = { voters: ["n1", "n2", "n3"], outgoing: ["n3", "n4"] };
  const everyone = ["n1", "n2", "n3", "n4"];

  test("both halves must have reached a value", () => {
    for (const values of combinations([0, 1, 2], 4)) {
      const reached = lookUp(everyone, values);
      const halves = [configuration.voters, configuration.outgoing].map((voters) =>
        majorityReached({ voters, outgoing: [] }, reached),
      );
      expect(majorityReached(configuration, reached), `reached ${values.join()}`).toBe(Math.min(...halves));
    }
  });

  test("both halves must elect, and either alone can refuse", () => {
    for (const votes of combinations([true, false, undefined], 4)) {
      const vote = lookUp(everyone, votes);
      const halves = [configuration.voters, configuration.outgoing].map((voters) =>
        voteResult({ voters, outgoing: [] }, vote),
      );
      const expected = halves.includes("lost") ? "lost" : halves.every((half) => half === "won") ? "won" : "pending";
      expect(voteResult(configuration, vote), `votes ${votes.join()}`).toBe(expected);
    }
  });
});

test("the order in which voters are listed does not matter", () => {
  const reached = lookUp(["a", "b", "c", "d", "e"], [10, 9, 100, 2, 1]);
  expect(majorityReached({ voters: ["a", "b", "c", "d", "e"], outgoing: [] }, reached)).toBe(9);
  expect(majorityReached({ voters: ["e", "c", "a", "d", "b"], outgoing: [] }, reached)).toBe(9);
});
