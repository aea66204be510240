/** The store in the shape of Cloudflare's `KVNamespace`: what was written for Workers KV becomes consistent with it. */

import { WorkerEntrypoint } from "cloudflare:workers";
import { decodeCursor, encodeCursor } from "../api/cursor.ts";
import { type ApiError, statusOfCode } from "../api/errors.ts";
import type { StoreClient } from "../api/store.ts";
import type { Env } from "../env.ts";
import type { Item, Operation } from "../kv/model.ts";
import { deleteOf, putOf } from "../kv/operations.ts";
import { oneKey } from "../kv/span.ts";
import { answering, RaftError } from "./failure.ts";
import {
  bulkType,
  complain,
  expirationOf,
  type GetOptions,
  given,
  limitOf,
  manyNames,
  metadataText,
  nameBytes,
  type PutOptions,
  shortBytes,
  textIn,
  typeIn,
  valueBytes,
} from "./kv-rules.ts";
import { bulkValueAs, expirationIn, expiringType, metadataIn, valueAs } from "./kv-values.ts";
import { type BindingProps, openStore } from "./session.ts";

const nothing = new Uint8Array(0);
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What `props` of such a binding may say. */
export interface KvNamespaceProps extends BindingProps {
  /** What the names of this namespace stand behind in the store, to keep it apart from others; empty unless said. */
  readonly prefix?: string;
}

/** As `KVNamespaceListOptions`. */
interface ListOptions {
  readonly prefix?: string | null;
  readonly limit?: unknown;
  readonly cursor?: string | null;
}

interface Single {
  readonly value: unknown;
  readonly metadata: unknown;
  readonly cacheStatus: null;
}

/**
 * To be bound in the other Worker's wrangler.toml in place of `[[kv_namespaces]]`, and typed there as `KVNamespace`. It
 * takes and refuses what Workers KV does, in the same words, but for values of more than 1 MiB. Every read is linearizable.
 */
export class KvNamespace extends WorkerEntrypoint<Env, KvNamespaceProps> {
  get(name: string | readonly string[], options?: GetOptions): Promise<unknown> {
    return call("GET", async () => {
      if (isMany(name)) return await this.getMany(name, options, bulkValueAs);
      return (await this.getOne(name, options)).value;
    });
  }

  getWithMetadata(name: string | readonly string[], options?: GetOptions): Promise<unknown> {
    return call("GET", async () => {
      if (!isMany(name)) return await this.getOne(name, options);
      return await this.getMany(name, options, (item, type) => {
        return { value: bulkValueAs(item, type), metadata: metadataIn(item) };
      });
    });
  }

  put(name: string, value: unknown, options: PutOptions | null = {}): Promise<void> {
    return call("PUT", async () => {
      const key = this.keyOf(nameBytes("PUT", textIn(given("put", 1, name))));
      given("put", 2, value);
      const nowMs = Date.now();
      const expiration = expirationOf(options ?? {}, nowMs);
      const metadata = metadataText(options ?? {});
      const contentType = expiringType(expiration);
      const ttlMs = expiration === undefined ? 0 : expiration * 1000 - nowMs;
      await this.change(putOf({ key, metadata, contentType, ttlMs, value: await valueBytes(value) }));
    });
  }

  delete(name: string): Promise<void> {
    return call("DELETE", async () => {
      const key = this.keyOf(nameBytes("DELETE", textIn(given("delete", 1, name))));
      await this.change(deleteOf(oneKey(key)));
    });
  }

  list(options: ListOptions | null = {}): Promise<unknown> {
    return call("GET", async () => {
      const { prefix, limit, cursor } = options ?? {};
      const { items, next } = await this.store().query("list", {
        kind: "list",
        prefix: this.keyOf(shortBytes("GET", textIn(prefix ?? ""))),
        start: null,
        end: null,
        after: cursorOf(cursor),
        reverse: false,
        delimiter: nothing,
        limit: limitOf(limit),
        keysOnly: true,
        revision: 0,
      });
      const keys = items.map((item) => this.listed(item));
      return next === null
        ? { keys, list_complete: true, cacheStatus: null }
        : { keys, list_complete: false, cursor: encodeCursor(next), cacheStatus: null };
    });
  }

  private async getOne(name: string, options: GetOptions): Promise<Single> {
    const key = this.keyOf(nameBytes("GET", textIn(given("get", 1, name))));
    const type = typeIn(options);
    const { items } = await this.store().query("many", { kind: "getMany", keys: [key], withValues: true });
    const item = items[0] ?? null;
    if (item === null) return { value: null, metadata: null, cacheStatus: null };
    return { value: valueAs(item, type), metadata: metadataIn(item), cacheStatus: null };
  }

  private async getMany(
    names: readonly string[],
    options: GetOptions,
    show: (item: Item, type: "text" | "json") => unknown,
  ): Promise<Map<string, unknown>> {
    const wanted = [...new Set(manyNames(names.map(textIn)))];
    const type = bulkType(typeIn(options));
    const keys = wanted.map((name) => this.keyOf(shortBytes("GET_BULK", name)));
    const { items } = await this.store().query("many", { kind: "getMany", keys, withValues: true });
    return new Map(
      wanted.map((name, at) => {
        const item = items[at] ?? null;
        return [name, item === null ? null : show(item, type)];
      }),
    );
  }

  private async change(operation: Operation): Promise<void> {
    await this.store().txn({ kind: "txn", compares: [], success: [operation], failure: [] });
  }

  private store(): StoreClient {
    return openStore(this.env, this.ctx.props);
  }

  private keyOf(name: Uint8Array): Uint8Array {
    const prefix = encoder.encode(this.ctx.props.prefix ?? "");
    const key = new Uint8Array(prefix.length + name.length);
    key.set(prefix);
    key.set(name, prefix.length);
    return key;
  }

  private listed(item: Item): { readonly name: string; readonly expiration?: number; readonly metadata?: unknown } {
    const name = decoder.decode(item.key.subarray(this.keyOf(nothing).length));
    const [expiration, metadata] = [expirationIn(item), metadataIn(item)];
    return { name, ...(expiration !== undefined && { expiration }), ...(metadata !== null && { metadata }) };
  }
}

/** Errors are those of Workers KV, with the code and the doubt of ours. */
function call<Value>(method: string, work: () => Promise<Value>): Promise<Value> {
  return answering(work, (error: ApiError) => {
    return new RaftError(error, `KV ${method} failed: ${statusOfCode(error.code)} ${error.message}`);
  });
}

function isMany(name: string | readonly string[]): name is readonly string[] {
  return Array.isArray(name);
}

function cursorOf(cursor: string | null | undefined): Uint8Array | null {
  if (cursor === undefined || cursor === null || cursor === "") return null;
  const key = decodeCursor(textIn(cursor));
  if (key !== undefined) return key;
  throw complain("GET", 400, "Invalid cursor.");
}
