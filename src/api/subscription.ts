/** A stream of a state machine's messages that outlives the nodes which serve it. */

import type { GroupCalls } from "./group-calls.ts";
import type { LeaderCalls } from "./leader-calls.ts";
import { type NodeStream, openNodeStream } from "./node-stream.ts";
import type { Position } from "./position.ts";
import { reachNode } from "./reach.ts";
import type { Reached, SubscribeRequest } from "./reach.ts";
import type { Target } from "./target.ts";

export interface SubscribeOptions extends SubscribeRequest {
  /**
   * The request that goes on behind the last message that was taken from the stream; called when a node's stream has
   * broken off, before another node is asked. It must not ask for the opening again, where that has been taken.
   */
  resume(): Uint8Array;
  /** Ends the stream: at the node too, and whoever waits for a message is given the end. */
  readonly signal?: AbortSignal;
}

/**
 * The messages in order, without loss or repetition as long as `resume` says where they go on. Ends when the state
 * machine has ended the stream, or the caller; throws an `ApiError` when no node has served it for `maxBreakMs`. One
 * message is to be asked for at a time.
 */
export interface MessageStream extends AsyncIterableIterator<Uint8Array> {
  /** The node that serves it, or did last, and where that stood when it began. */
  readonly position: Position;
  next(): Promise<IteratorResult<Uint8Array, undefined>>;
  /** Ends the stream: at the node too, and whoever waits for a message is given the end. */
  return(): Promise<IteratorResult<Uint8Array, undefined>>;
}

/** For how long a stream may be without a node: an election around the world, and then some. */
export const maxBreakMs = 30_000;

export async function openStream(
  nodes: GroupCalls,
  leaders: LeaderCalls,
  target: Target,
  options: SubscribeOptions,
): Promise<MessageStream> {
  const open = async (request: Uint8Array, timeoutMs: number): Promise<Reached<NodeStream>> =>
    await reachNode(nodes, leaders, { ...target, timeoutMs }, { ...options, request }, openNodeStream);
  options.signal?.throwIfAborted();
  const first = await open(options.request, target.timeoutMs);
  return new ResumingStream(first, options, (request) => open(request, maxBreakMs));
}

const ended: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

class ResumingStream implements MessageStream {
  position: Position;
  private stream: NodeStream;
  private over = false;
  private readonly options: SubscribeOptions;
  private readonly reopen: (request: Uint8Array) => Promise<Reached<NodeStream>>;

  constructor(
    first: Reached<NodeStream>,
    options: SubscribeOptions,
    reopen: (request: Uint8Array) => Promise<Reached<NodeStream>>,
  ) {
    const { signal } = options;
    this.position = first.position;
    this.stream = first.opened;
    this.options = options;
    this.reopen = reopen;
    if (signal?.aborted === true) this.stop();
    signal?.addEventListener("abort", () => this.stop(), { once: true });
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.over) {
      const message = await this.stream.next();
      if (message instanceof Uint8Array) return { done: false, value: message };
      if (message === "ended") this.over = true;
      else await this.goOn();
    }
    return ended;
  }

  async return(): Promise<IteratorResult<Uint8Array, undefined>> {
    this.stop();
    return ended;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  /** The stream has broken off, unless it was stopped: another takes its place. */
  private async goOn(): Promise<void> {
    if (this.over) return;
    const { opened, position } = await this.reopen(this.options.resume());
    this.replace(opened);
    this.position = position;
  }

  /** Whoever has stopped the stream meanwhile did not know of this one. */
  private replace(stream: NodeStream): void {
    this.stream = stream;
    if (this.over) stream.cancel();
  }

  private stop(): void {
    this.over = true;
    this.stream.cancel();
  }
}
