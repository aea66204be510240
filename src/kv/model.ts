/** What is asked of the key-value store and what it answers: the values whose bytes travel and are logged. */

/**
 * A lease's id: a 64-bit whole number other than 0, in canonical decimal digits, for a number would lose some of them.
 * "0" stands for no lease, and in a grant for one that the store chooses.
 */
export type LeaseId = string;
export const noLease: LeaseId = "0";

/** The revisions of a key, as etcd counts them. */
export interface Revisions {
  /** The store's revision when the key was created. */
  readonly createRevision: number;
  /** The store's revision when the key was last put. */
  readonly modRevision: number;
  /** How often the key was put since its creation. */
  readonly version: number;
}

/** A key as it is stored. */
export interface Item extends Revisions {
  readonly key: Uint8Array;
  readonly lease: LeaseId;
  /** As the client gave it; empty when it gave none. */
  readonly contentType: string;
  /** JSON text that the client keeps beside the value; empty when it gave none. */
  readonly metadata: string;
  readonly valueBytes: number;
  /** Null when it was not asked for. */
  readonly value: Uint8Array | null;
}

/**
 * Which keys, as etcd says it: `key` alone when `rangeEnd` is null, else `[key, rangeEnd)` in the order of bytes, where
 * one zero byte as `rangeEnd` means all keys from `key` on. No keys when `rangeEnd <= key`.
 */
export interface KeySpan {
  readonly key: Uint8Array;
  readonly rangeEnd: Uint8Array | null;
}

/** How much is told of keys as they were before: nothing, all but their values, or all. */
export type Previous = "none" | "keys" | "values";

export type SortTarget = "key" | "version" | "create" | "mod" | "value";
export type SortOrder = "none" | "ascend" | "descend";

export interface RangeOperation extends KeySpan {
  readonly kind: "range";
  /** At most so many items; 0 for all. */
  readonly limit: number;
  /** The state at this revision; 0 or less for the present one. */
  readonly revision: number;
  readonly sortTarget: SortTarget;
  readonly sortOrder: SortOrder;
  readonly keysOnly: boolean;
  readonly countOnly: boolean;
  /** Bounds of the items' revisions, both included; 0 for none. */
  readonly minModRevision: number;
  readonly maxModRevision: number;
  readonly minCreateRevision: number;
  readonly maxCreateRevision: number;
}

export interface PutOperation {
  readonly kind: "put";
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly contentType: string;
  readonly metadata: string;
  /** The lease that the key is attached to. */
  readonly lease: LeaseId;
  /** The key gets a lease of its own, of so many milliseconds; 0 for none. Excludes `lease`. */
  readonly ttlMs: number;
  readonly previous: Previous;
  /** Keep the value (with content type and metadata) or the lease that the key has, which must exist. */
  readonly ignoreValue: boolean;
  readonly ignoreLease: boolean;
}

export interface DeleteOperation extends KeySpan {
  readonly kind: "delete";
  readonly previous: Previous;
}

/** Adds to a value that is a 64-bit whole number in decimal digits, a missing key being 0. Lease and metadata stay. */
export interface IncrementOperation {
  readonly kind: "increment";
  readonly key: Uint8Array;
  /** A 64-bit whole number in decimal digits. */
  readonly delta: string;
}

export type Operation = RangeOperation | PutOperation | DeleteOperation | IncrementOperation | TxnOperation;

/** What must hold of every key of the span. The rules for missing keys are etcd's. */
export type Compare = KeySpan & { readonly result: "equal" | "notEqual" | "less" | "greater" } & (
    | { readonly target: "version" | "create" | "mod"; readonly operand: number }
    | { readonly target: "value"; readonly operand: Uint8Array }
    | { readonly target: "lease"; readonly operand: LeaseId }
  );

/** If all compares hold, `success` is done, else `failure`; all at one revision, or nothing at all. */
export interface TxnOperation {
  readonly kind: "txn";
  readonly compares: readonly Compare[];
  readonly success: readonly Operation[];
  readonly failure: readonly Operation[];
}

/** Makes a command safe to repeat: the same key with the same fingerprint takes effect once. */
export interface Idempotency {
  readonly key: string;
  /** `fingerprintBytes` bytes that differ between different requests. */
  readonly fingerprint: Uint8Array;
  /** The session that the key belongs to; empty for none. */
  readonly session: string;
}

