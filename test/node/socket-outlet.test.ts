/** The connection to a subscriber over a WebSocket: what counts as pending, what is kept, and how it is closed. */

import { beforeEach, describe, expect, test } from "vitest";
import { maxKeptBytes, type OutletSocket, requestKept, SocketOutlet } from "../../src/node/socket-outlet.ts";

class TestSocket implements OutletSocket {
  readonly sent: (Uint8Array | string)[] = [];
  readonly closed: number[] = [];
  attachment: unknown = null;
  broken = false;

  send(message: Uint8Array | string): void {
    if (this.broken) throw new TypeError("Can't call WebSocket send() after close().");
    this.sent.push(message);
  }

  close(code: number): void {
    if (this.broken) throw new TypeError("Can't call WebSocket close() after close().");
    this.closed.push(code);
  }

  serializeAttachment(attachment: unknown): void {
    this.attachment = structuredClone(attachment);
  }

  deserializeAttachment(): unknown {
    return this.attachment;
  }
}

let socket: TestSocket;
/** When the platform answered a ping last. */
let lastPingMs: number | null;
let gone: number;

beforeEach(() => {
  socket = new TestSocket();
  lastPingMs = null;
  gone = 0;
});

function connect(): SocketOutlet {
  return new SocketOutlet(socket, () => lastPingMs, { onGone: () => void (gone += 1) });
}

const request = Uint8Array.of(1, 2, 3);

describe("pending", () => {
  test("is all that was sent, as long as there was no ping, in bytes", () => {
    const outlet = connect();
    outlet.write("äöü");
    outlet.write(new Uint8Array(10));
    expect(outlet.pendingBytes).toBe(16);
    expect(socket.sent).toEqual(["äöü", new Uint8Array(10)]);
  });

  test("is what was sent since the last ping but one: to that one the client has had its answer", () => {
    const outlet = connect();
    const send = (bytes: number): void => outlet.write(new Uint8Array(bytes));
    send(1);
    lastPingMs = 100;
    // The answer to this ping follows what was sent; that it has arrived is not known.
    expect(outlet.pendingBytes).toBe(1);
    send(20);
    expect(outlet.pendingBytes).toBe(21);
    lastPingMs = 200;
    expect(outlet.pendingBytes).toBe(20);
    send(300);
    lastPingMs = 300;
    expect(outlet.pendingBytes).toBe(300);
    lastPingMs = 400;
    expect(outlet.pendingBytes).toBe(0);
  });

  test("is known by another outlet of the same socket, when the node was out of memory", () => {
    const before = connect();
    before.write(new Uint8Array(10));
    lastPingMs = 100;
    before.write(new Uint8Array(5));
    before.keep(request);
    const after = connect();
    expect(after.pendingBytes).toBe(15);
    lastPingMs = 200;
    expect(after.pendingBytes).toBe(5);
  });
});

describe("how a stream goes on", () => {
  test("is kept with the socket, until it is closed", () => {
    const outlet = connect();
    expect(requestKept(socket)).toBeNull();
    outlet.keep(request);
    expect(requestKept(socket)).toEqual(request);
    outlet.end();
    expect([requestKept(socket), socket.closed]).toEqual([null, [1000]]);
    outlet.keep(request);
    expect(requestKept(socket)).toBeNull();
  });

  test("must not be too long to be kept", async () => {
    const outlet = connect();
    outlet.keep(new Uint8Array(maxKeptBytes));
    expect(socket.closed).toEqual([]);
    outlet.keep(new Uint8Array(maxKeptBytes + 1));
    // Whoever writes at the moment is not interrupted.
    expect([socket.closed, gone]).toEqual([[1009], 0]);
    await Promise.resolve();
    expect(gone).toBe(1);
  });
});

describe("a socket", () => {
  test("is closed once, with the code that says why", () => {
    const outlet = connect();
    outlet.breakOff();
    outlet.end();
    outlet.write("late");
    expect([socket.closed, socket.sent]).toEqual([[1012], []]);
  });

  test("that has failed is told of, but not in the middle of a write", async () => {
    const outlet = connect();
    socket.broken = true;
    outlet.write("one");
    outlet.write("two");
    expect(gone).toBe(0);
    await Promise.resolve();
    expect(gone).toBe(1);
    outlet.breakOff();
  });
});
