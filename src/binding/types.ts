/** What goes over a binding: plain values, as nothing else crosses from one Worker to another. */

/** Text stands for its UTF-8. */
export type Bytes = string | Uint8Array | ArrayBuffer | ArrayBufferView;

/** What JSON holds, in a type that crosses: `unknown` does not. */
export type Json = string | number | boolean | object | null;

/** A key as it is stored. */
export interface Entry {
  readonly key: string;
  /** For keys that are no text: `key` has U+FFFD then where it can't say what is meant. */
  readonly keyBytes: Uint8Array;
  /** Null when it was not asked for. */
  readonly value: Uint8Array | null;
  readonly valueBytes: number;
  readonly contentType: string;
  /** Null for none. */
  readonly metadata: Json;
  /** The store's revision when the key was created. */
  readonly createRevision: number;
  /** The store's revision when the key was last put. */
  readonly modRevision: number;
  /** How often the key was put since its creation. */
  readonly version: number;
  /** The lease that it ends with, a 64-bit number in decimal digits; null for none. */
  readonly lease: string | null;
}

export interface ReadOptions {
  /** `linearizable` unless said; `stale`: whatever a node holds, without asking the others. */
  readonly consistency?: "linearizable" | "stale";
  /** With `stale`: how old the state may be. */
  readonly maxStalenessMs?: number;
  /** The node that is to answer. */
  readonly node?: string;
}

export interface WriteOptions {
  /** Under this key the write takes effect once, however often it is sent; and it is sent again if its answer is lost. */
  readonly idempotencyKey?: string;
}

/** What must hold of the key, or the write is not done: it fails with `precondition_failed`. */
export interface Conditions {
  /** The key's `modRevision`. */
  readonly ifRevision?: number;
  readonly ifAbsent?: boolean;
  readonly ifPresent?: boolean;
}

/** How long a key lives: one of these. */
export interface Lifetime {
  readonly ttlMs?: number;
  readonly expiresAt?: Date;
  readonly lease?: string;
  /** As long as it did before. */
  readonly keepLease?: boolean;
}

export interface PutOptions extends WriteOptions, Conditions, Lifetime {
  readonly contentType?: string;
  /** 1 KiB at most. */
  readonly metadata?: Json;
  /** The entry as it was is asked for. */
  readonly previous?: boolean;
}

export interface DeleteOptions extends WriteOptions, Conditions {
  readonly previous?: boolean;
}

export interface PutResult {
  /** The store's revision. */
  readonly revision: number;
  readonly created: boolean;
  readonly createRevision: number;
  readonly modRevision: number;
  readonly version: number;
  readonly lease: string | null;
  /** Null where there was none, or it was not asked for. */
  readonly previous: Entry | null;
}

export interface DeleteResult {
  readonly revision: number;
  readonly deleted: number;
  /** Empty unless asked for. */
  readonly previous: readonly Entry[];
}

export interface IncrementResult {
  readonly revision: number;
  readonly created: boolean;
  readonly value: bigint;
  readonly modRevision: number;
}

export interface ListOptions extends ReadOptions {
  readonly prefix?: Bytes;
  /** Keys from `start` on, and before `end`. */
  readonly start?: Bytes;
  readonly end?: Bytes;
  /** From 1 to 1,000; 100 unless said. */
  readonly limit?: number;
  /** That of the page before. */
  readonly cursor?: string | null;
  /** The keys as they were at this revision: that of the first page, for all pages to show one state. */
  readonly revision?: number;
  readonly reverse?: boolean;
  /** Keys that have it behind the prefix are summed up as common prefixes. */
  readonly delimiter?: Bytes;
  readonly keysOnly?: boolean;
}

export interface ListResult {
  readonly entries: readonly Entry[];
  readonly commonPrefixes: readonly string[];
  /** Null on the last page. */
  readonly cursor: string | null;
  readonly revision: number;
}

/** Which keys: one, those with a prefix, those from `start` on and before `end`, or all. */
export interface Span {
  readonly key?: Bytes;
  readonly prefix?: Bytes;
  readonly start?: Bytes;
  readonly end?: Bytes;
  readonly all?: boolean;
}

