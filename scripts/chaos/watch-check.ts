/** Whether watchers were told every change once, in order, and none that was not made. */

import type { Step } from "../../test/linearizability/key-value-call.ts";
import type { KeyValueOperation } from "./record.ts";
import type { WatchEvent } from "./watch-face.ts";
import type { Segment } from "./watchers.ts";

/** What clients were told of their writes: what became of which key at a revision; null for a delete. */
type Written = ReadonlyMap<number, ReadonlyMap<string, string | null>>;

/** @returns what is wrong, a line each */
export function checkWatches(segments: readonly Segment[], operations: readonly KeyValueOperation[]): string[] {
  const written = writesOf(operations);
  const told = new Map<string, { readonly value: string | null; readonly watcher: string }>();
  return segments.flatMap((segment) => [
    ...outOfOrder(segment),
    ...missing(segment, written),
    ...untrue(segment, written),
    ...disputed(segment, told),
  ]);
}

function writesOf(operations: readonly KeyValueOperation[]): Written {
  const written = new Map<number, Map<string, string | null>>();
  for (const { call, completion } of operations) {
    const answer = completion?.answer;
    if (answer?.kind !== "written" && answer?.kind !== "transacted") continue;
    const { revision } = answer;
    if (revision === undefined) continue;
    const steps: readonly Step[] =
      call.kind === "transaction" ? call.success : call.kind === "put" || call.kind === "delete" ? [call] : [];
    const writes = steps.flatMap((step): [string, string | null][] =>
      step.kind === "get" ? [] : [[step.key, step.kind === "put" ? step.value : null]],
    );
    written.set(revision, new Map([...(written.get(revision) ?? []), ...writes]));
  }
  return written;
}

function outOfOrder({ watcher, afterRevision, events }: Segment): string[] {
  // Of a revision that is told from its first change on, there may be several.
  let last = afterRevision + 1;
  const seen = new Set<string>();
  for (const { revision, key } of events) {
    if (revision < last) return [`${watcher} was told of revision ${revision}, and should be at ${last} or later`];
    if (seen.has(`${revision} ${key}`)) return [`${watcher} was told twice of ${key} at revision ${revision}`];
    seen.add(`${revision} ${key}`);
    last = revision;
  }
  return [];
}

function missing({ watcher, afterRevision, throughRevision, events }: Segment, written: Written): string[] {
  const told = new Set(events.map(({ revision, key }) => `${revision} ${key}`));
  for (const [revision, writes] of written) {
    if (revision <= afterRevision || revision > throughRevision) continue;
    for (const key of writes.keys()) {
      if (!told.has(`${revision} ${key}`)) return [`${watcher} was not told of ${key} at revision ${revision}`];
    }
  }
  return [];
}

function untrue({ watcher, events }: Segment, written: Written): string[] {
  const isWrong = ({ revision, key, value }: WatchEvent): boolean => {
    const writes = written.get(revision);
    return writes !== undefined && (!writes.has(key) || writes.get(key) !== value);
  };
  const wrong = events.find(isWrong);
  return wrong === undefined
    ? []
    : [`${watcher} was told that ${wrong.key} became ${wrong.value} at ${wrong.revision}`];
}

/** Of writes that nobody acknowledged the watchers must be told the same. */
function disputed(
  { watcher, events }: Segment,
  told: Map<string, { readonly value: string | null; readonly watcher: string }>,
): string[] {
  for (const { revision, key, value } of events) {
    const other = told.get(`${revision} ${key}`);
    if (other !== undefined && other.value !== value) {
      return [`${watcher} was told ${key} = ${value} at revision ${revision}, and ${other.watcher} ${other.value}`];
    }
    told.set(`${revision} ${key}`, { value, watcher });
  }
  return [];
}
