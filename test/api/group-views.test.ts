/** What an isolate remembers of its groups. */

import { describe, expect, test } from "vitest";
import { GroupViews } from "../../src/api/group-views.ts";

const at = (term: number, leader: string | null, generation = 0) => ({
  node: "n1",
  term: String(term),
  index: "7",
  leader,
  generation,
});

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

  test("hazard-37 follows a recovered group, and not one that was left behind, whatever its term", () => {
    const views = new GroupViews();
    views.see("g", at(9, "n1"));
    views.see("g", at(3, "n2", 1));
    views.see("g", at(50, "n1"));
    expect(views.leader("g")).toBe("n2");
  });

  test("knows the members that the node with the longest log names", () => {
    const views = new GroupViews();
    const list = (...ids: string[]) => ids.map((id) => ({ id, role: "voter" }) as const);
    views.learn("g", { members: list("n1"), index: 5, generation: 0 });
    expect(views.members("g")).toBeUndefined();
    views.see("g", at(1, "n1"));
    views.learn("g", { members: list("n1", "n4"), index: 5, generation: 0 });
    views.learn("g", { members: list("n1"), index: 4, generation: 0 });
    views.learn("g", { members: [], index: 9, generation: 0 });
    expect(views.members("g")).toEqual(list("n1", "n4"));
    views.learn("g", { members: list("n1"), index: 4, generation: 1 });
    views.learn("g", { members: list("n2"), index: 90, generation: 0 });
    expect(views.members("g")).toEqual(list("n1"));
    views.forgetMembers("g");
    expect(views.members("g")).toBeUndefined();
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
