/** The connection to a subscriber that reads a response: each message is one part and one chunk of it. */

import { encodePart, endOfParts } from "../parts.ts";
import type { Outlet } from "./subscriptions.ts";

/** A stream that says nothing for so long sends an empty part, by which its reader knows that the node is there. */
export const keepAliveMs = 10_000;

const encoder = new TextEncoder();
const emptyPart = encodePart(new Uint8Array(0));

export class StreamOutlet implements Outlet {
  /** How many bytes the reader has not taken yet. */
  pendingBytes = 0;
  private readonly writer: WritableStreamDefaultWriter<Uint8Array>;
  private silentSinceMs: number;
  private silent = true;

  /** @param onGone is called once the reader is gone, or the stream has come to its end */
  constructor(writer: WritableStreamDefaultWriter<Uint8Array>, nowMs: number, onGone: () => void) {
    this.writer = writer;
    this.silentSinceMs = nowMs;
    writer.closed.then(onGone, onGone);
  }

  write(message: Uint8Array | string): void {
    const bytes = typeof message === "string" ? encoder.encode(message) : message;
    // An empty part means something else.
    if (bytes.length > 0) this.send(encodePart(bytes));
  }

  end(): void {
    this.send(endOfParts);
    this.breakOff();
  }

  /** Without the mark of the end, so that the reader knows that there may be more. */
  breakOff(): void {
    this.writer.close().catch(() => undefined);
  }

  tick(nowMs: number): void {
    if (!this.silent) this.silentSinceMs = nowMs;
    this.silent = true;
    if (nowMs - this.silentSinceMs >= keepAliveMs) this.send(emptyPart);
  }

  private send(chunk: Uint8Array): void {
    this.pendingBytes += chunk.length;
    this.silent = false;
    const taken = (): void => void (this.pendingBytes -= chunk.length);
    // A write that fails fails the stream, and `closed` tells of that.
    this.writer.write(chunk).then(taken, taken);
  }
}
