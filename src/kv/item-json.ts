/** Keys, values and items as JSON shows them. */

import { encodeBase64 } from "../bytes/base64.ts";
import { noLease } from "./model.ts";
import type { Item, LeaseId, Revisions } from "./model.ts";

/** What is stored when the client gave no content type (RFC 9110, section 8.3). */
export const defaultContentType = "application/octet-stream";

export interface KeyJson {
  readonly key: string;
  /** Present when the key is not UTF-8. */
  readonly key_encoding?: "base64";
}

export interface ValueJson {
  readonly value: string;
  /** How `value` is written: as it is when it is UTF-8, else in base64. */
  readonly encoding: "utf8" | "base64";
}

export interface RevisionsJson {
  readonly create_revision: number;
  readonly mod_revision: number;
  readonly version: number;
}

export interface ItemJson extends KeyJson, RevisionsJson, Partial<ValueJson> {
  readonly value_bytes: number;
  readonly content_type: string;
  /** Present when the client keeps some, and it was asked for. */
  readonly metadata?: unknown;
  /** Present when the key has one. */
  readonly lease?: LeaseId;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: false, ignoreBOM: true });

export function keyJson(key: Uint8Array): KeyJson {
  const text = utf8Of(key);
  return text === undefined ? { key: encodeBase64(key), key_encoding: "base64" } : { key: text };
}

export function prefixJson(prefix: Uint8Array): { prefix: string; prefix_encoding?: "base64" } {
  const text = utf8Of(prefix);
  return text === undefined ? { prefix: encodeBase64(prefix), prefix_encoding: "base64" } : { prefix: text };
}

/** A value as text where it is UTF-8, else in base64. */
export function valueJson(value: Uint8Array): ValueJson {
  const text = utf8Of(value);
  return text === undefined ? { value: encodeBase64(value), encoding: "base64" } : { value: text, encoding: "utf8" };
}

export function revisionsJson({ createRevision, modRevision, version }: Revisions): RevisionsJson {
  return { create_revision: createRevision, mod_revision: modRevision, version };
}

export function leaseJson(lease: LeaseId): { lease?: LeaseId } {
  return lease === noLease ? {} : { lease };
}

/** The metadata may be left out: it is not what a list is usually read for. */
export function itemJson(item: Item, withMetadata = true): ItemJson {
  const { key, value, valueBytes, contentType, lease } = item;
  const metadata = withMetadata ? parseMetadata(item.metadata) : undefined;
  return {
    ...keyJson(key),
    ...(value && valueJson(value)),
    value_bytes: valueBytes,
    content_type: contentType === "" ? defaultContentType : contentType,
    ...(metadata !== undefined && { metadata }),
    ...leaseJson(lease),
    ...revisionsJson(item),
  };
}

/** The value of metadata; undefined for none, and for what is no JSON: the store does not look into it. */
export function parseMetadata(metadata: string): unknown {
  try {
    return metadata === "" ? undefined : (JSON.parse(metadata) as unknown);
  } catch {
    return undefined;
  }
}

/** Undefined for bytes that are not UTF-8, and would not come back from a text. */
function utf8Of(bytes: Uint8Array): string | undefined {
  const text = decoder.decode(bytes);
  if (!text.includes("\uFFFD")) return text;
  // The replacement character stands for a mistake, or for itself: encoded again, only the latter gives the same bytes.
  const again = encoder.encode(text);
  return again.length === bytes.length && again.every((byte, at) => byte === bytes[at]) ? text : undefined;
}
