/** The tree of ranges against a look at all of them. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RangeTree } from "../../../src/kv/watch/range-tree.ts";

const bound = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 3 });
const member = fc.record({ range: fc.record({ from: bound, to: bound }) });

test("finds the ranges that a key is in, each once, whatever was added and taken away", () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ member, removed: fc.boolean() }), { maxLength: 40 }),
      fc.array(bound),
      (entries, keys) => {
        const tree = new RangeTree<{ range: { from: string; to: string } }>();
        for (const entry of entries) {
          tree.add(entry.member);
          tree.match("b", () => undefined);
          if (entry.removed) tree.delete(entry.member);
        }
        const left = entries.filter(({ removed }) => !removed).map((entry) => entry.member);
        for (const key of keys) {
          const found: unknown[] = [];
          tree.match(key, (one) => found.push(one));
          expect(found).toHaveLength(new Set(found).size);
          expect(new Set(found)).toEqual(new Set(left.filter(({ range }) => range.from <= key && key < range.to)));
        }
      },
    ),
    { numRuns: 300 },
  );
});
