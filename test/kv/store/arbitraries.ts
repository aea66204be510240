/** Generators of commands and queries, with few keys, so that they meet. */

import * as fc from "fast-check";
import { fingerprintBytes } from "../../../src/kv/model.ts";
import type {
  CommandBody,
  Compare,
  KeySpan,
  Operation,
  Query,
  RangeOperation,
  TxnOperation,
} from "../../../src/kv/model.ts";
import { bytes, increment, list, onward, range, txn } from "./requests.ts";

/** Short, of few different bytes, the extreme ones among them: prefixes of each other, and ends of the key space. */
export const key: fc.Arbitrary<Uint8Array> = fc
  .array(fc.constantFrom(0x00, 0x2f, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 3 })
  .map((codes) => Uint8Array.from(codes));

const bound = fc.oneof(fc.constant(new Uint8Array(0)), key);

export const span: fc.Arbitrary<KeySpan> = fc.oneof(
  fc.record({ key, rangeEnd: fc.constant(null) }),
  fc.record({
    key: bound,
    rangeEnd: fc.oneof({ weight: 2, arbitrary: bound }, { weight: 1, arbitrary: fc.constant(onward) }),
  }),
);

/** "0" for none; one of a client's choice, the least and the greatest; and the first that the store picks. */
const leaseId = fc.constantFrom(
  "0",
  "7",
  "-9223372036854775808",
  "9223372036854775807",
  "4503599627370496",
  "4503599627370497",
);
const lease = fc.oneof({ weight: 5, arbitrary: fc.constant("0") }, { weight: 1, arbitrary: leaseId });
const revision = fc.oneof(
  { weight: 5, arbitrary: fc.constant(0) },
  { weight: 1, arbitrary: fc.integer({ min: -1, max: 30 }) },
);
const value = fc.oneof(
  fc.uint8Array({ maxLength: 4 }),
  fc.constantFrom("0", "-1", "41", "9223372036854775807", "x").map(bytes),
);
const level = fc.constantFrom("none" as const, "keys" as const, "values" as const);

const putOperation: fc.Arbitrary<Operation> = fc
  .record({
    key,
    value,
    contentType: fc.constantFrom("", "text/plain"),
    metadata: fc.constantFrom("", "{}"),
    previous: level,
    keep: fc.oneof(
      { weight: 8, arbitrary: fc.constant("nothing") },
      { weight: 1, arbitrary: fc.constantFrom("value", "lease") },
    ),
    lease,
    ttlMs: fc.constantFrom(0, 0, 0, 1, 2500),
  })
  .map(({ keep, ...put }) => {
    const content = keep === "value" ? { value: new Uint8Array(0), contentType: "", metadata: "" } : {};
    // A put says each thing once.
    const leases = keep === "lease" ? { lease: "0", ttlMs: 0 } : put.ttlMs > 0 ? { lease: "0" } : {};
    return { kind: "put", ...put, ...content, ...leases, ignoreValue: keep === "value", ignoreLease: keep === "lease" };
  });

const smallBound = fc.constantFrom(0, 0, 0, 2, 5, 9);
export const rangeOperation = fc
  .record({
    span,
    limit: fc.nat({ max: 4 }),
    revision,
    sortTarget: fc.constantFrom(
      "key" as const,
      "version" as const,
      "create" as const,
      "mod" as const,
      "value" as const,
    ),
    sortOrder: fc.constantFrom("none" as const, "ascend" as const, "descend" as const),
    keysOnly: fc.boolean(),
    countOnly: fc.boolean(),
    minModRevision: smallBound,
    maxModRevision: smallBound,
    minCreateRevision: smallBound,
    maxCreateRevision: smallBound,
  })
  .map(({ span: keys, ...more }): RangeOperation => ({ ...range("", null, more), ...keys }));

const compare: fc.Arbitrary<Compare> = fc
  .record({
    span,
    result: fc.constantFrom("equal" as const, "notEqual" as const, "less" as const, "greater" as const),
    against: fc.oneof(
      fc.record({
        target: fc.constantFrom("version" as const, "create" as const, "mod" as const),
        operand: fc.integer({ min: -1, max: 12 }),
      }),
      fc.record({ target: fc.constant("value" as const), operand: value }),
      fc.record({ target: fc.constant("lease" as const), operand: leaseId }),
    ),
  })
  .map(({ span: keys, result, against }) => ({ ...keys, result, ...against }));

