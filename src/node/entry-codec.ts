/** Entries as bytes: the same form in a row of the log and in a frame between nodes. */

import { MalformedError, type ByteReader } from "../bytes/reader.ts";
import type { ByteWriter } from "../bytes/writer.ts";
import { readChange, writeChange } from "./configuration-codec.ts";
import type { Entry, EntryKind } from "../raft/entry.ts";

// Kinds are numbers for ever: they are in logs.
const kinds: readonly EntryKind[] = ["noop", "command", "configuration"];
const leastEntryBytes = 20;
const noData = new Uint8Array(0);

/** Writes entries that follow one another, the first one's index before them. */
export function writeEntries(writer: ByteWriter, entries: readonly Entry[]): void {
  writer.u53(entries[0]?.index ?? 0).u32(entries.length);
  for (const entry of entries) {
    writer.u8(kinds.indexOf(entry.kind)).u53(entry.term).u53(entry.timeMs);
    if (entry.change === undefined) writer.bytes(entry.data);
    else writeChange(writer, entry.change);
  }
}

/** Reads what `writeEntries` wrote; the data are views on the given bytes. Throws a `MalformedError` at anything else. */
export function readEntries(reader: ByteReader): Entry[] {
  const firstIndex = reader.u53();
  const count = reader.u32();
  if (count * leastEntryBytes > reader.remaining) throw new MalformedError("more entries than bytes");
  if (count > 0 && firstIndex === 0) throw new MalformedError("entries are counted from 1");
  const entries: Entry[] = [];
  for (let position = 0; position < count; position += 1) {
    const kind = kinds[reader.u8()];
    if (kind === undefined) throw new MalformedError("unknown kind of entry");
    const term = reader.u53();
    const timeMs = reader.u53();
    const index = firstIndex + position;
    if (kind === "configuration") {
      entries.push({ index, term, kind, timeMs, data: noData, change: readChange(reader) });
    } else {
      entries.push({ index, term, kind, timeMs, data: reader.bytes() });
    }
  }
  return entries;
}
