/** Items as they are answered: what the index knows of keys, and what only the history has. */

import type { Item } from "../model.ts";
import type { AnswerBudget } from "./answer-budget.ts";
import type { ContentRow, History } from "./history.ts";
import { bytesOf } from "./key-text.ts";
import type { Content, KeyState } from "./key-state.ts";

/** What an item takes beside its key, its value and its texts. */
export const itemFrameBytes = 64;

/** How much is read at a time. */
const maxChunkItems = 256;
const maxChunkBytes = 1024 * 1024;

const noBytes = new Uint8Array(0);

/** What is known of an item's size before it is read. */
export function knownBytes({ key, valueBytes }: KeyState, withValue: boolean): number {
  return itemFrameBytes + key.length + (withValue ? valueBytes : 0);
}

/** Reads items in the order of their states. Exceeds the budget rather than reading more than it allows. */
export function readItems(
  history: History,
  states: readonly KeyState[],
  withValues: boolean,
  budget: AnswerBudget,
): Item[] {
  const known = states.reduce((sum, state) => sum + knownBytes(state, withValues), 0);
  if (!budget.take(known)) return [];
  const items: Item[] = [];
  for (const chunk of chunks(states, withValues)) {
    const contents = contentsOf(history, chunk, withValues);
    let textBytes = 0;
    for (const state of chunk) {
      const content = contents.get(state.position) ?? state.content;
      if (content === undefined) throw new Error("the row of a key is missing in the history");
      textBytes += content.contentType.length + content.metadata.length;
      items.push(itemOf(state, content, withValues));
    }
    if (!budget.take(textBytes)) return [];
  }
  return items;
}

function* chunks(states: readonly KeyState[], withValues: boolean): Generator<KeyState[]> {
  let chunk: KeyState[] = [];
  let bytes = 0;
  for (const state of states) {
    const more = withValues ? state.valueBytes : 0;
    if (chunk.length === maxChunkItems || (chunk.length > 0 && bytes + more > maxChunkBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(state);
    bytes += more;
  }
  if (chunk.length > 0) yield chunk;
}

function contentsOf(history: History, states: readonly KeyState[], withValues: boolean): Map<number, Content> {
  const positions = states.filter(({ content }) => content === undefined).map(({ position }) => position);
  const rows = positions.length === 0 ? [] : history.contents(positions, withValues);
  return new Map(rows.map((row) => [row.position, contentOf(row)]));
}

function contentOf({ content_type: contentType, metadata, value }: ContentRow): Content {
  return { contentType, metadata, value: value === undefined ? noBytes : new Uint8Array(value) };
}

function itemOf(state: KeyState, { contentType, metadata, value }: Content, withValue: boolean): Item {
  const { createRevision, modRevision, version, lease, valueBytes } = state;
  return {
    key: bytesOf(state.key),
    createRevision,
    modRevision,
    version,
    lease,
    contentType,
    metadata,
    valueBytes,
    value: withValue ? value : null,
  };
}
