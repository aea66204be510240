/** Generators of commands and queries, with few keys, so that they meet. */

import * as fc from "fast-check";
import type { Command, Idempotency, Precondition } from "../../src/kv/command.ts";
import type { ListQuery } from "../../src/kv/query.ts";

/** Short, of few different bytes, the extreme ones among them: prefixes of each other, and ends of the key space. */
export const key = fc
  .array(fc.constantFrom(0x00, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 3 })
  .map((bytes) => Uint8Array.from(bytes));

const bound = fc.oneof(fc.constant(new Uint8Array(0)), key);

export const precondition: fc.Arbitrary<Precondition> = fc.oneof(
  { weight: 6, arbitrary: fc.constant({ kind: "none" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "absent" } as const) },
  { weight: 1, arbitrary: fc.constant({ kind: "present" } as const) },
  {
    weight: 2,
    arbitrary: fc.nat({ max: 12 }).map((modRevision) => ({ kind: "revision", modRevision }) as const),
  },
);

export const idempotency: fc.Arbitrary<Idempotency> = fc.record({
  key: fc.constantFrom("k1", "k2", "k3", "k4"),
  fingerprint: fc.constantFrom(1, 2).map((byte) => new Uint8Array(32).fill(byte)),
});

const optionalIdempotency = fc.option(idempotency, { nil: null, freq: 2 });

export const command: fc.Arbitrary<Command> = fc.oneof(
  fc.record({
    kind: fc.constant("put" as const),
    key,
    precondition,
    idempotency: optionalIdempotency,
    contentType: fc.constantFrom("", "text/plain", "application/json; charset=utf-8"),
    value: fc.uint8Array({ maxLength: 20 }),
  }),
  fc.record({ kind: fc.constant("delete" as const), key, precondition, idempotency: optionalIdempotency }),
);

export const listQuery: fc.Arbitrary<ListQuery> = fc.record({
  kind: fc.constant("list" as const),
  limit: fc.integer({ min: 1, max: 5 }),
  keysOnly: fc.boolean(),
  prefix: bound,
  start: fc.option(bound, { nil: null }),
  end: fc.option(bound, { nil: null }),
  after: fc.option(bound, { nil: null }),
});

/** A log: what is proposed, how much later than the one before, and whether it begins a new batch. */
export const log = fc.array(
  fc.record({
    command,
    passedMs: fc.oneof({ weight: 5, arbitrary: fc.nat(1000) }, { weight: 1, arbitrary: fc.constant(13 * 3_600_000) }),
    newBatch: fc.boolean(),
  }),
  { maxLength: 60 },
);
