/** Generators of everything that the store is asked and answers, the extremes of what may be said among them. */

import * as fc from "fast-check";
import type {
  Command,
  CommandBody,
  CommandResult,
  Compare,
  Idempotency,
  Item,
  KeySpan,
  LeaseId,
  Operation,
  OperationResult,
  PutOperation,
  Query,
  QueryAnswer,
  RangeOperation,
  RangeResult,
  Refusal,
  TxnOperation,
  TxnResult,
  WatchEvent,
  WatchMessage,
  WatchRequest,
} from "../../src/kv/model.ts";

const constant = <Value extends string | boolean>(value: Value): fc.Arbitrary<Value> => fc.constant(value);
const whole = fc.oneof(fc.nat(9), fc.maxSafeNat());
/** What a client may ask for: any whole number, but never minus zero. */
const integer = fc
  .oneof(fc.integer(), fc.constantFrom(0, -1, 2 ** 53, 2 ** 63, -(2 ** 63)))
  .map((number) => (number === 0 ? 0 : number));
const limit = integer.map((number) => Math.abs(number));
const ttlMs = fc.integer({ min: 1, max: 9_000_000_000_000 });

/** Short, of few different bytes, the extreme ones among them: prefixes of each other, and ends of the key space. */
export const key: fc.Arbitrary<Uint8Array> = fc
  .array(fc.constantFrom(0x00, 0x61, 0x62, 0xff), { minLength: 1, maxLength: 3 })
  .map((bytes) => Uint8Array.from(bytes));
const bound = fc.oneof(fc.constant(new Uint8Array(0)), key);
const optionalBound = fc.option(bound, { nil: null });
const span: fc.Arbitrary<KeySpan> = fc.record({ key: bound, rangeEnd: optionalBound });

export const lease: fc.Arbitrary<LeaseId> = fc.oneof(
  fc.constantFrom("0", "1", "-1", "9223372036854775807", "-9223372036854775808"),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
);
const contentType = fc.constantFrom("", "text/plain", "application/json; charset=utf-8");
const metadata = fc.oneof(constant(""), fc.json({ maxDepth: 1, stringUnit: "grapheme" }));
const value = fc.uint8Array({ maxLength: 20 });
const previous = fc.constantFrom(...(["none", "keys", "values"] as const));

const plainPut: fc.Arbitrary<PutOperation> = fc.record({
  kind: constant("put"),
  key,
  value,
  contentType,
  metadata,
  lease: fc.constant("0"),
  ttlMs: fc.constant(0),
  previous,
  ignoreValue: constant(false),
  ignoreLease: constant(false),
});
const put: fc.Arbitrary<PutOperation> = fc.oneof(
  plainPut,
  fc.record({ plainPut, lease }).map((made) => ({ ...made.plainPut, lease: made.lease })),
  fc.record({ plainPut, ttlMs }).map((made) => ({ ...made.plainPut, ttlMs: made.ttlMs })),
  fc.record({ plainPut, ignoreLease: fc.boolean() }).map((made) => {
    const kept = { value: new Uint8Array(0), contentType: "", metadata: "", ignoreValue: true } as const;
    return { ...made.plainPut, ...kept, ignoreLease: made.ignoreLease };
  }),
);

export const range: fc.Arbitrary<RangeOperation> = fc.record({
  kind: constant("range"),
  key: bound,
  rangeEnd: optionalBound,
  limit,
  revision: integer,
  sortTarget: fc.constantFrom(...(["key", "version", "create", "mod", "value"] as const)),
  sortOrder: fc.constantFrom(...(["none", "ascend", "descend"] as const)),
  keysOnly: fc.boolean(),
  countOnly: fc.boolean(),
  minModRevision: fc.oneof(fc.constant(0), integer),
  maxModRevision: fc.oneof(fc.constant(0), integer),
  minCreateRevision: fc.oneof(fc.constant(0), integer),
  maxCreateRevision: fc.oneof(fc.constant(0), integer),
});

