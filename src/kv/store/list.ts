/** Pages of keys, with those below a delimiter summed up. */

import { maxPageItems, maxPageValueBytes } from "../limits.ts";
import type { ListQuery } from "../model.ts";
import type { KeyState } from "./key-state.ts";
import { bytesOf, endOfKeys, firstKey, prefixEnd, successor, textOf } from "./key-text.ts";
import type { KeyRange, KeyText } from "./key-text.ts";
import type { KeyView } from "./key-view.ts";

export interface ListPage {
  readonly states: readonly KeyState[];
  readonly commonPrefixes: readonly Uint8Array[];
  readonly next: Uint8Array | null;
}

/** The values that the page holds must be read after it: it has room for them. */
export function listPage(view: KeyView, query: ListQuery): ListPage {
  const limit = Math.min(query.limit, maxPageItems);
  const states: KeyState[] = [];
  const commonPrefixes: Uint8Array[] = [];
  let [valueBytes, last, count] = [0, "", 0];
  for (const entry of entries(view, query)) {
    const isPrefix = typeof entry === "string";
    if (!isPrefix && !query.keysOnly) valueBytes += entry.valueBytes;
    if (count === limit || (valueBytes > maxPageValueBytes && count > 0)) {
      return { states, commonPrefixes, next: bytesOf(last) };
    }
    count += 1;
    last = isPrefix ? entry : entry.key;
    if (isPrefix) commonPrefixes.push(bytesOf(entry));
    else states.push(entry);
  }
  return { states, commonPrefixes, next: null };
}

/** Keys and common prefixes in the order of the list. Behind a common prefix the keys below it are skipped, not read. */
function* entries(view: KeyView, query: ListQuery): Generator<KeyState | KeyText, void> {
  const { reverse } = query;
  const [prefix, delimiter] = [textOf(query.prefix), textOf(query.delimiter)];
  for (let rest: KeyRange | null = rangeOfList(query); rest !== null;) {
    const range: KeyRange = rest;
    rest = null;
    for (const state of view.scan(range, { reverse })) {
      const common = commonPrefixOf(state.key, prefix, delimiter);
      if (common === null) yield state;
      else {
        yield common;
        rest = reverse ? { from: range.from, to: common } : { from: prefixEnd(common), to: range.to };
        break;
      }
    }
  }
}

function rangeOfList({ prefix, start, end, after, delimiter, reverse }: ListQuery): KeyRange {
  const prefixText = textOf(prefix);
  const lower = [prefixText, start === null ? firstKey : textOf(start)];
  const upper = [prefixEnd(prefixText), end === null ? endOfKeys : textOf(end)];
  if (after !== null) {
    const [last, common] = [textOf(after), commonPrefixOf(textOf(after), prefixText, textOf(delimiter))];
    // A key below a common prefix is behind that prefix, and not in the list itself.
    if (reverse) upper.push(common === null || common === last ? last : prefixEnd(common));
    else lower.push(common === null ? successor(last) : prefixEnd(common));
  }
  return {
    from: lower.reduce((one, other) => (one > other ? one : other)),
    to: upper.reduce((one, other) => (one < other ? one : other)),
  };
}

/** What the key has up to the first delimiter behind the prefix; null for a key without one. */
function commonPrefixOf(key: KeyText, prefix: KeyText, delimiter: KeyText): KeyText | null {
  if (delimiter === "" || !key.startsWith(prefix)) return null;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? null : key.slice(0, at + delimiter.length);
}
