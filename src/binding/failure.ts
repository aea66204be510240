/** Errors as they cross to another Worker, where nothing is left of their class. */

import { ApiError, type ErrorCode, internalError } from "../api/errors.ts";

/**
 * What a binding throws. Its caller gets an `Error` with this name, this message and these properties, if the caller's
 * compatibility date is 2026-04-21 or later (tried in workerd on 2026-11-21); with an older one it gets the message alone.
 * So the message begins with the code.
 */
export class RaftError extends Error {
  override readonly name = "RaftError";
  readonly code: ErrorCode;
  /** True when what was asked for may still take effect. */
  readonly ambiguous: boolean;
  /** What the API says beside the code, such as `compact_revision`. */
  readonly facts: Readonly<Record<string, unknown>>;

  constructor({ code, message, ambiguous, facts }: ApiError, text = `${code}: ${message}`) {
    super(text);
    this.code = code;
    this.ambiguous = ambiguous;
    this.facts = facts;
  }
}

/** An error that a caller is to get as it is. */
export class Complaint extends Error {
  override readonly cause: Error;

  constructor(cause: Error) {
    super(cause.message);
    this.cause = cause;
  }
}

/** What `work` gives. What goes wrong in it becomes what `toError` makes of it: nothing else of it may leave this Worker. */
export async function answering<Value>(
  work: () => Promise<Value>,
  toError: (error: ApiError) => Error = (error) => new RaftError(error),
): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Complaint) throw error.cause;
    throw toError(error instanceof ApiError ? error : internalError("POST"));
  }
}
