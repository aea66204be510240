/** The checker against the definition, over arbitrary small histories, true ones and false ones. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { isLinearizable } from "./brute-force.ts";
import { checkLinearizability } from "./check.ts";
import { historyUntil } from "./history.ts";
import { keyValueModel } from "./key-value-model.ts";
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
