/** Locks held by one at a time, or by two. */

import { describe, expect, test } from "vitest";
import { checkLinearizability } from "./check.ts";
import type { Operation } from "./history.ts";
import type { LockAnswer, LockCall } from "./lock-model.ts";
import { lockModel } from "./lock-model.ts";

function operation(
  kind: LockCall["kind"],
  owner: string,
  [invokedAtMs, atMs]: readonly [number, number],
  answer: LockAnswer["kind"] | number | null,
): Operation<LockCall, LockAnswer> {
  const told: LockAnswer | null =
    typeof answer === "number" ? { kind: "granted", token: answer } : answer && { kind: answer };
  const call = { kind, lock: "l", owner };
  return { client: owner, call, invokedAtMs, completion: told && { atMs, answer: told } };
}

const verdictOf = (...operations: readonly Operation<LockCall, LockAnswer>[]): string =>
  checkLinearizability(lockModel, operations).verdict;

const first = operation("acquire", "A", [0, 1], 5);

describe("a lock", () => {
  test("passes from one to the next", () =>
    expect(
      verdictOf(
        first,
        operation("acquire", "B", [2, 3], "held"),
        operation("release", "A", [4, 5], "released"),
        operation("acquire", "B", [6, 7], 6),
      ),
    ).toBe("linearizable"));

  test("is never held by two", () => expect(verdictOf(first, operation("acquire", "B", [2, 3], 6))).toBe("violated"));

  test("is not granted twice to one owner", () =>
    expect(verdictOf(first, operation("acquire", "A", [2, 3], 6))).toBe("violated"));

  test("gives tokens that rise", () => {
    const released = operation("release", "A", [2, 3], "released");
    expect(verdictOf(first, released, operation("acquire", "B", [4, 5], 5))).toBe("violated");
    expect(verdictOf(first, released, operation("acquire", "B", [4, 5], 9))).toBe("linearizable");
  });

  test("is refused only while somebody holds it", () =>
    expect(verdictOf(operation("acquire", "A", [0, 1], "held"))).toBe("violated"));

  test("may be held by one who never heard that it was granted", () => {
    const lost = operation("acquire", "A", [0, 1], null);
    expect(verdictOf(lost, operation("acquire", "B", [2, 3], "held"))).toBe("linearizable");
    expect(verdictOf(lost, operation("acquire", "B", [2, 3], 1))).toBe("linearizable");
  });

  test("passes on when its owner's time may be over, and not before", () => {
    const taken = operation("acquire", "B", [10, 11], 6);
    expect(verdictOf(first, operation("expire", "A", [9, 9], null), taken)).toBe("linearizable");
    expect(verdictOf(first, operation("expire", "A", [12, 12], null), taken)).toBe("violated");
  });

  test("is not released by one who does not hold it", () => {
    expect(verdictOf(first, operation("release", "B", [2, 3], "released"))).toBe("violated");
    expect(verdictOf(first, operation("release", "B", [2, 3], "not held"))).toBe("linearizable");
    expect(verdictOf(first, operation("release", "A", [2, 3], "not held"))).toBe("violated");
  });
});
