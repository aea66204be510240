/** What a key of the store is to a reader of Workers KV: its value as a type, its metadata, its end. */

import type { Item } from "../kv/model.ts";
import { Complaint } from "./failure.ts";
import { complain } from "./kv-rules.ts";

/** As Workers KV does: mistakes become U+FFFD, and a byte order mark stays. */
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

/**
 * The store knows of a key's end by its lease alone. So that a list can tell it without asking for each lease, it stands
 * in the content type, as a parameter of the one that a key without any has.
 */
const expiring = /^application\/octet-stream; expires=(\d{1,12})$/;

export function expiringType(expiration: number | undefined): string {
  return expiration === undefined ? "" : `application/octet-stream; expires=${expiration}`;
}

export function expirationIn({ contentType }: Item): number | undefined {
  const [, seconds] = expiring.exec(contentType) ?? [];
  return seconds === undefined ? undefined : Number(seconds);
}

/** Null for none. What another API has put there may be no JSON: then it is a text. */
export function metadataIn({ metadata }: Item): unknown {
  if (metadata === "") return null;
  return parse(metadata).value ?? metadata;
}

export function valueAs(item: Item, type: string): unknown {
  const bytes = item.value ?? new Uint8Array(0);
  switch (type) {
    case "text":
      return decoder.decode(bytes);
    case "json": {
      const { value, mistake } = parse(decoder.decode(bytes));
      if (mistake !== undefined) throw new Complaint(mistake);
      return value;
    }
    case "arrayBuffer":
      // A copy of its own: the bytes are part of a larger answer.
      return bytes.slice().buffer;
    case "stream":
      return new Blob([bytes.slice()]).stream();
    default: {
      const types = 'Possible types are "text", "arrayBuffer", "json", and "stream".';
      throw new Complaint(new TypeError(`Unknown response type. ${types}`));
    }
  }
}

/** A value among many. */
export function bulkValueAs(item: Item, type: "text" | "json"): unknown {
  const text = decoder.decode(item.value ?? new Uint8Array(0));
  if (type === "text") return text;
  const { value, mistake } = parse(text);
  if (mistake === undefined) return value;
  throw complain("GET_BULK", 400, "At least one of the requested keys corresponds to a non-json value");
}

function parse(text: string): { readonly value?: unknown; readonly mistake?: Error } {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch (error) {
    return { mistake: error as Error };
  }
}
