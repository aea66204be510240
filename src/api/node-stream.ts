/** One stream of messages from one node: how it is opened, read, and given up. */

import { internalOrigin, internalPath } from "../internal.ts";
import type { MemberSpecification } from "../internal.ts";
import { PartsReader } from "../parts.ts";
import { callHeaders, readAnswer, readError, stubOf } from "./node-call.ts";
import type { Attempt, NodeCall } from "./node-call.ts";
import { readPosition } from "./position.ts";
import type { Position } from "./position.ts";

/** What asking a node for a stream has come to. */
export type Opening<Opened> =
  | { readonly kind: "open"; readonly opened: Opened; readonly position: Position }
  | Exclude<Attempt, { kind: "answer" }>;

/** The most bytes that one message has. */
export const maxMessageBytes = 64 * 1024 * 1024;

/** How often it is looked whether anything has come: a node sends at least an empty part in about this time. */
const lookMs = 10_000;
/** After so many looks in vain a node is taken for dead. */
const maxSilentLooks = 3;

/** Asks a node for a stream. The call's time is that until the stream begins. */
export async function openNodeStream(member: MemberSpecification, call: NodeCall): Promise<Opening<NodeStream>> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(new DOMException("no answer", "TimeoutError")), call.timeoutMs);
  try {
    const response = await stubOf(member, call).fetch(internalOrigin + internalPath.subscribe, {
      method: "POST",
      headers: callHeaders(member, call),
      body: call.body,
      signal: controller.signal,
    });
    const position = readPosition(response.headers);
    if (response.status === 200 && position.node !== "" && response.body !== null) {
      return {
        kind: "open",
        opened: new NodeStream(response.body as ReadableStream<Uint8Array>, controller),
        position,
      };
    }
    const body = new Uint8Array(await response.arrayBuffer());
    const attempt = readAnswer(response.status, response.headers, body);
    return attempt.kind === "answer" ? { kind: "unreachable", reason: "unreachable" } : attempt;
  } catch (error) {
    return readError(error);
  } finally {
    clearTimeout(timer);
  }
}

export class NodeStream {
  private readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  private readonly controller: AbortController;
  private readonly parts = new PartsReader(maxMessageBytes);
  private waiting: Uint8Array[] = [];
  /** Whoever does not listen hears nothing. */
  private listening = false;
  private silentLooks = 0;
  private timer: ReturnType<typeof setTimeout>;

  constructor(body: ReadableStream<Uint8Array>, controller: AbortController) {
    this.reader = body.getReader();
    this.controller = controller;
    this.timer = setTimeout(() => this.look(), lookMs);
  }

  /** The next message; "ended" after the last, "broken" if some may be missing. */
  async next(): Promise<Uint8Array | "ended" | "broken"> {
    for (;;) {
      const part = this.waiting.shift();
      // A part without bytes only says that the node is there.
      if (part !== undefined && part.length > 0) return part;
      if (part !== undefined) continue;
      const more = this.parts.ended ? "ended" : await this.read();
      if (more === null) continue;
      this.cancel();
      return more;
    }
  }

  /** The node is told, and whoever waits for a message. */
  cancel(): void {
    clearTimeout(this.timer);
    // Either is enough where both work; a stream that has failed rejects what is not awaited here.
    void this.reader.cancel().catch(() => undefined);
    this.controller.abort();
  }

  /** Null when something came. */
  private async read(): Promise<"broken" | null> {
    this.silentLooks = 0;
    this.listening = true;
    try {
      const { done, value } = await this.reader.read();
      if (done) return "broken";
      this.waiting = this.parts.take(value);
      return null;
    } catch {
      // Why a stream fails is said in words of the platform alone; and what is no message came from no node.
      return "broken";
    } finally {
      this.listening = false;
    }
  }

  private look(): void {
    if (this.listening) this.silentLooks += 1;
    if (this.silentLooks > maxSilentLooks) this.cancel();
    else this.timer = setTimeout(() => this.look(), lookMs);
  }
}
