/** The gap around a crash is the longest silence that it may have caused. */

import { expect, test } from "vitest";
import { longestGaps, median } from "../../scripts/smoke/gaps.ts";

test("the gap reaches from the last acknowledgement before the crash to the first one after it", () => {
  expect(longestGaps([0, 10, 310, 320], [15])).toEqual([300]);
});

test("acknowledgements that were on their way do not hide the gap", () => {
  expect(longestGaps([0, 10, 16, 17, 317, 320], [15])).toEqual([300]);
});

test("each crash has the gap before the next one", () => {
  expect(longestGaps([0, 100, 110, 120, 420, 430], [5, 115])).toEqual([100, 300]);
});

test("a crash that nothing followed has an endless gap", () => {
  expect(longestGaps([0, 10], [15])).toEqual([Number.POSITIVE_INFINITY]);
});

test("the median of three is the middle one", () => {
  expect(median([500, 100, 200])).toBe(200);
});