const simpleOperation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 4, arbitrary: putOperation },
  {
    weight: 2,
    arbitrary: fc
      .record({ span, previous: level })
      .map(({ span: keys, previous }): Operation => ({ kind: "delete", ...keys, previous })),
  },
  { weight: 2, arbitrary: rangeOperation },
  {
    weight: 1,
    arbitrary: fc
      .tuple(key, fc.constantFrom("1", "-2", "9223372036854775807"))
      .map(([of, delta]): Operation => ({ ...increment("", delta), key: of })),
  },
);

const operation: fc.Arbitrary<Operation> = fc.letrec<{ operation: Operation; txn: TxnOperation }>((tie) => ({
  operation: fc.oneof({ maxDepth: 2 }, { weight: 6, arbitrary: simpleOperation }, { weight: 1, arbitrary: tie("txn") }),
  txn: fc.record({
    kind: fc.constant("txn" as const),
    compares: fc.array(compare, { maxLength: 2 }),
    success: fc.array(tie("operation"), { maxLength: 3 }),
    failure: fc.array(tie("operation"), { maxLength: 3 }),
  }),
})).operation;

const txnBody: fc.Arbitrary<TxnOperation> = fc.oneof(
  { weight: 3, arbitrary: simpleOperation.map((only) => txn([only])) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("txn" as const),
      compares: fc.array(compare, { maxLength: 2 }),
      success: fc.array(operation, { maxLength: 4 }),
      failure: fc.array(operation, { maxLength: 3 }),
    }),
  },
);

export const body: fc.Arbitrary<CommandBody> = fc.oneof(
  { weight: 20, arbitrary: txnBody },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("compact" as const), revision: fc.integer({ min: -1, max: 16 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("leaseGrant" as const),
      id: leaseId,
      ttlMs: fc.constantFrom(1, 1500, 4000),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("leaseRevoke" as const), id: leaseId }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant("leaseKeepAlive" as const), ids: fc.array(leaseId, { maxLength: 2 }) }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: "timer" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("sessionOpen" as const), ttlMs: fc.constantFrom(1, 3000) }) },
);

/** A step of a log: a command, and what happens around it. */
export interface LogStep {
  readonly body: CommandBody;
  /** Null for a command without idempotency; `session` counts those that are open, -1 for none. */
  readonly idempotency: { readonly key: string; readonly fingerprint: Uint8Array; readonly session: number } | null;
  readonly passedMs: number;
  readonly newBatch: boolean;
  readonly restart: boolean;
}

const idempotency = fc.record({
  key: fc.constantFrom("k1", "k2", "k3", "k4"),
  fingerprint: fc.constantFrom(1, 2).map((byte) => new Uint8Array(fingerprintBytes).fill(byte)),
  session: fc.constantFrom(-1, -1, 0, 0, 1),
});

const logStep: fc.Arbitrary<LogStep> = fc
  .record({
    body,
    idempotency: fc.oneof({ weight: 4, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: idempotency }),
    passedMs: fc.oneof(
      { weight: 8, arbitrary: fc.nat({ max: 1500 }) },
      { weight: 1, arbitrary: fc.constant(13 * 3_600_000) },
    ),
    newBatch: fc.boolean(),
    restart: fc.boolean(),
  })
  // Leaders propose timer commands without a key.
  .map((step) => (step.body.kind === "timer" ? { ...step, idempotency: null } : step));

export const log: fc.Arbitrary<LogStep[]> = fc.array(logStep, { maxLength: 80, size: "max" });

const optionalBound = fc.option(bound, { nil: null });
export const query: fc.Arbitrary<Query> = fc.oneof(
  { weight: 3, arbitrary: rangeOperation },
  {
    weight: 3,
    arbitrary: fc
      .record({
        prefix: bound,
        start: optionalBound,
        end: optionalBound,
        after: optionalBound,
        reverse: fc.boolean(),
        delimiter: fc.constantFrom("", "/", "a", "/a").map(bytes),
        limit: fc.integer({ min: 1, max: 5 }),
        keysOnly: fc.boolean(),
        revision,
      })
      .map(list),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("getMany" as const),
      keys: fc.array(key, { maxLength: 4 }),
      withValues: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: "leases" as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lease" as const), id: leaseId, withKeys: fc.boolean() }) },
);
