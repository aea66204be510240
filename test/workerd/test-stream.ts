/** A stream from one node, opened and read as the Worker in front does it. */

import { internalHeader, internalOrigin, internalPath } from "../../src/internal.ts";
import { PartsReader } from "../../src/parts.ts";
import { type NumbersRequest, numbersRequest } from "../support/number-machine.ts";
import type { NumberGroup } from "./number-node.ts";
import { type Answer, text } from "./test-group.ts";

export class TestStream {
  readonly headers: Headers;
  /** How it came to its end: by the state machine, by its node, or by an error. */
  end: "complete" | "broken off" | "failed" | null = null;
  readonly messages: string[] = [];
  /** How long each chunk was, in bytes. */
  readonly chunks: number[] = [];
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly parts = new PartsReader(1e9);

  constructor({ headers, body }: Response) {
    this.headers = headers;
    this.reader = (body as ReadableStream<Uint8Array>).getReader();
  }

  /** Reads until there are so many messages, or the stream has ended. */
  async read(count = Number.POSITIVE_INFINITY): Promise<readonly string[]> {
    while (this.messages.length < count && this.end === null) await this.readChunk();
    return this.messages;
  }

  async cancel(): Promise<void> {
    await this.reader.cancel();
  }

  private async readChunk(): Promise<void> {
    try {
      const { done, value } = await this.reader.read();
      if (done) {
        this.end = this.parts.ended ? "complete" : "broken off";
        return;
      }
      this.chunks.push(value.length);
      this.messages.push(...this.parts.take(value).map(text));
    } catch {
      this.end = "failed";
    }
  }
}

/** Asks a node for a stream; answers what it says if it opens none. */
export async function askForStream(
  group: NumberGroup,
  id: string,
  request: Uint8Array,
  headers: Record<string, string> = {},
): Promise<TestStream | Answer> {
  const response = await group.stub(id).fetch(internalOrigin + internalPath.subscribe, {
    method: "POST",
    headers: { [internalHeader.group]: group.name, [internalHeader.node]: id, ...headers },
    body: request,
  });
  if (response.status === 200) return new TestStream(response);
  return { status: response.status, headers: response.headers, body: new Uint8Array(await response.arrayBuffer()) };
}

export async function openStream(
  group: NumberGroup,
  id: string,
  request: Partial<NumbersRequest> = {},
  headers: Record<string, string> = {},
): Promise<TestStream> {
  const answer = await askForStream(group, id, numbersRequest(request), headers);
  if (answer instanceof TestStream) return answer;
  throw new Error(text(answer.body));
}
