/** A leader's own entries that wait for their commit, and how many bytes they hold. */

import { entryBytes, type Entry } from "./entry.ts";

export class Uncommitted {
  private readonly entries: { readonly index: number; readonly bytes: number }[] = [];
  private bytes = 0;

  add(entry: Entry): void {
    const bytes = entryBytes(entry);
    this.entries.push({ index: entry.index, bytes });
    this.bytes += bytes;
  }

  /** All up to this index are committed. */
  committed(index: number): void {
    const waiting = this.entries.findIndex((entry) => entry.index > index);
    for (const { bytes } of this.entries.splice(0, waiting < 0 ? this.entries.length : waiting)) this.bytes -= bytes;
  }

  /** Whether more of this size would exceed the limit. A large command is taken alone: what is bounded is a queue. */
  isFull(commandBytes: number, maxBytes: number): boolean {
    return this.bytes > 0 && this.bytes + commandBytes > maxBytes;
  }
}
