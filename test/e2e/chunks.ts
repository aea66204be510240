/** An HTTP request over a bare connection, whose answer is read chunk by chunk as it was framed. */

import { connect } from "node:net";
import type { Socket } from "node:net";

export class ChunkedRequest {
  private readonly socket: Socket;
  /** A character a byte. */
  private received = "";
  private wake: () => void = () => undefined;
  private ended = false;

  /** The body is ASCII. */
  constructor(base: URL, path: string, body: string, headers: readonly string[] = []) {
    this.socket = connect(Number(base.port), base.hostname).setEncoding("latin1");
    const lines = [`POST ${path} HTTP/1.1`, `Host: ${base.host}`, `Content-Length: ${body.length}`];
    this.socket.write(`${[...lines, ...headers].join("\r\n")}\r\n\r\n${body}`);
    this.socket.on("data", (text: string) => {
      this.received += text;
      this.wake();
    });
    this.socket.on("close", () => {
      this.ended = true;
      this.wake();
    });
    this.socket.on("error", () => undefined);
  }

  /** The head of the answer, when it has come. */
  head(): Promise<string> {
    return this.until("\r\n\r\n");
  }

  /** The next chunk; to be called when the head has been read. */
  async chunk(): Promise<string> {
    const length = Number.parseInt(await this.until("\r\n"), 16);
    while (this.received.length < length + 2) await this.more();
    const chunk = this.received.slice(0, length);
    this.received = this.received.slice(length + 2);
    return chunk;
  }

  close(): void {
    this.socket.destroy();
  }

  /** Everything before a mark, which is passed over. */
  private async until(mark: string): Promise<string> {
    while (!this.received.includes(mark)) await this.more();
    const end = this.received.indexOf(mark);
    const text = this.received.slice(0, end);
    this.received = this.received.slice(end + mark.length);
    return text;
  }

  private async more(): Promise<void> {
    if (this.ended) throw new Error("the connection was closed");
    await new Promise<void>((resolve) => (this.wake = resolve));
  }
}
