/** A stream over a WebSocket: every text frame is one JSON message, both ways. */

import { statusOf } from "./failures.ts";
import { parseJson } from "./json.ts";
import type { Send } from "./method.ts";
import { invalidArgument } from "./status.ts";

export type ServeSocket = (requests: AsyncIterable<unknown>, send: Send<string>, signal: AbortSignal) => Promise<void>;

/** How many messages may wait that the client has sent faster than they are answered. */
const maxWaiting = 1000;
const normalClosure = 1000;
const policyViolation = 1008;

/** `protocol` is the subprotocol that the client is told of, if it has offered any. */
export function socketStream(serve: ServeSocket, protocol: string | undefined): Response {
  const { 0: client, 1: server } = new WebSocketPair();
  const controller = new AbortController();
  const inbox = new Inbox();
  server.accept();
  server.addEventListener("message", ({ data }) => {
    if (!inbox.put(data)) server.close(policyViolation, "too many messages wait");
  });
  const gone = (): void => {
    inbox.end();
    controller.abort();
  };
  server.addEventListener("close", gone);
  server.addEventListener("error", gone);
  const send = (text: string): Promise<void> => {
    if (!controller.signal.aborted) server.send(text);
    return Promise.resolve();
  };
  void serve(inbox.requests(), send, controller.signal)
    .catch((error: unknown) => send(JSON.stringify(statusOf(error).streamBody())))
    .then(() => server.close(normalClosure))
    // It was closed before.
    .catch(() => undefined);
  const headers = protocol === undefined ? undefined : { "sec-websocket-protocol": protocol };
  return new Response(null, { status: 101, webSocket: client, ...(headers && { headers }) });
}

/** What has come and was not read yet. */
class Inbox {
  private readonly waiting: unknown[] = [];
  private ended = false;
  private wake: () => void = () => undefined;

  /** False when it is full. */
  put(data: unknown): boolean {
    if (this.waiting.length >= maxWaiting) return false;
    this.waiting.push(data);
    this.wake();
    return true;
  }

  end(): void {
    this.ended = true;
    this.wake();
  }

  async *requests(): AsyncGenerator {
    for (;;) {
      const data = this.waiting.shift();
      if (data !== undefined) {
        if (typeof data !== "string") throw invalidArgument("a message is a text frame");
        yield parseJson(data);
      } else if (this.ended) return;
      else await new Promise<void>((resolve) => (this.wake = resolve));
    }
  }
}