/** Of several keys, all must hold. */
export type Compare = Span &
  (
    | { readonly exists: boolean }
    | {
        readonly target: "value" | "version" | "createRevision" | "modRevision" | "lease";
        /** `=` unless said. */
        readonly op?: "=" | "!=" | "<" | ">";
        readonly to: Bytes | number;
      }
  );

export type Operation =
  | { readonly put: { readonly key: Bytes; readonly value: Bytes } & Lifetime & Omit<PutOptions, keyof Conditions> }
  | { readonly get: Span & RangeOptions }
  | { readonly delete: Span & { readonly previous?: boolean } }
  | { readonly increment: { readonly key: Bytes; readonly by?: number | bigint } }
  | { readonly txn: Txn };

export interface RangeOptions {
  readonly limit?: number;
  /** The state at this revision. */
  readonly revision?: number;
  readonly sort?: "key" | "version" | "createRevision" | "modRevision" | "value";
  readonly order?: "ascending" | "descending";
  readonly keysOnly?: boolean;
  readonly countOnly?: boolean;
}

/** If all compares hold, `success` is done, else `failure`; all at one revision, or nothing at all. */
export interface Txn {
  readonly if?: readonly Compare[];
  readonly success?: readonly Operation[];
  readonly failure?: readonly Operation[];
}

export type OperationResult =
  | ({ readonly kind: "put" } & Omit<PutResult, "revision">)
  | ({ readonly kind: "delete" } & Omit<DeleteResult, "revision">)
  | ({ readonly kind: "increment" } & Omit<IncrementResult, "revision">)
  | { readonly kind: "get"; readonly entries: readonly Entry[]; readonly count: number; readonly more: boolean }
  | { readonly kind: "txn"; readonly succeeded: boolean; readonly results: readonly OperationResult[] };

export interface TxnResult {
  readonly succeeded: boolean;
  /** In the order of the operations that were done. */
  readonly results: readonly OperationResult[];
  readonly revision: number;
}

export interface WatchOptions extends Span, ReadOptions {
  /** The first revision that is wanted; the next one unless said. */
  readonly from?: number;
  /** In place of `from`: the `id` of the last event that was seen. */
  readonly after?: string;
  /** With the entries as they were before. */
  readonly previous?: boolean;
  readonly events?: "put" | "delete";
  /** How often to say how far the watch is while nothing happens. */
  readonly progressMs?: number;
}

export interface Change {
  readonly type: "put" | "delete";
  /** Of a delete, `key` and `modRevision` alone mean something. */
  readonly entry: Entry;
  /** Null where there was none, or it was not asked for. */
  readonly previous: Entry | null;
  /** The watch goes on behind this change when it is opened anew `after` it. */
  readonly id: string;
}

export type WatchMessage =
  | { readonly type: "changes"; readonly changes: readonly Change[] }
  | { readonly type: "progress"; readonly revision: number; readonly id: string }
  /** The last one: what comes next is forgotten. Changes begin at `compactRevision`. */
  | { readonly type: "compacted"; readonly compactRevision: number }
  /** The last one: too much was waiting to be read. */
  | { readonly type: "slow" }
  | { readonly type: "ended" };

/** How a lock or a candidacy is held: by a lease of its own that lives so long, or with a lease of yours. */
export interface HoldOptions {
  /** 60,000 unless said, and at least 1,000. */
  readonly ttlMs?: number;
  readonly lease?: string;
  /** How long to wait; not at all unless said. */
  readonly waitMs?: number;
  /** What others see of the holder. */
  readonly value?: Bytes;
}

export type Held =
  | {
      readonly held: true;
      /** The fencing token: each later holder has a greater one. */
      readonly token: number;
      readonly lease: string;
      readonly key: string;
    }
  /** How many come before. A place with a lease of yours is kept. */
  | { readonly held: false; readonly ahead: number };

/** Which place is meant. */
export type PlaceName = { readonly token: number } | { readonly lease: string };

/** Who holds a lock, or leads. */
export interface Holder {
  readonly token: number;
  readonly lease: string;
  readonly key: string;
  readonly value: Uint8Array;
}
