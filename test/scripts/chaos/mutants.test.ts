/** The mistakes of chaos runs are mistakes in the code as it is, brought out by faults that there are. */

import { expect, test } from "vitest";
import { mutants } from "../../../scripts/chaos/mutants.ts";
import { faults } from "../../../scripts/chaos/nemesis.ts";

test.each(Object.entries(mutants))("%s replaces what there is", (_name, { install, nemesis }) => {
  // It throws where the method that it replaces has another name by now.
  expect(install).not.toThrow();
  const known = faults.map(({ name }) => name);
  expect(nemesis.filter((name) => !known.includes(name))).toEqual([]);
});
