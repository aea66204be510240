/** What a history tells of writes that nobody was answered: what was read has been written, and by the end of the read. */

import type { Completion, Operation } from "./history.ts";
import type { KeyValueAnswer, KeyValueCall, Seen, Step } from "./key-value-call.ts";

type KeyValueOperation = Operation<KeyValueCall, KeyValueAnswer>;

/** One way in which a value can have come to a key. */
interface Source {
  readonly operation: KeyValueOperation;
  /** Of a transaction, which branch it was. */
  readonly succeeded: boolean;
}

interface Sighting {
  readonly key: string;
  readonly seen: Seen;
  readonly atMs: number;
}

/** What must have become of operations of unknown outcome, as far as only one of all can have written what was read. */
export function inferOutcomes(
  operations: readonly KeyValueOperation[],
): ReadonlyMap<KeyValueOperation, Completion<KeyValueAnswer>> {
  const inferred = new Map<KeyValueOperation, Completion<KeyValueAnswer>>();
  if (operations.every(({ completion }) => completion !== null)) return inferred;
  const sources = sourcesOf(operations);
  for (const { key, seen, atMs } of operations.flatMap(sightingsOf)) {
    const source = sources.get(nameOf(key, seen.value));
    if (source === undefined || source === null || source.operation.completion !== null) continue;
    const known = inferred.get(source.operation);
    if (known === undefined) inferred.set(source.operation, { atMs, answer: answerOf(source, seen) });
    else if (atMs < known.atMs) inferred.set(source.operation, { ...known, atMs });
  }
  return inferred;
}

/** Who can have put a value to a key; null when that is not clear. */
function sourcesOf(operations: readonly KeyValueOperation[]): ReadonlyMap<string, Source | null> {
  const sources = new Map<string, Source | null>();
  const add = (operation: KeyValueOperation, step: Step | KeyValueCall, succeeded: boolean): void => {
    if (step.kind !== "put") return;
    const name = nameOf(step.key, step.value);
    sources.set(name, sources.has(name) ? null : { operation, succeeded });
  };
  for (const operation of operations) {
    const { call } = operation;
    if (call.kind === "transaction") {
      for (const step of call.success) add(operation, step, true);
      for (const step of call.failure) add(operation, step, false);
    } else add(operation, call, true);
  }
  return sources;
}

function sightingsOf({ call, completion }: KeyValueOperation): Sighting[] {
  if (completion === null) return [];
  const { answer, atMs } = completion;
  const sighting = (key: string, seen: Seen | null | undefined): Sighting[] => (seen ? [{ key, seen, atMs }] : []);
  if (call.kind === "get" && answer.kind === "read") return sighting(call.key, answer.seen);
  if (call.kind === "list" && answer.kind === "listed") {
    return [...answer.seen].flatMap(([key, seen]) => sighting(key, seen));
  }
  if (call.kind !== "transaction" || answer.kind !== "transacted") return [];
  const steps = answer.succeeded ? call.success : call.failure;
  return steps.flatMap((step, position) => (step.kind === "get" ? sighting(step.key, answer.seen?.[position]) : []));
}

function answerOf({ operation, succeeded }: Source, { revision }: Seen): KeyValueAnswer {
  const told = revision === undefined ? {} : { revision };
  return operation.call.kind === "transaction"
    ? { kind: "transacted", succeeded, ...told }
    : { kind: "written", ...told };
}

function nameOf(key: string, value: string): string {
  return `${key.length} ${key} ${value}`;
}
