/** Watchers that were told everything, and some that were not. */

import { expect, test } from "vitest";
import type { KeyValueOperation } from "../../../scripts/chaos/record.ts";
import { checkWatches } from "../../../scripts/chaos/watch-check.ts";
import type { WatchEvent } from "../../../scripts/chaos/watch-face.ts";
import type { Segment } from "../../../scripts/chaos/watchers.ts";

const completed = { atMs: 1, answer: { kind: "written" as const } };
const operations: KeyValueOperation[] = [
  {
    client: "A",
    call: { kind: "put", key: "a", value: "x" },
    invokedAtMs: 0,
    completion: { ...completed, answer: { kind: "written", revision: 2 } },
  },
  {
    client: "A",
    call: {
      kind: "transaction",
      compare: [],
      success: [
        { kind: "put", key: "a", value: "y" },
        { kind: "put", key: "b", value: "y" },
      ],
      failure: [],
    },
    invokedAtMs: 0,
    completion: { ...completed, answer: { kind: "transacted", succeeded: true, revision: 3, seen: [null, null] } },
  },
  {
    client: "A",
    call: { kind: "delete", key: "a" },
    invokedAtMs: 0,
    completion: { ...completed, answer: { kind: "written", revision: 5 } },
  },
];

const all: WatchEvent[] = [
  { revision: 2, key: "a", value: "x" },
  { revision: 3, key: "a", value: "y" },
  { revision: 3, key: "b", value: "y" },
  // Nobody was told what became of this one.
  { revision: 4, key: "c", value: "z" },
  { revision: 5, key: "a", value: null },
];

const segment = (events: readonly WatchEvent[], afterRevision = 1, throughRevision = 5): Segment => ({
  watcher: "W",
  afterRevision,
  throughRevision,
  events: [...events],
});

test("everything once, in order", () => {
  expect(checkWatches([segment(all), segment(all.slice(3), 3), segment(all.slice(0, 2), 1, 2)], operations)).toEqual(
    [],
  );
});

test("a change that is left out, a part of a transaction too", () => {
  expect(checkWatches([segment(all.toSpliced(0, 1))], operations)).toEqual(["W was not told of a at revision 2"]);
  expect(checkWatches([segment(all.toSpliced(2, 1))], operations)).toEqual(["W was not told of b at revision 3"]);
});

test("a change that comes twice, or before an earlier one", () => {
  expect(checkWatches([segment([...all, all[4]!])], operations)).toEqual(["W was told twice of a at revision 5"]);
  expect(checkWatches([segment([...all.slice(1), all[0]!])], operations)).toEqual([
    "W was told of revision 2, and should be at 5 or later",
  ]);
  expect(checkWatches([segment(all.slice(4), 5)], operations)).toEqual([
    "W was told of revision 5, and should be at 6 or later",
  ]);
});

test("a change that was not made so, or differs from what another watcher was told", () => {
  const wrong = all.with(4, { revision: 5, key: "a", value: "z" });
  expect(checkWatches([segment(wrong)], operations)).toEqual(["W was told that a became z at 5"]);
  const other = all.with(3, { revision: 4, key: "c", value: "y" });
  expect(checkWatches([segment(all), segment(other)], operations)).toEqual(["W was told c = y at revision 4, and W z"]);
});
