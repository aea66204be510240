/** One watch: what it asks for, how far it is, and what its reader has not taken yet. */

import type { Sink } from "../../machine.ts";
import type { WatchMessage, WatchRequest } from "../model.ts";
import { rangeOf } from "../store/key-text.ts";
import type { KeyRange } from "../store/key-text.ts";
import { encodeMessage } from "./messages.ts";
import type { Place } from "./place.ts";

export type Progress =
  /** It has been told everything that is published. */
  | { readonly kind: "live" }
  /** It is read from the history, from this place on. */
  | { readonly kind: "behind"; readonly place: Place }
  /** It begins in the future: with this revision, behind so many of its rows. */
  | { readonly kind: "waiting"; readonly revision: number; readonly rows: number }
  | { readonly kind: "ended" };

export class Watcher {
  readonly request: WatchRequest;
  readonly range: KeyRange;
  progress: Progress = { kind: "ended" };
  /** Since when it has been found full at every look, and was told nothing; null when that is not so. */
  fullSinceMs: number | null = null;
  /** The time of the first look after the last message. */
  silentSinceMs: number | null = null;
  private readonly sink: Sink;
  private readonly onPending: (more: number) => void;
  private seenPendingBytes = 0;

  /** @param onPending is told how much more is waiting for the reader, or less, whenever that is looked at */
  constructor(request: WatchRequest, sink: Sink, onPending: (more: number) => void) {
    // The request's bytes belong to whoever brought them.
    this.request = { ...request, key: request.key.slice(), rangeEnd: request.rangeEnd?.slice() ?? null };
    this.range = rangeOf(request);
    this.sink = sink;
    this.onPending = onPending;
  }

  get pendingBytes(): number {
    const { pendingBytes } = this.sink;
    this.onPending(pendingBytes - this.seenPendingBytes);
    this.seenPendingBytes = pendingBytes;
    return pendingBytes;
  }

  say(message: WatchMessage): void {
    this.write(encodeMessage(message, this.request.format));
  }

  /** Writes a message that is encoded already. */
  write(message: Uint8Array | string): void {
    this.sink.write(message);
    this.silentSinceMs = null;
    this.fullSinceMs = null;
  }

  /** Nothing more is written to it. */
  leave(): void {
    this.progress = { kind: "ended" };
    this.onPending(-this.seenPendingBytes);
    this.seenPendingBytes = 0;
  }

  /** Says why it has ended. */
  end(message: WatchMessage & { readonly type: "canceled" }): void {
    this.say(message);
    this.sink.end();
  }
}
