/** The checker against the definition, over arbitrary small histories, true ones and false ones. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isLinearizable, isLinearizableByCount } from "./brute-force.ts";
import { checkLinearizability } from "./check.ts";
import { historyUntil } from "./history.ts";
import { keyValueModel, modelOfRevisions } from "./key-value-model.ts";
import { histories } from "./random-history.ts";

const runs = { numRuns: 2000 };

test("finds what the definition finds, for one key", () => {
  const verdicts = { linearizable: 0, violated: 0 };
  fc.assert(
    fc.property(histories(["a"], 6), (history) => {
      const expected = isLinearizable(history) ? "linearizable" : "violated";
      expect(checkLinearizability(keyValueModel, history).verdict).toBe(expected);
      verdicts[expected] += 1;
    }),
    runs,
  );
  // Agreement on histories of one kind alone would say little.
  expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(runs.numRuns / 20);
});

test("finds what the definition finds, for lists of two keys", () => {
  const verdicts = { linearizable: 0, violated: 0 };
  fc.assert(
    fc.property(histories(["a", "b"], 6), (history) => {
      // Without a list the keys are checked apart, whatever their revisions say of each other.
      fc.pre(history.some(({ call }) => call.kind === "list"));
      const expected = isLinearizable(history) ? "linearizable" : "violated";
      expect(checkLinearizability(keyValueModel, history).verdict).toBe(expected);
      verdicts[expected] += 1;
    }),
    runs,
  );
  expect(Math.min(...Object.values(verdicts))).toBeGreaterThan(runs.numRuns / 20);
});

test("a part of what it takes for violated, up to some time, is what it takes for linearizable", () => {
  fc.assert(
    fc.property(histories(["a"], 8), fc.nat(30), (history, atMs) => {
      const whole = checkLinearizability(keyValueModel, history).verdict;
      const part = checkLinearizability(keyValueModel, historyUntil(history, atMs)).verdict;
      expect(whole === "linearizable" ? part : "linearizable").toBe("linearizable");
    }),
    runs,
  );
});

test("blames no store that counts its writes without reason, and finds most of what the definition finds", () => {
  const found = { linearizable: 0, violated: 0, missed: 0 };
  fc.assert(
    fc.property(histories(["a", "b"], 6, true), (history) => {
      fc.pre(history.some(({ call }) => call.kind === "list"));
      const { verdict } = checkLinearizability(modelOfRevisions([]), history);
      const isRight = isLinearizableByCount(history);
      expect(isRight && verdict !== "linearizable").toBe(false);
      if (isRight) found.linearizable += 1;
      else if (verdict === "violated") found.violated += 1;
      // That a revision was given to somebody else, whom the history does not show, is always possible.
      else found.missed += 1;
    }),
    runs,
  );
  expect(Math.min(found.linearizable, found.violated)).toBeGreaterThan(runs.numRuns / 20);
  expect(found.missed).toBeLessThan(found.violated / 2);
});