const simpleOperation: fc.Arbitrary<Operation> = fc.oneof(
  put,
  fc.record({ kind: constant("delete"), key: bound, rangeEnd: optionalBound, previous }),
  range,
  fc.record({ kind: constant("increment"), key, delta: lease }),
);

const compare: fc.Arbitrary<Compare> = fc
  .record({
    span,
    result: fc.constantFrom(...(["equal", "notEqual", "less", "greater"] as const)),
    operand: fc.oneof(
      fc.record({ target: fc.constantFrom(...(["version", "create", "mod"] as const)), operand: integer }),
      fc.record({ target: constant("value"), operand: value }),
      fc.record({ target: constant("lease"), operand: lease }),
    ),
  })
  .map((made): Compare => ({ ...made.span, result: made.result, ...made.operand }));

/** Transactions within transactions, up to `depth` of them. */
export function txn(depth: number): fc.Arbitrary<TxnOperation> {
  const operation = depth > 1 ? fc.oneof(simpleOperation, txn(depth - 1)) : simpleOperation;
  const operations = fc.array(operation, { maxLength: 3 });
  return fc.record({
    kind: constant("txn"),
    compares: fc.array(compare, { maxLength: 3 }),
    success: operations,
    failure: operations,
  });
}

const single = simpleOperation.map((operation): TxnOperation => {
  return { kind: "txn", compares: [], success: [operation], failure: [] };
});

export const body: fc.Arbitrary<CommandBody> = fc.oneof(
  { weight: 4, arbitrary: single },
  { weight: 4, arbitrary: txn(3) },
  fc.record({ kind: constant("compact"), revision: integer }),
  fc.record({ kind: constant("leaseGrant"), id: lease, ttlMs }),
  fc.record({ kind: constant("leaseRevoke"), id: lease }),
  fc.record({ kind: constant("leaseKeepAlive"), ids: fc.array(lease) }),
  fc.record({ kind: constant("timer") }),
  fc.record({ kind: constant("sessionOpen"), ttlMs: fc.integer({ min: 1, max: 604_800_000 }) }),
);

const idempotency: fc.Arbitrary<Idempotency> = fc.record({
  key: fc.string({ minLength: 1, maxLength: 256, unit: "grapheme-ascii" }),
  fingerprint: fc.uint8Array({ minLength: 32, maxLength: 32 }),
  session: fc.constantFrom("", "s-17"),
});

export const command: fc.Arbitrary<Command> = fc.record(
  { body, idempotency: fc.option(idempotency, { nil: null }), maxAnswerBytes: fc.nat(2 ** 32 - 1) },
  { requiredKeys: ["body", "idempotency"] },
);

const revisions = { createRevision: whole, modRevision: whole, version: whole };

export const item: fc.Arbitrary<Item> = fc
  .record({ key, ...revisions, lease, contentType, metadata, value, bytes: fc.nat(), keepsValue: fc.boolean() })
  .map(({ bytes, keepsValue, ...made }) =>
    keepsValue ? { ...made, valueBytes: made.value.length } : { ...made, value: null, valueBytes: bytes },
  );
const optionalItem = fc.option(item, { nil: null });
const items = fc.array(item, { maxLength: 4 });

const rangeResult: fc.Arbitrary<RangeResult> = fc.record({
  kind: constant("range"),
  items,
  count: whole,
  more: fc.boolean(),
});

const simpleResult: fc.Arbitrary<OperationResult> = fc.oneof(
  fc.record({ kind: constant("put"), created: fc.boolean(), lease, previous: optionalItem, ...revisions }),
  fc.record({ kind: constant("delete"), deleted: whole, previous: items }),
  rangeResult,
  fc.record({ kind: constant("increment"), created: fc.boolean(), value: lease, ...revisions }),
);

function txnResult(depth: number): fc.Arbitrary<TxnResult> {
  const result = depth > 1 ? fc.oneof(simpleResult, txnResult(depth - 1)) : simpleResult;
  return fc.record({
    kind: constant("txn"),
    succeeded: fc.boolean(),
    results: fc.array(result, { maxLength: 3 }),
  });
}

