/** What Workers KV takes and refuses, in its own words (tried with the KV of Miniflare 5 on 2026-11-21). */

import { maxMetadataBytes, maxTtlMs, maxValueBytes } from "../kv/limits.ts";
import { gatheredBytes } from "./bytes.ts";
import { Complaint } from "./failure.ts";

export const valueTypes = ["text", "json", "arrayBuffer", "stream"] as const;
export type ValueType = (typeof valueTypes)[number];

/** As `KVNamespace.get` takes them: the type alone, or with more. */
export type GetOptions = string | { readonly type?: string; readonly cacheTtl?: number } | undefined;

export interface PutOptions {
  /** In seconds since 1970. */
  readonly expiration?: unknown;
  /** In seconds from now on. */
  readonly expirationTtl?: unknown;
  readonly metadata?: unknown;
}

const maxNameBytes = 512;
const maxNames = 100;
const minCacheTtl = 30;
const minTtl = 60;
/** The store's longest, in seconds, less one that the clock may have gone on. */
const maxTtl = maxTtlMs / 1000 - 1;
export const maxListed = 1000;

const encoder = new TextEncoder();

/** As JavaScript makes a text of anything: whoever calls from another Worker may send anything. */
export function textIn(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}

function wholeIn(value: unknown): number {
  const whole = Math.trunc(Number(value));
  return Number.isFinite(whole) ? whole : 0;
}

/** What has to be there: nothing stands for itself, as "undefined" would. */
export function given(method: "get" | "put" | "delete", position: 1 | 2, value: unknown): unknown {
  if (value !== undefined) return value;
  const type = position === 2 ? "string or Object" : method === "get" ? "string or Array" : "string";
  const message = `Failed to execute '${method}' on 'KvNamespace': parameter ${position} is not of type '${type}'.`;
  throw new Complaint(new TypeError(message));
}

export function complain(method: string, status: number, message: string): Complaint {
  return new Complaint(new Error(`KV ${method} failed: ${status} ${message}`));
}

export function nameBytes(method: string, name: string): Uint8Array {
  if (name === "") throw new Complaint(new TypeError("Key name cannot be empty."));
  if (name === "." || name === "..") throw new Complaint(new TypeError(`"${name}" is not allowed as a key name.`));
  return shortBytes(method, name);
}

/** A prefix may be anything that is no longer than a name. */
export function shortBytes(method: string, name: string): Uint8Array {
  const bytes = encoder.encode(name);
  if (!name.isWellFormed()) throw complain(method, 400, "Could not URL-decode key name");
  if (bytes.length <= maxNameBytes) return bytes;
  throw complain(method, 414, `UTF-8 encoded length of ${bytes.length} exceeds key length limit of ${maxNameBytes}.`);
}

export function manyNames(names: readonly string[]): readonly string[] {
  const method = "GET_BULK";
  if (names.length === 0) throw complain(method, 400, "You must request a minimum of 1 key");
  if (names.length > maxNames) throw complain(method, 400, `You can request a maximum of ${maxNames} keys`);
  for (const name of names) {
    if (name === "") throw complain(method, 400, "Key names must not be empty");
    if (name === "." || name === "..") {
      throw complain(method, 400, `Illegal key name "${name}". Please use a different name.`);
    }
    shortBytes(method, name);
  }
  return names;
}

/** What is read is never older than the call, so there is nothing that `cacheTtl` could allow. */
export function typeIn(options: GetOptions): string {
  if (typeof options === "string") return options;
  const { type, cacheTtl } = options ?? {};
  if (cacheTtl !== undefined && !(cacheTtl >= minCacheTtl)) {
    const message = `Invalid cache_ttl of ${cacheTtl}. Cache TTL must be at least ${minCacheTtl}.`;
    throw complain("GET", 400, message);
  }
  return type ?? "text";
}

export function bulkType(type: string): "text" | "json" {
  if (type === "text" || type === "json") return type;
  throw complain("GET_BULK", 400, `"${type}" is not a valid type. Use "json" or "text"`);
}

/** When a key ends, in seconds since 1970; undefined for never. */
export function expirationOf({ expiration, expirationTtl }: PutOptions, nowMs: number): number | undefined {
  const now = Math.floor(nowMs / 1000);
  if (expirationTtl !== undefined) return now + ttlOf(expirationTtl);
  if (expiration === undefined) return undefined;
  const time = wholeIn(expiration);
  if (time > now + maxTtl) {
    throw complain(
      "PUT",
      400,
      `Invalid expiration of ${time}. Please specify seconds, at most ${maxTtl} in the future.`,
    );
  }
  if (time <= now) {
    const rule = "Please specify integer greater than the current number of seconds since the UNIX epoch.";
    throw complain("PUT", 400, `Invalid expiration of ${time}. ${rule}`);
  }
  if (time >= now + minTtl) return time;
  const rule = `Expiration times must be at least ${minTtl} seconds in the future.`;
  throw complain("PUT", 400, `Invalid expiration of ${time}. ${rule}`);
}

function ttlOf(expirationTtl: unknown): number {
  const ttl = wholeIn(expirationTtl);
  if (ttl >= minTtl && ttl <= maxTtl) return ttl;
  if (ttl > maxTtl) {
    throw complain("PUT", 400, `Invalid expiration_ttl of ${ttl}. Expiration TTL must be at most ${maxTtl}.`);
  }
  const rule = ttl <= 0 ? "Please specify integer greater than 0." : `Expiration TTL must be at least ${minTtl}.`;
  throw complain("PUT", 400, `Invalid expiration_ttl of ${ttl}. ${rule}`);
}

/** JSON; empty for none. */
export function metadataText({ metadata }: PutOptions): string {
  if (metadata === undefined || metadata === null) return "";
  const text = jsonOf(metadata);
  const { length } = encoder.encode(text);
  if (length <= maxMetadataBytes) return text;
  throw complain("PUT", 413, `Metadata length of ${length} exceeds limit of ${maxMetadataBytes}.`);
}

function jsonOf(metadata: unknown): string {
  try {
    const text: unknown = JSON.stringify(metadata);
    // What JSON has no word for, such as a function, is undefined.
    return typeof text === "string" ? text : "";
  } catch (error) {
    throw new Complaint(new TypeError(error instanceof Error ? error.message : String(error)));
  }
}

export function limitOf(limit: unknown): number {
  const number = wholeIn(limit);
  if (number <= 0) return maxListed;
  if (number <= maxListed) return number;
  const rule = `Please specify an integer less than ${maxListed}.`;
  throw complain("GET", 400, `Invalid key_count_limit of ${number}. ${rule}`);
}

/** A value as the store keeps it. Values of Workers KV may have 25 MiB; here they are as long as one command may be. */
export async function valueBytes(value: unknown): Promise<Uint8Array> {
  const isPrimitive = typeof value !== "object" || value === null;
  const bytes = isPrimitive ? encoder.encode(textIn(value)) : await gatheredBytes(value);
  if (bytes === undefined) {
    const types = "strings, ArrayBuffers, ArrayBufferViews, and ReadableStreams";
    throw new Complaint(new TypeError(`KV put() accepts only ${types} as values.`));
  }
  if (bytes.length <= maxValueBytes) return bytes;
  throw complain("PUT", 413, `Value length of ${bytes.length} exceeds limit of ${maxValueBytes}.`);
}
