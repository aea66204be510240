/** Every limit of the key-value store, by name. */

/**
 * The limits of commands and the two of remembered keys are rules of the replicated state: two nodes that hold different
 * numbers would come to different states from one log. They change with the version of the command format only.
 */
export const maxKeyBytes = 2048;
export const maxValueBytes = 1024 * 1024;
/** Content types and idempotency keys are printable ASCII, so one character is one byte. */
export const maxContentTypeLength = 256;
export const maxIdempotencyKeyLength = 256;
/** For how long, in log time, a command that carried an idempotency key is remembered. */
export const idempotencyWindowMs = 24 * 60 * 60 * 1000;
/** How many such commands are remembered at most; the oldest is forgotten first. */
export const maxIdempotencyKeys = 100_000;

/** How many items one page of a list holds at most. */
export const maxPageItems = 1000;
/** How many bytes of values one page of a list holds at most: more than one value has, or a list could not get past it. */
export const maxPageValueBytes = 4 * 1024 * 1024;

/** etcd's `--max-txn-ops`: of each list of a transaction, nested ones using up what the outer ones leave. */
export const maxOperations = 128;
/** How deep transactions nest at most. */
export const maxTxnDepth = 8;
export const maxMetadataBytes = 1024;
/** How many keys one call reads at most. */
export const maxGetKeys = 100;
/** How many bytes of keys and values one answer holds at most: an isolate has 128 MB. */
export const maxAnswerBytes = 32 * 1024 * 1024;
/** etcd's longest TTL. */
export const maxTtlMs = 9_000_000_000 * 1000;
export const maxLeases = 100_000;
export const maxSessions = 10_000;
/** How many of its latest commands a session remembers. */
export const maxSessionCommands = 1024;
export const maxSessionTtlMs = 7 * 24 * 60 * 60 * 1000;
/** How many bytes a result holds at most that is remembered: it is in one row, and a row of SQLite holds 2 MB. */
export const maxRememberedResultBytes = 1.25 * 1024 * 1024;
/** How many bytes the remembered results take at most outside sessions; the oldest is forgotten first. */
export const maxRememberedBytes = 256 * 1024 * 1024;
/** How many bytes the results take at most that one session remembers; the oldest is forgotten first. */
export const maxSessionBytes = 8 * 1024 * 1024;
