/** The connection to a subscriber over a WebSocket, which goes on while the node that serves it is out of memory. */

import type { Outlet } from "./subscriptions.ts";

/** What is needed of a `WebSocket` that was accepted for hibernation. */
export interface OutletSocket {
  send(message: Uint8Array | string): void;
  close(code: number, reason: string): void;
  serializeAttachment(attachment: unknown): void;
  deserializeAttachment(): unknown;
}

/** Why the node closes a socket: the codes are those of RFC 6455, section 7.4.1, and of its registry. */
export const closeCodes = {
  /** The state machine has ended the stream. */
  ended: 1000,
  /** The client has sent something else than `ping`. */
  unexpectedMessage: 1003,
  /** How the stream goes on has become too long to be kept. */
  tooLong: 1009,
  /** The stream could not go on. */
  failed: 1011,
  /** This node serves the stream no longer: another one may. */
  elsewhere: 1012,
} as const;

/** The most bytes that a request or resumption may have: the platform keeps 16 KiB of a socket, these and some numbers. */
export const maxKeptBytes = 15_000;

/** What outlives the node's memory. */
interface Kept {
  readonly request: Uint8Array;
  readonly pendingBytes: number;
  readonly sincePingBytes: number;
  readonly lastPingMs: number | null;
}

/** What a socket was serving when its node left memory: how it goes on. Null when there is nothing to go on with. */
export function requestKept(socket: OutletSocket): Uint8Array | null {
  return keptBy(socket)?.request ?? null;
}

interface SocketEvents {
  /** The connection has failed. */
  onGone(): void;
  /** Something was told, and how to go on is remembered. */
  onKept?(): void;
}

const encoder = new TextEncoder();

/**
 * The platform does not tell how much of what was sent has arrived, but it answers `ping` by itself, behind all that was
 * sent before, and tells when it did so last. A client sends its next `ping` only when it has the answer to the one before;
 * so a ping proves that all has arrived that was sent before the last ping but one. What that does not prove counts as
 * pending.
 */
export class SocketOutlet implements Outlet {
  private readonly socket: OutletSocket;
  private readonly lastPing: () => number | null;
  private readonly events: SocketEvents;
  /** Sent since the last ping but one. */
  private unprovenBytes: number;
  /** Sent since the last ping. */
  private sincePingBytes: number;
  private lastPingMs: number | null;
  private closed = false;

  /**
   * @param lastPing when the platform answered a ping last
   */
  constructor(socket: OutletSocket, lastPing: () => number | null, events: SocketEvents) {
    const kept = keptBy(socket);
    this.socket = socket;
    this.lastPing = lastPing;
    this.events = events;
    this.unprovenBytes = kept?.pendingBytes ?? 0;
    this.sincePingBytes = kept?.sincePingBytes ?? 0;
    this.lastPingMs = kept?.lastPingMs ?? null;
  }

  get pendingBytes(): number {
    const lastPingMs = this.lastPing();
    if (lastPingMs !== this.lastPingMs) {
      this.unprovenBytes = this.sincePingBytes;
      this.sincePingBytes = 0;
      this.lastPingMs = lastPingMs;
    }
    return this.unprovenBytes;
  }

  write(message: Uint8Array | string): void {
    if (this.closed) return;
    const length = typeof message === "string" ? encoder.encode(message).length : message.length;
    this.unprovenBytes = this.pendingBytes + length;
    this.sincePingBytes += length;
    try {
      this.socket.send(message);
    } catch {
      // The connection has failed, and the platform tells of that later or not at all.
      this.fail();
    }
  }

  end(): void {
    this.close(closeCodes.ended, "the stream has ended");
  }

  breakOff(): void {
    this.close(closeCodes.elsewhere, "this node serves the stream no longer");
  }

  keep(request: Uint8Array): void {
    if (this.closed) return;
    if (request.length > maxKeptBytes) {
      this.close(closeCodes.tooLong, "what the stream goes on with is too long to be kept");
      this.fail();
      return;
    }
    const { pendingBytes, sincePingBytes, lastPingMs } = this;
    const kept: Kept = { request, pendingBytes, sincePingBytes, lastPingMs };
    this.socket.serializeAttachment(kept);
    this.events.onKept?.();
  }

  close(code: number, reason: string): void {
    if (this.closed) return;
    this.closed = true;
    try {
      this.socket.serializeAttachment(null);
      this.socket.close(code, reason);
    } catch {
      // It is closed already.
    }
  }

  private fail(): void {
    this.closed = true;
    queueMicrotask(() => this.events.onGone());
  }
}

function keptBy(socket: OutletSocket): Kept | null {
  return socket.deserializeAttachment() as Kept | null;
}
