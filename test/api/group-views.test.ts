/** What an isolate remembers of its groups. */

import { describe, expect, test } from "vitest";
import { GroupViews } from "../../src/api/group-views.ts";

const at = (term: number, leader: string | null) => ({ term: String(term), index: "7", leader });

describe("a group's view", () => {
  test("follows answers of the same or a later term, and no earlier ones", () => {
    const views = new GroupViews();
    views.see("g", at(9, "n1"));
    views.see("g", at(10, "n2"));
    views.see("g", at(9, "n1"));
    expect([views.leader("g"), views.position("g")]).toEqual(["n2", at(10, "n2")]);
    views.see("g", at(10, null));
    expect(views.leader("g")).toBeNull();
  });

  test("loses a leader that failed, unless another has been named since", () => {
    const views = new GroupViews();
    views.see("g", at(1, "n1"));
    views.distrust("g", "n2");
    expect(views.leader("g")).toBe("n1");
    views.distrust("g", "n1");
    expect([views.leader("g"), views.position("g")]).toEqual([null, at(1, "n1")]);
  });
});

test("of ten thousand groups, the one seen first gives way to another", () => {
  const views = new GroupViews();
  for (let count = 0; count <= 10_000; count++) views.see(`g${count}`, at(1, "n1"));
  expect([views.leader("g0"), views.leader("g1"), views.leader("g10000")]).toEqual([null, "n1", "n1"]);
});
