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
