/** Arbitrary small histories: a true one with some answers lost, and then perhaps a lie told in it. */

import * as fc from "fast-check";
import type { Operation } from "./history.ts";
import type { Condition, KeyValueAnswer, KeyValueCall, Seen } from "./key-value-call.ts";

type KeyValueOperation = Operation<KeyValueCall, KeyValueAnswer>;

interface Attempt {
  readonly kind: "get" | "put" | "delete" | "list";
  readonly key: string;
  readonly value: string;
  readonly condition: "none" | "revision" | "missing" | "exists";
  readonly invokedAtMs: number;
  readonly untilEffectMs: number;
  readonly untilAnswerMs: number;
  readonly fate: "answered" | "lost" | "never";
}

interface Lie {
  readonly at: number;
  readonly value: string | null;
  readonly revision: number;
  readonly laterMs: number;
}

/** Histories over `keys`; lists only where there are several. Those that are counted tell the store's revision, too. */
export function histories(
  keys: readonly string[],
  maxLength: number,
  counted = false,
): fc.Arbitrary<KeyValueOperation[]> {
  const kinds = ["get", "get", "put", "put", "delete", ...(keys.length > 1 ? ["list"] : [])] as const;
  const attempt = fc.record<Attempt>({
    kind: fc.constantFrom(...(kinds as readonly Attempt["kind"][])),
    key: fc.constantFrom(...keys),
    // Few values, so that it is not always clear whose write was read.
    value: fc.constantFrom("x", "y", "z"),
    condition: fc.constantFrom("none", "none", "revision", "missing", "exists"),
    invokedAtMs: fc.nat(12),
    untilEffectMs: fc.nat(6),
    untilAnswerMs: fc.nat(6),
    fate: fc.constantFrom("answered", "answered", "answered", "lost", "never"),
  });
  const lie = fc.record<Lie>({
    at: fc.nat(100),
    value: fc.constantFrom("x", "y", "z", null),
    revision: fc.integer({ min: 2, max: 6 }),
    laterMs: fc.nat(8),
  });
  return fc
    .tuple(fc.array(attempt, { maxLength, minLength: 2, size: "max" }), fc.option(lie), fc.boolean())
    .map(([attempts, told, withRevisions]) => {
      const history = run(keys, attempts, counted);
      const lied =
        told === null ? history : history.map((one, at) => (at === told.at % history.length ? tell(one, told) : one));
      return withRevisions || counted ? lied : lied.map(withoutRevisions);
    });
}

/** What a store answers that does everything at one moment. */
function run(keys: readonly string[], attempts: readonly Attempt[], counted: boolean): KeyValueOperation[] {
  const stored = new Map<string, { value: string; revision: number }>();
  let revision = 1;
  const effectAt = ({ invokedAtMs, untilEffectMs }: Attempt): number => invokedAtMs + untilEffectMs;
  const byEffect = attempts.toSorted((one, other) => effectAt(one) - effectAt(other));
  return byEffect.map((attempt, position): KeyValueOperation => {
    const { kind, key, value, invokedAtMs, untilAnswerMs, fate } = attempt;
    const client = `c${position}`;
    const found = stored.get(key);
    const condition = conditionOf(attempt, found?.revision ?? 0, position);
    const call = callOf(kind, key, value, keys, condition);
    const completion = (told: KeyValueAnswer): KeyValueOperation => {
      const atMs = effectAt(attempt) + untilAnswerMs;
      const answer = counted ? { ...told, storeRevision: revision } : told;
      return { client, call, invokedAtMs, completion: fate === "answered" ? { atMs, answer } : null };
    };
    if (kind === "get") return completion({ kind: "read", seen: found ?? null });
    if (kind === "list") return completion({ kind: "listed", seen: new Map(stored) });
    if (fate === "never") return { client, call, invokedAtMs, completion: null };
    if (!holds(condition, found?.revision ?? 0)) return completion({ kind: "refused", found: found?.revision ?? null });
    if (kind === "delete" && found === undefined) return completion({ kind: "missing" });
    revision += 1;
    if (kind === "delete") stored.delete(key);
    else stored.set(key, { value, revision });
    return completion({ kind: "written", revision });
  });
}

function conditionOf({ condition }: Attempt, found: number, position: number): Condition | undefined {
  if (condition === "none") return undefined;
  // Every other time a condition on the revision holds.
  if (condition === "revision") return { revision: position % 2 === 0 ? found : 3 };
  return { exists: condition === "exists" };
}

function holds(condition: Condition | undefined, found: number): boolean {
  if (condition === undefined) return true;
  if ("exists" in condition) return condition.exists === found > 0;
  return "revision" in condition && condition.revision === found;
}

function callOf(
  kind: Attempt["kind"],
  key: string,
  value: string,
  keys: readonly string[],
  condition: Condition | undefined,
): KeyValueCall {
  if (kind === "get") return { kind, key };
  if (kind === "list") return { kind, keys };
  const conditional = condition === undefined ? {} : { condition };
  return kind === "put" ? { kind, key, value, ...conditional } : { kind, key, ...conditional };
}

/** Changes what an operation was told, or when. */
function tell(operation: KeyValueOperation, { value, revision, laterMs }: Lie): KeyValueOperation {
  const { completion, invokedAtMs } = operation;
  if (completion === null) return operation;
  const atMs = completion.atMs + laterMs;
  const { answer } = completion;
  const lied: KeyValueAnswer =
    answer.kind === "read"
      ? { kind: "read", seen: value === null ? null : { value, revision } }
      : answer.kind === "written" || answer.kind === "refused"
        ? { kind: "written", revision }
        : answer;
  // Every other lie is one about time alone: the operation begins when it used to end.
  if (revision % 2 === 0) return { ...operation, invokedAtMs: completion.atMs, completion: { atMs, answer } };
  return { ...operation, invokedAtMs, completion: { atMs, answer: lied } };
}

function withoutRevisions(operation: KeyValueOperation): KeyValueOperation {
  const { completion, call } = operation;
  // A condition on a revision would tell it.
  if (completion === null || "condition" in call) return operation;
  const { answer, atMs } = completion;
  const value = ({ value: seen }: Seen): Seen => ({ value: seen });
  switch (answer.kind) {
    case "read":
      return { ...operation, completion: { atMs, answer: { kind: "read", seen: answer.seen && value(answer.seen) } } };
    case "written":
      return { ...operation, completion: { atMs, answer: { kind: "written" } } };
    case "listed": {
      const seen = new Map([...answer.seen].map(([key, told]) => [key, value(told)]));
      return { ...operation, completion: { atMs, answer: { kind: "listed", seen } } };
    }
    default:
      return operation;
  }
}