/** The length of a SHA-256 digest. */
export const fingerprintBytes = 32;

export type CommandBody =
  | TxnOperation
  /** History before `revision` may be forgotten. */
  | { readonly kind: "compact"; readonly revision: number }
  | { readonly kind: "leaseGrant"; readonly id: LeaseId; readonly ttlMs: number }
  /** Revokes a lease, and deletes its keys at one revision. */
  | { readonly kind: "leaseRevoke"; readonly id: LeaseId }
  | { readonly kind: "leaseKeepAlive"; readonly ids: readonly LeaseId[] }
  /** What is due at the entry's time is done: leases expire, history is compacted. Proposed by leaders alone. */
  | { readonly kind: "timer" }
  /** Opens a client session; its id is in the result. */
  | { readonly kind: "sessionOpen"; readonly ttlMs: number };

export interface Command {
  readonly body: CommandBody;
  readonly idempotency: Idempotency | null;
  /** How many bytes of keys and values its result may hold, where that is less than the store allows. */
  readonly maxAnswerBytes?: number;
}

export type OperationResult =
  | ({
      readonly kind: "put";
      readonly created: boolean;
      readonly lease: LeaseId;
      readonly previous: Item | null;
    } & Revisions)
  | { readonly kind: "delete"; readonly deleted: number; readonly previous: readonly Item[] }
  | RangeResult
  | ({ readonly kind: "increment"; readonly created: boolean; readonly value: string } & Revisions)
  | TxnResult;

export interface RangeResult {
  readonly kind: "range";
  readonly items: readonly Item[];
  /** How many keys the span has, whatever the limit and the bounds of revisions leave of them. */
  readonly count: number;
  /** The limit cut something off. */
  readonly more: boolean;
}

export interface TxnResult {
  readonly kind: "txn";
  readonly succeeded: boolean;
  readonly results: readonly OperationResult[];
}

export interface LeaseStatus {
  readonly id: LeaseId;
  readonly grantedTtlMs: number;
  /** What is left of it by the cluster time that the answering node knows; 0 for one that is about to be revoked. */
  readonly remainingMs: number;
}

/** Why nothing was done. */
export type Refusal =
  /** The bytes are not a command or query, or one beyond the limits. */
  | { readonly reason: "malformed" }
  | { readonly reason: "duplicate_key" }
  | { readonly reason: "too_many_operations" }
  /** The answer would be larger than `maxAnswerBytes`. */
  | { readonly reason: "answer_too_large" }
  | { readonly reason: "compacted"; readonly compactRevision: number }
  | { readonly reason: "future_revision" }
  | { readonly reason: "lease_not_found" }
  | { readonly reason: "lease_exists" }
  | { readonly reason: "too_many_leases" }
  /** `ignoreValue` or `ignoreLease` of a key that does not exist. */
  | { readonly reason: "key_not_found" }
  /** The value is no 64-bit whole number in decimal digits, or the sum is none. */
  | { readonly reason: "not_a_number" }
  | { readonly reason: "number_overflow" }
  | { readonly reason: "idempotency_key_reused" }
  /** The session is unknown: it has expired, or never was. Whether an earlier attempt took effect is not known. */
  | { readonly reason: "session_expired" }
  | { readonly reason: "too_many_sessions" };

/** How the store answers a command. `revision` is the store's after it. */
export type CommandResult =
  | { readonly status: "txn"; readonly revision: number; readonly txn: TxnResult }
  | { readonly status: "compacted"; readonly revision: number }
  | { readonly status: "lease"; readonly revision: number; readonly id: LeaseId; readonly ttlMs: number }
  | { readonly status: "revoked"; readonly revision: number }
  /** In the order of the ids; null for an unknown lease. */
  | { readonly status: "keptAlive"; readonly revision: number; readonly ttlsMs: readonly (number | null)[] }
  | { readonly status: "timer"; readonly revision: number }
  | { readonly status: "session"; readonly revision: number; readonly id: string }
  | { readonly status: "refused"; readonly revision: number; readonly refusal: Refusal };