export const refusal: fc.Arbitrary<Refusal> = fc.oneof(
  fc.record({ reason: constant("compacted"), compactRevision: whole }),
  fc.record({
    reason: fc.constantFrom(
      ...(["malformed", "duplicate_key", "too_many_operations", "answer_too_large", "future_revision"] as const),
      ...(["lease_not_found", "lease_exists", "too_many_leases", "key_not_found", "not_a_number"] as const),
      ...(["number_overflow", "idempotency_key_reused", "session_expired", "too_many_sessions"] as const),
    ),
  }),
);

export const result: fc.Arbitrary<CommandResult> = fc.oneof(
  fc.record({ status: constant("txn"), revision: whole, txn: txnResult(3) }),
  fc.record({ status: fc.constantFrom("compacted", "revoked", "timer"), revision: whole }),
  fc.record({ status: constant("lease"), revision: whole, id: lease, ttlMs: whole }),
  fc.record({
    status: constant("keptAlive"),
    revision: whole,
    ttlsMs: fc.array(fc.option(whole, { nil: null })),
  }),
  fc.record({ status: constant("session"), revision: whole, id: fc.string() }),
  fc.record({ status: constant("refused"), revision: whole, refusal }),
);

export const query: fc.Arbitrary<Query> = fc.oneof(
  range,
  fc.record({
    kind: constant("list"),
    prefix: bound,
    start: optionalBound,
    end: optionalBound,
    after: optionalBound,
    reverse: fc.boolean(),
    delimiter: bound,
    limit: fc.integer({ min: 1, max: 1000 }),
    keysOnly: fc.boolean(),
    revision: integer,
  }),
  fc.record({ kind: constant("getMany"), keys: fc.array(key, { maxLength: 100 }), withValues: fc.boolean() }),
  fc.record({ kind: fc.constantFrom("leases", "status") }),
  fc.record({ kind: constant("lease"), id: lease, withKeys: fc.boolean() }),
  fc.record({ kind: constant("hash"), revision: integer }),
);

export const answer: fc.Arbitrary<QueryAnswer> = fc.oneof(
  fc.record({ status: constant("range"), revision: whole, range: rangeResult }),
  fc.record({
    status: constant("list"),
    revision: whole,
    items,
    commonPrefixes: fc.array(bound),
    next: optionalBound,
  }),
  fc.record({ status: constant("many"), revision: whole, items: fc.array(optionalItem) }),
  fc.record({ status: constant("leases"), revision: whole, ids: fc.array(lease) }),
  fc.record({
    status: constant("lease"),
    revision: whole,
    lease: fc.option(fc.record({ id: lease, grantedTtlMs: whole, remainingMs: whole }), { nil: null }),
    keys: fc.array(key),
  }),
  fc.record({
    status: constant("status"),
    revision: whole,
    compactRevision: whole,
    keys: whole,
    leases: whole,
    sizeBytes: whole,
  }),
  fc.record({ status: constant("hash"), revision: whole, hash: whole, compactRevision: whole }),
  fc.record({ status: constant("refused"), revision: whole, refusal }),
);

export const watchRequest: fc.Arbitrary<WatchRequest> = fc.record({
  key: bound,
  rangeEnd: optionalBound,
  format: fc.constantFrom("binary", "json"),
  startRevision: whole,
  withPrevious: fc.boolean(),
  noPut: fc.boolean(),
  noDelete: fc.boolean(),
  progressMs: whole,
  fragment: fc.boolean(),
});

const event: fc.Arbitrary<WatchEvent> = fc.record({
  type: fc.constantFrom("put", "delete"),
  item,
  previous: optionalItem,
});

export const watchMessage: fc.Arbitrary<WatchMessage> = fc.oneof(
  fc.record({ type: fc.constantFrom("created", "progress"), revision: whole }),
  fc.record({
    type: constant("events"),
    revision: whole,
    fragment: fc.boolean(),
    events: fc.array(event, { maxLength: 4 }),
  }),
  fc.record({
    type: constant("canceled"),
    revision: whole,
    reason: fc.constantFrom("compacted", "slow", "ended"),
    compactRevision: whole,
    resumeRevision: whole,
  }),
);
