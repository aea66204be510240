/** Rows of tables as bytes: the pages of a snapshot. */

import { ByteReader, MalformedError } from "../bytes/reader.ts";
import { ByteWriter } from "../bytes/writer.ts";
import type { SqlValue } from "../machine.ts";

/** Rows of one table; their values are in the order of its columns. */
export interface RowBlock {
  readonly table: string;
  readonly columns: readonly string[];
  readonly rows: readonly (readonly SqlValue[])[];
}

/** Raised with every change that an older node could not read. */
const pageVersion = 1;
// Tags are numbers for ever: neighbours may run older or newer code during a deploy.
const tag = { null: 0, number: 1, text: 2, blob: 3 } as const;

/** @param sizeBytes about how many bytes it will be */
export function encodePage(blocks: readonly RowBlock[], sizeBytes: number): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(sizeBytes + 1024).u8(pageVersion).u16(blocks.length);
  for (const { table, columns, rows } of blocks) {
    writer.text(table).u16(columns.length);
    for (const column of columns) writer.text(column);
    writer.u32(rows.length);
    for (const row of rows) for (const value of row) writeValue(writer, value);
  }
  return writer.finish();
}

/** Throws a `MalformedError` for bytes that are no page. The values are copies. */
export function decodePage(bytes: Uint8Array): RowBlock[] {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== pageVersion) throw new MalformedError("a page of another version");
  const blocks = Array.from({ length: reader.u16() }, () => readBlock(reader));
  reader.end();
  return blocks;
}

function readBlock(reader: ByteReader): RowBlock {
  const table = reader.text();
  const columns = Array.from({ length: reader.u16() }, () => reader.text());
  const count = reader.u32();
  // Every value takes a byte at least.
  if (columns.length === 0 || count * columns.length > reader.remaining) {
    throw new MalformedError("more rows than bytes");
  }
  const rows = Array.from({ length: count }, () => columns.map(() => readValue(reader)));
  return { table, columns, rows };
}

function writeValue(writer: ByteWriter, value: SqlValue): void {
  if (value === null) writer.u8(tag.null);
  else if (typeof value === "number") writer.u8(tag.number).f64(value);
  else if (typeof value === "string") writer.u8(tag.text).text(value);
  else writer.u8(tag.blob).bytes(new Uint8Array(value));
}

function readValue(reader: ByteReader): SqlValue {
  const kind = reader.u8();
  switch (kind) {
    case tag.null:
      return null;
    case tag.number:
      return readNumber(reader);
    case tag.text:
      return reader.text();
    case tag.blob:
      return reader.bytes().slice().buffer;
    default:
      throw new MalformedError(`unknown kind of value: ${kind}`);
  }
}

/** SQLite has no such number as NaN: it would become a null. */
function readNumber(reader: ByteReader): number {
  const number = reader.f64();
  if (Number.isNaN(number)) throw new MalformedError("a number that is none");
  return number;
}
