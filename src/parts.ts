/** Sequences of byte strings: how they travel as one body, and as a stream without a known end. */

import { ByteReader, MalformedError } from "./bytes/reader.ts";
import { ByteWriter } from "./bytes/writer.ts";

/** The length that says: no more parts, and none were lost. A stream that breaks off has no such end. */
const endMark = 0xffff_ffff;

/** The last bytes of a stream that was brought to its end. */
export const endOfParts = new ByteWriter(4).u32(endMark).finish();

/** One part of a stream. */
export function encodePart(part: Uint8Array): Uint8Array<ArrayBuffer> {
  return new ByteWriter(4 + part.length).bytes(part).finish();
}

/** All parts as one body. */
export function encodeParts(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const writer = new ByteWriter(parts.reduce((sum, part) => sum + 4 + part.length, 4));
  writer.u32(parts.length);
  for (const part of parts) writer.bytes(part);
  return writer.finish();
}

/** The parts of a body, as views. Throws a `MalformedError` for bytes that are none, or hold more than `maxParts`. */
export function decodeParts(body: Uint8Array, maxParts = Number.POSITIVE_INFINITY): Uint8Array[] {
  const reader = new ByteReader(body);
  const count = reader.u32();
  if (count > maxParts) throw new MalformedError(`${count} parts, of ${maxParts} at most`);
  const parts: Uint8Array[] = [];
  for (let left = count; left > 0; left -= 1) parts.push(reader.bytes());
  reader.end();
  return parts;
}

/** Takes a stream as it comes, in whatever chunks, and gives back the parts that are complete. */
export class PartsReader {
  /** The stream has come to its end: nothing is missing. */
  ended = false;
  private readonly maxPartBytes: number;
  private readonly length = new Uint8Array(4);
  /** How much is here of the length, or of the part when its length is known. */
  private filledBytes = 0;
  private part: Uint8Array | null = null;

  constructor(maxPartBytes: number) {
    this.maxPartBytes = maxPartBytes;
  }

  /** The parts that end in this chunk. Throws a `MalformedError` for what is no stream of parts. */
  take(chunk: Uint8Array): Uint8Array[] {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < chunk.length;) {
      if (this.ended) throw new MalformedError("bytes behind the end");
      const filling = this.part ?? this.length;
      const taken = Math.min(filling.length - this.filledBytes, chunk.length - at);
      filling.set(chunk.subarray(at, at + taken), this.filledBytes);
      this.filledBytes += taken;
      at += taken;
      if (this.filledBytes < filling.length) break;
      if (this.part === null) this.begin();
      if (this.part !== null && this.filledBytes === this.part.length) parts.push(this.complete(this.part));
    }
    return parts;
  }

  /** A length is known: that of the next part, or the end. */
  private begin(): void {
    const length = new ByteReader(this.length).u32();
    this.filledBytes = 0;
    this.ended = length === endMark;
    if (this.ended) return;
    if (length > this.maxPartBytes) throw new MalformedError(`a part of ${length} bytes`);
    this.part = new Uint8Array(length);
  }

  private complete(part: Uint8Array): Uint8Array {
    this.part = null;
    this.filledBytes = 0;
    return part;
  }
}
