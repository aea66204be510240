/** Keys and values as JSON shows them. */

import { noLease } from "../kv/model.ts";
import type { Item, LeaseId, Revisions } from "../kv/model.ts";
import { encodeBase64 } from "../bytes/base64.ts";
import { parseMetadata } from "./metadata.ts";

/** What is stored when the client gave no content type (RFC 9110, section 8.3). */
export const defaultContentType = "application/octet-stream";

interface KeyJson {
  readonly key: string;
  /** Present when the key is not UTF-8. */
  readonly key_encoding?: "base64";
}

interface RevisionsJson {
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
}

interface ItemJson extends KeyJson, RevisionsJson {
  readonly value?: string;
  /** How `value` is written: as it is when it is UTF-8, else in base64. */
  readonly encoding?: "utf8" | "base64";
  readonly value_bytes: number;
  readonly content_type: string;
  /** Present when the key has some. */
  readonly metadata?: unknown;
  /** Present when the key is attached to one. */
  readonly lease?: LeaseId;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

export function keyJson(key: Uint8Array): KeyJson {
  const text = textOf(key);
  return text === undefined ? { key: encodeBase64(key), key_encoding: "base64" } : { key: text };
}

export function prefixJson(prefix: Uint8Array): { prefix: string; prefix_encoding?: "base64" } {
  const text = textOf(prefix);
  return text === undefined ? { prefix: encodeBase64(prefix), prefix_encoding: "base64" } : { prefix: text };
}

export function revisionsJson({ createRevision, modRevision, version }: Revisions): RevisionsJson {
  return { create_revision: createRevision, mod_revision: modRevision, version };
}

export function leaseJson(lease: LeaseId): { lease?: LeaseId } {
  return lease === noLease ? {} : { lease };
}

/** Metadata may be left out: it is not what a list is usually read for. */
export function itemJson(item: Item, withMetadata = true): ItemJson {
  const metadata = withMetadata ? parseMetadata(item.metadata) : undefined;
  return {
    ...keyJson(item.key),
    ...(item.value && valueJson(item.value)),
    value_bytes: item.valueBytes,
    content_type: item.contentType === "" ? defaultContentType : item.contentType,
    ...(metadata !== undefined && { metadata }),
    ...leaseJson(item.lease),
    ...revisionsJson(item),
  };
}

/** A value as text where it is UTF-8, else in base64. */
export function valueJson(value: Uint8Array): { value: string; encoding: "utf8" | "base64" } {
  const text = textOf(value);
  return text === undefined ? { value: encodeBase64(value), encoding: "base64" } : { value: text, encoding: "utf8" };
}

/** Undefined for bytes that are not UTF-8, and would not come back from a text. */
function textOf(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes);
  if (!text.includes("\uFFFD")) return text;
  // The replacement character stands for a mistake, or for itself: encoded again, only the latter gives the same bytes.
  const again = encoder.encode(text);
  return again.length === bytes.length && again.every((byte, at) => byte === bytes[at]) ? text : undefined;
}
