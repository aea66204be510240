/** Bookmarks: how much a client has seen of a group, opaque to clients so that what is in them may change. */

import { ByteReader, MalformedError } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decodeBase64Url, encodeBase64Url } from "../bytes/base64.ts";

export const bookmarkHeader = "x-raft-bookmark";
const version = 1;

export interface Bookmark {
  /** How many recoveries led to the group: indexes of one group mean nothing in the other. */
  readonly generation: number;
  readonly index: number;
}

export function encodeBookmark({ generation, index }: Bookmark): string {
  return encodeBase64Url(new ByteWriter(17).u8(version).u32(generation).u53(index).finish());
}

/** Undefined for a text that is no bookmark. */
export function decodeBookmark(text: string): Bookmark | undefined {
  const bytes = decodeBase64Url(text);
  if (bytes === undefined) return undefined;
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== version) return undefined;
    const bookmark = { generation: reader.u32(), index: reader.u53() };
    reader.end();
    return bookmark;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** An answer's bookmark never falls behind that of its request: clients may keep the last one that they get. */
export function keepBookmark(request: Headers, answer: Headers): void {
  const text = request.get(bookmarkHeader);
  const sent = text === null ? undefined : decodeBookmark(text);
  if (sent === undefined) return;
  const given = decodeBookmark(answer.get(bookmarkHeader) ?? "");
  if (given === undefined || isBehind(given, sent)) answer.set(bookmarkHeader, encodeBookmark(sent));
}

function isBehind(one: Bookmark, other: Bookmark): boolean {
  return one.generation < other.generation || (one.generation === other.generation && one.index < other.index);
}
