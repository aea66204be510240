/** Answers: what the store says to a query, and their bytes. */

import type { ByteReader } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import { decode, formatVersion, readFlag, demand } from "./codec.ts";
import { readRevisions, writeRevisions } from "./result.ts";
import type { Revisions } from "./result.ts";

/** A key as it is stored. */
export interface Item extends Revisions {
  readonly key: Uint8Array;
  /** As the client gave it; empty when it gave none. */
  readonly contentType: string;
  readonly valueBytes: number;
  /** Null when the query did not ask for values. */
  readonly value: Uint8Array | null;
}

export type QueryAnswer =
  | { readonly status: "found"; readonly revision: number; readonly item: Item }
  | { readonly status: "not_found"; readonly revision: number }
  /** `more` says that keys within the bounds follow the last item. */
  | { readonly status: "page"; readonly revision: number; readonly more: boolean; readonly items: readonly Item[] }
  /** The bytes are not a query, or one beyond the limits. */
  | { readonly status: "malformed" };

const statuses = ["found", "not_found", "page", "malformed"] as const;
/** Room for everything in an item but its key, its value and its content type. */
const itemFrameBytes = 48;

export function encodeAnswer(answer: QueryAnswer): Uint8Array<ArrayBuffer> {
  const items = answer.status === "found" ? [answer.item] : answer.status === "page" ? answer.items : [];
  const writer = new ByteWriter(items.reduce((sum, item) => sum + encodedBytes(item), 16));
  writer.u8(formatVersion).u8(statuses.indexOf(answer.status));
  if (answer.status === "malformed") return writer.finish();
  writer.u53(answer.revision);
  if (answer.status === "page") writer.u8(answer.more ? 1 : 0).u16(items.length);
  for (const item of items) writeItem(writer, item);
  return writer.finish();
}

/** The answer of these bytes, as views on them; undefined when they are none. */
export function decodeAnswer(bytes: Uint8Array): QueryAnswer | undefined {
  return decode(bytes, readAnswer);
}

function readAnswer(reader: ByteReader): QueryAnswer {
  const status = statuses[reader.u8()];
  demand(status !== undefined, "unknown answer");
  switch (status) {
    case "found":
      return { status, revision: reader.u53(), item: readItem(reader) };
    case "not_found":
      return { status, revision: reader.u53() };
    case "page": {
      const revision = reader.u53();
      const more = readFlag(reader);
      return { status, revision, more, items: Array.from({ length: reader.u16() }, () => readItem(reader)) };
    }
    case "malformed":
      return { status };
  }
}

function encodedBytes(item: Item): number {
  return itemFrameBytes + item.key.length + item.contentType.length + (item.value?.length ?? 0);
}

function writeItem(writer: ByteWriter, item: Item): void {
  writeRevisions(writer.bytes(item.key), item).text(item.contentType);
  writer.u32(item.valueBytes).u8(item.value === null ? 0 : 1);
  if (item.value !== null) writer.raw(item.value);
}

function readItem(reader: ByteReader): Item {
  const key = reader.bytes();
  const revisions = readRevisions(reader);
  const contentType = reader.text();
  const valueBytes = reader.u32();
  const value = readFlag(reader) ? reader.raw(valueBytes) : null;
  return { key, ...revisions, contentType, valueBytes, value };
}