/** A page of keys in the order of their bytes, or in the reverse of it. */
export interface ListQuery {
  readonly kind: "list";
  readonly prefix: Uint8Array;
  /** Bounds: `start` is included, `end` is not. */
  readonly start: Uint8Array | null;
  readonly end: Uint8Array | null;
  /** Only what comes behind this key or common prefix, in the direction of the list. */
  readonly after: Uint8Array | null;
  readonly reverse: boolean;
  /** Keys that have it behind the prefix are summed up as one common prefix; empty for none. */
  readonly delimiter: Uint8Array;
  /** At most so many items and common prefixes, from 1 to `maxPageItems`. */
  readonly limit: number;
  readonly keysOnly: boolean;
  /** The revision whose keys are listed; 0 for the present one. */
  readonly revision: number;
}

export type Query =
  | RangeOperation
  | ListQuery
  /** Several keys at one revision, `maxGetKeys` at most. */
  | { readonly kind: "getMany"; readonly keys: readonly Uint8Array[]; readonly withValues: boolean }
  | { readonly kind: "leases" }
  | { readonly kind: "lease"; readonly id: LeaseId; readonly withKeys: boolean }
  /** The store as a whole. */
  | { readonly kind: "status" }
  /** A checksum of all keys and values up to a revision, 0 for the present one. */
  | { readonly kind: "hash"; readonly revision: number };

export type QueryAnswer =
  | { readonly status: "range"; readonly revision: number; readonly range: RangeResult }
  | {
      readonly status: "list";
      readonly revision: number;
      readonly items: readonly Item[];
      /** Sorted as the items are; both together are the page. */
      readonly commonPrefixes: readonly Uint8Array[];
      /** Where the next page begins: the `after` of its query; null when nothing follows. */
      readonly next: Uint8Array | null;
    }
  /** In the order of the keys; null for a key that does not exist. */
  | { readonly status: "many"; readonly revision: number; readonly items: readonly (Item | null)[] }
  | { readonly status: "leases"; readonly revision: number; readonly ids: readonly LeaseId[] }
  | {
      readonly status: "lease";
      readonly revision: number;
      /** Null for an unknown lease. */
      readonly lease: LeaseStatus | null;
      readonly keys: readonly Uint8Array[];
    }
  | {
      readonly status: "status";
      readonly revision: number;
      readonly compactRevision: number;
      readonly keys: number;
      readonly leases: number;
      readonly sizeBytes: number;
    }
  | { readonly status: "hash"; readonly revision: number; readonly hash: number; readonly compactRevision: number }
  | { readonly status: "refused"; readonly revision: number; readonly refusal: Refusal };

/** Opens a stream of events. */
export interface WatchRequest extends KeySpan {
  /** `binary` messages are those of `encodeWatchMessage`, `json` ones are texts of the REST API. */
  readonly format: "binary" | "json";
  /** The first revision whose events are wanted; 0 for the next one. */
  readonly startRevision: number;
  /** Items as they were before come with the events, as far as compaction has left them. */
  readonly withPrevious: boolean;
  readonly noPut: boolean;
  readonly noDelete: boolean;
  /** How often a stream without events says how far it is, in milliseconds; 0 for never. */
  readonly progressMs: number;
  /** The events of one revision may come in several messages when they are large; else one message has them all. */
  readonly fragment: boolean;
}

export interface WatchEvent {
  readonly type: "put" | "delete";
  /** Of a delete, `key` and `modRevision` alone mean something. */
  readonly item: Item;
  readonly previous: Item | null;
}

export type WatchMessage =
  /** The first message: `revision` is the store's when the stream began. */
  | { readonly type: "created"; readonly revision: number }
  /** Whole revisions in order, each once, but for a `fragment`, whose last revision goes on in the next message. */
  | {
      readonly type: "events";
      readonly revision: number;
      readonly fragment: boolean;
      readonly events: readonly WatchEvent[];
    }
  /** All events up to `revision` have been sent. */
  | { readonly type: "progress"; readonly revision: number }
  /** The last message. */
  | {
      readonly type: "canceled";
      readonly revision: number;
      /** `compacted`: the start is forgotten, events begin at `compactRevision`. `slow`: too much was waiting to be read. */
      readonly reason: "compacted" | "slow" | "ended";
      readonly compactRevision: number;
      /** From where to watch on so that nothing is missed. */
      readonly resumeRevision: number;
    };
