/** What became of a batch's commands comes back as it was said. */

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { type CommandOutcome, decodeOutcomes, encodeOutcomes } from "../src/batch.ts";
import { MalformedError } from "../src/bytes/reader.ts";

const outcome: fc.Arbitrary<CommandOutcome> = fc.oneof(
  fc.record({ done: fc.constant(true as const), result: fc.uint8Array(), index: fc.maxSafeNat() }),
  fc.record({
    done: fc.constant(false as const),
    code: fc.constantFrom("not_leader" as const, "timeout" as const),
    message: fc.string(),
    ambiguous: fc.boolean(),
  }),
);

test("outcomes come back as they were", () => {
  fc.assert(
    fc.property(fc.array(outcome), (given) => {
      expect(decodeOutcomes(encodeOutcomes(given))).toEqual(given);
    }),
  );
});

test("bytes that are none are refused, and nothing else happens", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (given) => {
      expect(["decoded", "malformed"]).toContain(fate(given));
    }),
  );
});

function fate(given: Uint8Array): string {
  try {
    decodeOutcomes(given);
    return "decoded";
  } catch (error) {
    return error instanceof MalformedError ? "malformed" : String(error);
  }
}
