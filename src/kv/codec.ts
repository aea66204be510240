/** How the records of the key-value store are told apart from bytes that are none. */

import { ByteReader, MalformedError } from "../bytes/reader.ts";

/** The first byte of every command, result, query and answer. */
export const formatVersion = 1;

/**
 * What `read` makes of the whole of `bytes`, or undefined when they are not what it expects. Malformed bytes are an
 * ordinary answer for a state machine, which may not throw: this is the one place where the reader's error ends.
 */
export function decode<Value>(bytes: Uint8Array, read: (reader: ByteReader) => Value): Value | undefined {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== formatVersion) return undefined;
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    if (error instanceof MalformedError) return undefined;
    throw error;
  }
}

/** Refuses a record for a reason that the reader can't know. */
export function demand(condition: boolean, message: string): asserts condition {
  if (!condition) throw new MalformedError(message);
}

/** A byte that says yes or no. */
export function readFlag(reader: ByteReader): boolean {
  const flag = reader.u8();
  demand(flag <= 1, "flag other than 0 and 1");
  return flag === 1;
}
