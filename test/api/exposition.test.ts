/** Joining metrics of several nodes into one text. */

import { expect, test } from "vitest";
import { mergeExpositions } from "../../src/api/exposition.ts";

test("samples of one family come together, whichever text names it first", () => {
  const one = '# HELP a_total A.\n# TYPE a_total counter\na_total{n="1"} 1\n# TYPE b gauge\nb{n="1"} 2\n';
  const other = '# TYPE b gauge\nb{n="2"} 3\n# HELP c C.\nc 4\n# HELP a_total Other words.\na_total{n="2"} 5\n';
  expect(mergeExpositions([one, other])).toBe(
    '# HELP a_total A.\n# TYPE a_total counter\na_total{n="1"} 1\na_total{n="2"} 5\n' +
      '# TYPE b gauge\nb{n="1"} 2\nb{n="2"} 3\n# HELP c C.\nc 4\n',
  );
});

test("a histogram's samples stay with it; a counter that is merely called so stays alone", () => {
  const text = '# TYPE h histogram\nh_bucket{le="1"} 1\nh_sum 1\nh_count 1\nlost_count 3\n';
  expect(mergeExpositions([text, text]).split("\n")).toEqual([
    "# TYPE h histogram",
    'h_bucket{le="1"} 1',
    "h_sum 1",
    "h_count 1",
    'h_bucket{le="1"} 1',
    "h_sum 1",
    "h_count 1",
    "lost_count 3",
    "lost_count 3",
    "",
  ]);
});

test("lines that are no metrics are left out, and nothing is made of nothing", () => {
  expect(mergeExpositions(["# a remark\n\n 1\n", ""])).toBe("");
});
