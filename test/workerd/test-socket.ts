/** A WebSocket to one node, as a client behind the Worker has it. */

import { encodeBase64Url } from "../../src/bytes/base64.ts";
import { internalHeader, internalOrigin, internalPath } from "../../src/internal.ts";
import { type NumbersRequest, numbersRequest } from "../support/number-machine.ts";
import type { NumberGroup } from "./number-node.ts";
import { eventually, text } from "./test-group.ts";

export class TestSocket {
  /** What has come, `binary:` before what came as bytes. */
  readonly messages: string[] = [];
  /** The code with which it was closed; null while it is open. */
  closed: number | null = null;
  private readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = "arraybuffer";
    socket.addEventListener("message", ({ data }) => {
      this.messages.push(typeof data === "string" ? data : `binary:${text(new Uint8Array(data as ArrayBuffer))}`);
    });
    socket.addEventListener("close", ({ code }) => void (this.closed = code));
    socket.accept();
  }

  /** Waits until there are so many messages. */
  async read(count: number): Promise<readonly string[]> {
    return await eventually(`${count} messages`, async () => (this.messages.length >= count ? this.messages : null));
  }

  async end(): Promise<number> {
    return await eventually("the end", async () => this.closed);
  }

  send(message: string): void {
    this.socket.send(message);
  }

  close(code?: number): void {
    this.socket.close(code);
  }
}

/** The answer of a node that is asked for a WebSocket. */
export async function askForSocket(group: NumberGroup, id: string, subscription: string): Promise<Response> {
  return await group.stub(id).fetch(internalOrigin + internalPath.subscribe, {
    headers: {
      upgrade: "websocket",
      [internalHeader.group]: group.name,
      [internalHeader.node]: id,
      [internalHeader.subscription]: subscription,
    },
  });
}

export async function openSocket(
  group: NumberGroup,
  id: string,
  request: Partial<NumbersRequest> = {},
): Promise<TestSocket> {
  const response = await askForSocket(group, id, encodeBase64Url(numbersRequest(request)));
  if (response.webSocket === null) throw new Error(await response.text());
  return new TestSocket(response.webSocket);
}
