/** The table of known ways to go wrong: it names the tests that there are, and every test that carries a number. */

import { describe, expect, test } from "vitest";
import { readTree } from "./support/source-tree.ts";
import { leaseMutants } from "./sim/lease-mutants.ts";
import { memberMutants } from "./sim/member-mutants.ts";
import { mutants } from "./sim/mutants.ts";
import { snapshotMutants } from "./sim/snapshot-mutants.ts";

const hazards = 53;
const tree = readTree();
const allMutants = [...mutants, ...leaseMutants, ...memberMutants, ...snapshotMutants];

interface Row {
  readonly number: number;
  readonly shownBy: string;
  readonly paths: readonly string[];
}

const rows = (tree.find(({ path }) => path === "docs/guarantees.md")?.text ?? "").split("\n").flatMap((line): Row[] => {
  const [, number = "", , shownBy = ""] = line.split("|").map((cell) => cell.trim());
  if (!/^\d+$/.test(number)) return [];
  const paths = [...shownBy.matchAll(/`([^`]+\.(?:ts|txt))`/g)].map(([, path = ""]) => path);
  return [{ number: Number(number), shownBy, paths }];
});

/** The files whose tests, or scenarios, carry each number. */
const named = new Map<number, Set<string>>();
for (const { path, text } of tree) {
  if (!/^test\/.*(?:\.test\.ts|scenarios\/.*\.txt)$/.test(path) || path === "test/hazards.test.ts") continue;
  for (const [, number] of text.matchAll(/hazard-(\d+)/g)) {
    named.set(Number(number), (named.get(Number(number)) ?? new Set()).add(path));
  }
}

test("every known way to go wrong has a row", () => {
  expect(rows.map(({ number }) => number)).toEqual(Array.from({ length: hazards }, (_, position) => position + 1));
});

describe.each(rows)("row $number", ({ number, shownBy, paths }) => {
  test("names the files whose tests carry its number, and no others", () => {
    expect([...paths].sort()).toEqual([...(named.get(number) ?? [])].sort());
  });

  test("names a mutant where there is one", () => {
    const mutant = allMutants.some(({ hazard }) => hazard === number);
    expect(shownBy.includes("**mutant**")).toBe(mutant);
  });

  test("names something that shows it", () => {
    expect(paths.length).toBeGreaterThan(0);
  });
});
