/** The definition of linearizability, tried out order by order, for histories of a handful of operations. */

import type { Operation } from "./history.ts";
import type { Condition, KeyValueAnswer, KeyValueCall, Seen, WriteCall } from "./key-value-call.ts";

type KeyValueOperation = Operation<KeyValueCall, KeyValueAnswer>;

/** Whether some order of all completed operations and some of the unknown ones respects time and is possible. */
export function isLinearizable(operations: readonly KeyValueOperation[]): boolean {
  return orders(operations).some((order) => isPossible(order));
}

/** The same for a store that counts its writes from revision 2 on, and tells its newest revision with each answer. */
export function isLinearizableByCount(operations: readonly KeyValueOperation[]): boolean {
  return orders(operations).some((order) => isCounted(order));
}

function orders(operations: readonly KeyValueOperation[]): KeyValueOperation[][] {
  const completed = operations.filter(({ completion }) => completion !== null);
  const unknown = operations.filter(({ completion }) => completion === null);
  return subsets(unknown).flatMap((some) => permutations([...completed, ...some]));
}

function subsets<Item>(items: readonly Item[]): Item[][] {
  return items.reduce<Item[][]>((found, item) => [...found, ...found.map((set) => [...set, item])], [[]]);
}

/** All orders in which nothing comes after what was invoked after its end. */
function permutations(operations: readonly KeyValueOperation[]): KeyValueOperation[][] {
  if (operations.length === 0) return [[]];
  return operations.flatMap((first) => {
    const others = operations.filter((operation) => operation !== first);
    const late = others.some(({ completion }) => completion !== null && completion.atMs < first.invokedAtMs);
    return late ? [] : permutations(others).map((rest) => [first, ...rest]);
  });
}

/** A write that has taken effect; whoever learns its revision writes it in. */
interface Version {
  readonly value: string | null;
  revision: number | undefined;
}

function isPossible(order: readonly KeyValueOperation[]): boolean {
  const versions: Version[] = [];
  const newest = new Map<string, Version>();
  for (const { call, completion } of order) {
    if (!takesEffect(call, completion?.answer, versions, newest)) return false;
  }
  const revisions = versions.flatMap(({ revision }) => (revision === undefined ? [] : [revision]));
  return revisions.every((revision, position) => position === 0 || revision > (revisions[position - 1] ?? 0));
}

function isCounted(order: readonly KeyValueOperation[]): boolean {
  const versions: Version[] = [];
  const newest = new Map<string, Version>();
  for (const { call, completion } of order) {
    const before = versions.length;
    if (!takesEffect(call, completion?.answer, versions, newest)) return false;
    const made = versions.length > before ? versions.at(-1) : undefined;
    if (made !== undefined) {
      if ((made.revision ??= versions.length + 1) !== versions.length + 1) return false;
    }
    if ((completion?.answer.storeRevision ?? versions.length + 1) !== versions.length + 1) return false;
  }
  return true;
}

function takesEffect(
  call: KeyValueCall,
  answer: KeyValueAnswer | undefined,
  versions: Version[],
  newest: Map<string, Version>,
): boolean {
  const present = (key: string): Version | undefined => {
    const version = newest.get(key);
    return version?.value === null ? undefined : version;
  };
  if (call.kind === "get") return answer?.kind !== "read" || wasSeen(present(call.key), answer.seen);
  if (call.kind === "list") {
    return answer?.kind !== "listed" || call.keys.every((key) => wasSeen(present(key), answer.seen.get(key) ?? null));
  }
  if (call.kind === "transaction") throw new Error("no transactions here");
  const found = present(call.key);
  const holds = call.condition === undefined || meets(found, call.condition, answer?.kind !== "refused");
  if (answer?.kind === "refused") {
    return !holds && (answer.found === undefined || tells(found, answer.found ?? undefined));
  }
  if (!holds) return answer === undefined;
  if (call.kind === "delete" && found === undefined) return answer === undefined || answer.kind === "missing";
  if (answer !== undefined && answer.kind !== "written") return false;
  const version = { value: valueOf(call), revision: answer?.revision };
  versions.push(version);
  newest.set(call.key, version);
  return true;
}

function valueOf(call: WriteCall): string | null {
  return call.kind === "put" ? call.value : null;
}

/** Whether the condition holds, or may, where the revision is not known and `wanted` says what is needed. */
function meets(found: Version | undefined, condition: Condition, wanted: boolean): boolean {
  if ("exists" in condition) return (found !== undefined) === condition.exists;
  if ("value" in condition) return (found?.value ?? null) === condition.value;
  if (found === undefined || condition.revision === 0) return found === undefined && condition.revision === 0;
  if (found.revision !== undefined) return found.revision === condition.revision;
  if (wanted) found.revision = condition.revision;
  return wanted;
}

function wasSeen(found: Version | undefined, seen: Seen | null): boolean {
  if (found === undefined || seen === null) return found === undefined && seen === null;
  return found.value === seen.value && (seen.revision === undefined || tells(found, seen.revision));
}

function tells(found: Version | undefined, revision: number | undefined): boolean {
  if (found === undefined || revision === undefined) return found === undefined && revision === undefined;
  found.revision ??= revision;
  return found.revision === revision;
}
