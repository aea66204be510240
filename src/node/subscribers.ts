/** The streams and WebSockets that are open to a node's object: how they begin, and how they go on when the node is new. */

import { decodeBase64Url } from "../bytes/base64.ts";
import { internalHeader } from "../internal.ts";
import { answer, badRequest, headersOf, refuse } from "./answers.ts";
import type { Freshness } from "./call-headers.ts";
import type { Node } from "./node.ts";
import { closeCodes, maxKeptBytes, requestKept, SocketOutlet } from "./socket-outlet.ts";
import { StreamOutlet } from "./stream-outlet.ts";
import type { Refused } from "./waiters.ts";

/** The most bytes that the request for a stream may have. */
export const maxRequestBytes = 1024 * 1024;

/** What clients send to keep a WebSocket open, and what they get: without the node being woken. */
const [ping, pong] = ["ping", "pong"];

/** How often a node with open streams looks at the time. */
const lookMs = 1000;

export class Subscribers {
  private readonly ctx: DurableObjectState;
  private readonly running: () => Node | null;
  private readonly sockets = new Map<WebSocket, { readonly outlet: SocketOutlet; readonly leave: () => void }>();
  private readonly streams = new Set<StreamOutlet>();
  private looking = false;

  /** @param running the node of this object, if there is one */
  constructor(ctx: DurableObjectState, running: () => Node | null) {
    this.ctx = ctx;
    this.running = running;
  }

  /** Opens a stream, or a WebSocket for a request that asks for one. */
  async open(request: Request, body: Uint8Array, node: Node, freshness: Freshness): Promise<Response> {
    const isSocket = request.headers.get("upgrade")?.toLowerCase() === "websocket";
    const asked = isSocket ? decodeBase64Url(request.headers.get(internalHeader.subscription) ?? "") : body;
    if (asked === undefined) return badRequest("The subscription is not base64url.", node.answeredBy());
    const maxBytes = isSocket ? maxKeptBytes : maxRequestBytes;
    if (asked.length > maxBytes) {
      const message = `The request for a ${isSocket ? "WebSocket" : "stream"} holds ${maxBytes} bytes at most.`;
      return refuse({ code: "too_large", message, ambiguous: false }, node.answeredBy());
    }
    const refused = (await node.catchUpWith(freshness)) ?? node.mayServe();
    if (refused !== null) return refuseWith(refused, node);
    return isSocket ? this.openSocket(asked, node) : this.openStream(asked, node, request.signal);
  }

  /** The node is new: those who were served by one before it are served by it. */
  resume(node: Node): void {
    this.sockets.clear();
    for (const socket of this.ctx.getWebSockets()) {
      const request = requestKept(socket);
      if (request !== null) this.serveAgain(socket, request, node);
    }
    this.look();
  }

  /** A client has sent something that the platform has not answered by itself. */
  message(socket: WebSocket): void {
    const served = this.sockets.get(socket);
    served?.outlet.close(closeCodes.unexpectedMessage, `this stream takes no message but ${ping}`);
    this.gone(socket);
  }

  /** A client has closed its end, which is answered, or the connection has failed. */
  closed(socket: WebSocket): void {
    this.sockets.get(socket)?.outlet.close(closeCodes.ended, "");
    this.gone(socket);
  }

  private openStream(request: Uint8Array, node: Node, signal: AbortSignal): Response {
    // The writes of this kind of stream wait for the output gate; those of a `ReadableStream` made here do not (workerd 1.20261023).
    const { readable, writable } = new IdentityTransformStream();
    let leave = (): void => undefined;
    const gone = (): void => {
      this.streams.delete(outlet);
      leave();
    };
    const outlet = new StreamOutlet(writable.getWriter(), node.nowMs(), gone);
    leave = node.subscribe(request, outlet);
    this.streams.add(outlet);
    signal.addEventListener("abort", gone);
    // It may have left while the node was waiting for a state that is new enough: nobody tells of that again.
    if (signal.aborted) gone();
    this.look();
    return answer(readable, node.answeredBy());
  }

  private openSocket(request: Uint8Array, node: Node): Response {
    const { 0: client, 1: server } = new WebSocketPair();
    this.ctx.acceptWebSocket(server);
    this.ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair(ping, pong));
    this.serve(server, request, node);
    return new Response(null, { status: 101, webSocket: client, headers: headersOf(node.answeredBy()) });
  }

  private serve(socket: WebSocket, request: Uint8Array, node: Node): void {
    const lastPing = (): number | null => this.ctx.getWebSocketAutoResponseTimestamp(socket)?.getTime() ?? null;
    const outlet = new SocketOutlet(socket, lastPing, { onGone: () => this.gone(socket), onKept: () => this.look() });
    this.sockets.set(socket, { outlet, leave: node.subscribe(request, outlet) });
  }

  private serveAgain(socket: WebSocket, request: Uint8Array, node: Node): void {
    if (node.mayServe() !== null) {
      socket.close(closeCodes.elsewhere, "this node serves the stream no longer");
      return;
    }
    try {
      this.serve(socket, request, node);
    } catch {
      // A state machine that can't go on with one subscriber must not keep its node from starting, again and again.
      socket.close(closeCodes.failed, "the stream could not go on");
    }
  }

  private gone(socket: WebSocket): void {
    this.sockets.get(socket)?.leave();
    this.sockets.delete(socket);
  }

  /**
   * A stream keeps its object in memory anyway, so a timer costs nothing more; WebSockets alone are not to have one, but for
   * those that are owed messages: a client's `ping` says that it has room for them, and wakes nobody.
   */
  private look(): void {
    if (this.looking || (this.streams.size === 0 && this.running()?.driver.owesMessages !== true)) return;
    this.looking = true;
    setTimeout(() => {
      this.looking = false;
      this.running()?.lookAtTime();
      this.look();
    }, lookMs);
  }
}

function refuseWith({ code, message, ambiguous }: Refused, node: Node): Response {
  return refuse({ code, message, ambiguous }, node.answeredBy());
}
