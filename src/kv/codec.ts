/** How the records of the key-value store are told apart from bytes that are none. */

import { ByteReader, MalformedError } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";

/** The first byte of every record of `model.ts`. */
export const formatVersion = 2;

/**
 * What `read` makes of the whole of `bytes`, or undefined when they are not what it expects. Malformed bytes are an
 * ordinary answer for a state machine, which may not throw: this is the one place where the reader's error ends.
 */
export function decode<Value>(
  bytes: Uint8Array,
  read: (reader: ByteReader) => Value,
  version: number = formatVersion,
): Value | undefined {
  try {
    const reader = new ByteReader(bytes);
    if (reader.u8() !== version) return undefined;
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

/** One of `names`, by its place among them: places never change their meaning. */
export function readChoice<Name extends string>(reader: ByteReader, names: readonly Name[]): Name {
  const name = names[reader.u8()];
  demand(name !== undefined, "unknown choice");
  return name;
}

/** A list after its length. Every element takes a byte at least, so that a length that is none is seen at once. */
export function readList<Value>(reader: ByteReader, read: (reader: ByteReader) => Value): Value[] {
  const length = reader.u32();
  demand(length <= reader.remaining, "list length");
  return Array.from({ length }, () => read(reader));
}

export function writeList<Value>(
  writer: ByteWriter,
  values: readonly Value[],
  write: (writer: ByteWriter, value: Value) => unknown,
): ByteWriter {
  writer.u32(values.length);
  for (const value of values) write(writer, value);
  return writer;
}

/** Any whole number, those that no revision can have among them: what is asked for is answered, not bent. */
export function writeInteger(writer: ByteWriter, value: number): ByteWriter {
  if (!Number.isInteger(value)) throw new RangeError(`not a whole number: ${value}`);
  return writer.f64(value);
}

export function readInteger(reader: ByteReader): number {
  const value = reader.f64();
  demand(Number.isInteger(value), "not a whole number");
  // There is one zero.
  return value + 0;
}
