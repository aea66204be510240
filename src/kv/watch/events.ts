/** Changes of keys as the events of a watch, in messages of bounded size. */

import type { Item, WatchEvent, WatchMessage, WatchRequest } from "../model.ts";
import { noLease } from "../model.ts";
import { AnswerBudget } from "../store/answer-budget.ts";
import type { Change, History } from "../store/history.ts";
import { knownBytes, readItems } from "../store/items.ts";
import { exists } from "../store/key-state.ts";
import type { KeyState } from "../store/key-state.ts";
import { bytesOf } from "../store/key-text.ts";
import type { WatchLimits } from "./watch-limits.ts";

export type EventOptions = Pick<WatchRequest, "withPrevious" | "noPut" | "noDelete" | "fragment">;

export interface EventMessage {
  readonly message: WatchMessage & { readonly type: "events" };
  /** The position of the last change that it tells of. */
  readonly lastPosition: number;
}

/** An event, where it is in the history, and about how large. */
interface Told {
  readonly event: WatchEvent;
  readonly position: number;
  readonly bytes: number;
}

/** How much is read at a time. */
const maxChunkChanges = 256;
const maxChunkBytes = 1024 * 1024;

const unlimited = Number.POSITIVE_INFINITY;

export function isWanted({ state }: Change, { noPut, noDelete }: EventOptions): boolean {
  return exists(state) ? !noPut : !noDelete;
}

/** The changes must be wanted ones, and end with the last wanted one of a revision. */
export function* eventMessages(
  history: History,
  changes: Iterable<Change>,
  { withPrevious, fragment }: EventOptions,
  { messageBytes, maxWholeBytes }: WatchLimits,
): Generator<EventMessage, void> {
  let pending: Told[] = [];
  let bytes = 0;
  for (const told of tell(history, changes, withPrevious)) {
    const last = pending.at(-1);
    const isSame = told.event.item.modRevision === last?.event.item.modRevision;
    if (last !== undefined && bytes >= (isSame && !fragment ? maxWholeBytes : messageBytes)) {
      yield messageOf(pending, last, isSame);
      pending = [];
      bytes = 0;
    }
    pending.push(told);
    bytes += told.bytes;
  }
  const last = pending.at(-1);
  if (last !== undefined) yield messageOf(pending, last, false);
}

function messageOf(told: readonly Told[], last: Told, fragment: boolean): EventMessage {
  const events = told.map(({ event }) => event);
  const revision = last.event.item.modRevision;
  return { message: { type: "events", revision, fragment, events }, lastPosition: last.position };
}

function* tell(history: History, changes: Iterable<Change>, withPrevious: boolean): Generator<Told, void> {
  for (const slice of slices(changes)) {
    const before = withPrevious ? history.states(slice.map(({ previous }) => previous)) : new Map<number, KeyState>();
    for (const chunk of chunks(slice, before)) yield* read(history, chunk, before);
  }
}

function* read(
  history: History,
  changes: readonly Change[],
  before: ReadonlyMap<number, KeyState>,
): Generator<Told, void> {
  const puts = changes.map(({ state }) => state).filter((state) => exists(state));
  const previous = changes.map((change) => before.get(change.previous)).filter((state) => exists(state));
  const items = readItems(history, puts, true, new AnswerBudget(unlimited)).values();
  const previousItems = readItems(history, previous, true, new AnswerBudget(unlimited)).values();
  for (const change of changes) {
    const isPut = exists(change.state);
    const item = isPut ? nextOf(items) : deletedItem(change.state);
    const was = exists(before.get(change.previous)) ? nextOf(previousItems) : null;
    const event: WatchEvent = { type: isPut ? "put" : "delete", item, previous: was };
    yield { event, position: change.state.position, bytes: bytesWith(change, before) };
  }
}

function nextOf(items: Iterator<Item>): Item {
  const next = items.next();
  if (next.done === true) throw new Error("an item is missing in the history");
  return next.value;
}

/** Of a deleted key nothing but the key and the revision means anything. */
function deletedItem({ key, modRevision }: KeyState): Item {
  const none = { createRevision: 0, version: 0, lease: noLease, contentType: "", metadata: "", valueBytes: 0 };
  return { key: bytesOf(key), modRevision, ...none, value: null };
}

function bytesWith({ state, previous }: Change, before: ReadonlyMap<number, KeyState>): number {
  const was = before.get(previous);
  return knownBytes(state, true) + (exists(was) ? knownBytes(was, true) : 0);
}

function* slices(changes: Iterable<Change>): Generator<Change[], void> {
  let slice: Change[] = [];
  for (const change of changes) {
    slice.push(change);
    if (slice.length < maxChunkChanges) continue;
    yield slice;
    slice = [];
  }
  if (slice.length > 0) yield slice;
}

function* chunks(changes: readonly Change[], before: ReadonlyMap<number, KeyState>): Generator<Change[], void> {
  let chunk: Change[] = [];
  let bytes = 0;
  for (const change of changes) {
    const more = bytesWith(change, before);
    if (chunk.length > 0 && bytes + more > maxChunkBytes) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(change);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}
