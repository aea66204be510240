/** Revisions that rise with time over all keys, and some that don't. */

import { expect, test } from "vitest";
import { checkRevisionOrder } from "./revision-order.ts";
import type { RevisionSeen } from "./revision-order.ts";

const at = (invokedAtMs: number, atMs: number, revision: number, isWrite: boolean): RevisionSeen => ({
  text: `${isWrite ? "put" : "get"} at ${invokedAtMs}`,
  invokedAtMs,
  atMs,
  revision,
  isWrite,
});

test("operations that overlap may have their revisions in any order", () => {
  expect(checkRevisionOrder([at(0, 9, 3, true), at(1, 8, 2, true), at(2, 7, 3, false), at(3, 4, 1, false)])).toEqual(
    [],
  );
});

test("a read sees all that was answered before it", () => {
  expect(checkRevisionOrder([at(0, 1, 2, true), at(2, 3, 2, false)])).toEqual([]);
  expect(checkRevisionOrder([at(0, 1, 2, true), at(2, 3, 1, false)])).toEqual([
    "get at 2 is at revision 1, after put at 0 was at 2",
  ]);
});

test("a write comes after all that was answered before it, reads too", () => {
  expect(checkRevisionOrder([at(0, 1, 7, false), at(2, 3, 8, true)])).toEqual([]);
  expect(checkRevisionOrder([at(0, 1, 7, false), at(2, 3, 7, true)])).toEqual([
    "put at 2 is at revision 7, after get at 0 was at 7",
  ]);
  expect(checkRevisionOrder([at(4, 5, 3, true), at(0, 1, 9, true), at(2, 9, 10, true)])).toEqual([
    "put at 4 is at revision 3, after put at 0 was at 9",
  ]);
});

test("no revision is given twice", () => {
  expect(checkRevisionOrder([at(0, 9, 2, true), at(1, 8, 2, true)])).toEqual([
    "two writes have revision 2: put at 0, and put at 1",
  ]);
});
