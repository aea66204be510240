/** Delays of entries on one node: by its own clock alone, batch by batch. */

import { expect, test } from "vitest";
import { ApplyDelays } from "../../src/node/apply-delays.ts";
import type { Entry } from "../../src/raft/entry.ts";

function entries(first: number, last: number): Entry[] {
  const data = new Uint8Array(0);
  return Array.from({ length: last - first + 1 }, (_, position) => {
    return { index: first + position, term: 1, kind: "command", timeMs: 7, data };
  });
}

test("each entry has waited since its own batch was stored", () => {
  const delays = new ApplyDelays();
  delays.saved(entries(1, 3), 1000);
  delays.saved([], 1100);
  delays.saved(entries(4, 5), 1200);
  expect([1, 2, 3, 4, 5].map((index) => delays.applied(index, 1500))).toEqual([500, 500, 500, 300, 300]);
});

test("nothing is known of entries from before the start", () => {
  const delays = new ApplyDelays();
  expect(delays.applied(1, 1000)).toBeNull();
  delays.saved(entries(3, 3), 1000);
  expect([2, 3].map((index) => delays.applied(index, 1010))).toEqual([null, 10]);
});

test("an entry in the place of another has waited since it came", () => {
  const delays = new ApplyDelays();
  delays.saved(entries(1, 2), 1000);
  delays.saved(entries(3, 6), 1100);
  delays.saved(entries(2, 4), 1200);
  expect([1, 2, 3, 4].map((index) => delays.applied(index, 1300))).toEqual([300, 100, 100, 100]);
});
