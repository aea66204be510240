/** Identities: nodes that were told the same belong together, and no others. */

import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firstConfiguration, newIdentity } from "../../src/node/identity.ts";
import type { MemberSpecification } from "../../src/internal.ts";

const members: readonly MemberSpecification[] = [
  { id: "n1", role: "voter", locationHint: "weur" },
  { id: "n2", role: "voter" },
  { id: "n3", role: "learner" },
  { id: "n4", role: "voter" },
];

function groupId(group: string, list: readonly MemberSpecification[], node = "n1", chance = 0.5): string {
  return newIdentity(group, node, firstConfiguration(list), () => chance).groupId;
}

test("the first configuration has the listed nodes in their roles", () => {
  expect(firstConfiguration(members)).toMatchObject({ voters: ["n1", "n2", "n4"], learners: ["n3"] });
});

describe("the identity of a group", () => {
  test("is the same for all its nodes, whatever the order of the list and wherever they are", () => {
    const moved = members.toReversed().map(({ id, role }): MemberSpecification => ({ id, role, locationHint: "oc" }));
    expect(groupId("g", moved, "n4", 0.1)).toBe(groupId("g", members, "n1", 0.9));
  });

  test.each<[string, string, readonly MemberSpecification[]]>([
    ["another name", "h", members],
    ["a node less", "g", members.slice(1)],
    ["a node more", "g", [...members, { id: "n5", role: "voter" }]],
    ["another node", "g", [{ id: "n9", role: "voter" }, ...members.slice(1)]],
    ["another role", "g", [{ id: "n1", role: "learner" }, ...members.slice(1)]],
  ])("is another with %s", (_, group, list) => {
    expect(groupId(group, list)).not.toBe(groupId("g", members));
  });

  test("tells 20,000 groups apart", () => {
    const ids = new Set(Array.from({ length: 20_000 }, (_, number) => groupId(`group-${number}`, members)));
    expect(ids.size).toBe(20_000);
  });

  test("is what it was for groups that exist", () => {
    expect(groupId("default", members)).toBe("75868b1a97ba6a88");
  });
});

describe("the identity of a storage", () => {
  test("is drawn anew each time", () => {
    const numbers = [0.1, 0.2, 0.3, 0.4];
    const draw = (): string => newIdentity("g", "n1", firstConfiguration(members), () => numbers.shift()!).storageId;
    expect(draw()).not.toBe(draw());
  });

  test("has sixteen digits, whatever was drawn", () => {
    const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    fc.assert(
      fc.property(chance, (drawn) => {
        const { storageId } = newIdentity("g", "n1", firstConfiguration(members), () => drawn);
        expect(storageId).toMatch(/^[0-9a-f]{16}$/);
      }),
    );
  });
});
