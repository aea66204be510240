/** A stream of a state machine's messages that outlives the nodes which serve it. */

import { ApiError } from "./errors.ts";
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

/** A stream that ended sooner without a message has not begun: the next one is opened only after a pause. */
const leastLifeMs = 1000;
const firstPauseMs = 50;
const maxPauseMs = 1000;

type Reopen = (request: Uint8Array, timeoutMs: number, avoid?: string) => Promise<Reached<NodeStream>>;

export async function openStream(
  nodes: GroupCalls,
  leaders: LeaderCalls,
  target: Target,
  options: SubscribeOptions,
): Promise<MessageStream> {
  const open: Reopen = (request, timeoutMs, avoid) =>
    reachNode(nodes, leaders, { ...target, timeoutMs }, { ...options, request }, openNodeStream, avoid);
  options.signal?.throwIfAborted();
  return new ResumingStream(await open(options.request, target.timeoutMs), options, open);
}

const ended: IteratorResult<Uint8Array, undefined> = { done: true, value: undefined };

class ResumingStream implements MessageStream {
  position: Position;
  private stream: NodeStream;
  private readonly options: SubscribeOptions;
  private readonly reopen: Reopen;
  private readonly stopped: Promise<void>;
  private stop: () => void = () => undefined;
  private over = false;
  private openedMs = Date.now();
  /** Since when no node has served it, but for such as broke off as soon as they had begun. */
  private brokenSinceMs: number | null = null;
  private pauseMs = firstPauseMs;

  constructor(first: Reached<NodeStream>, options: SubscribeOptions, reopen: Reopen) {
    this.position = first.position;
    this.stream = first.opened;
    this.options = options;
    this.reopen = reopen;
    this.stopped = new Promise((resolve) => {
      this.stop = () => {
        this.over = true;
        this.stream.cancel();
        resolve();
      };
    });
    const { signal } = options;
    if (signal?.aborted === true) this.stop();
    signal?.addEventListener("abort", () => this.stop(), { once: true });
  }

  async next(): Promise<IteratorResult<Uint8Array, undefined>> {
    while (!this.over) {
      const message = await this.stream.next();
      if (message instanceof Uint8Array) {
        this.brokenSinceMs = null;
        return { done: false, value: message };
      }
      if (message === "ended") this.over = true;
      else await Promise.race([this.goOn(), this.stopped]);
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

  /** The stream has broken off, unless it was stopped: another takes its place. Throws when there is none in time. */
  private async goOn(): Promise<void> {
    if (this.over) return;
    const nowMs = Date.now();
    if (this.brokenSinceMs === null || nowMs - this.openedMs >= leastLifeMs) {
      this.brokenSinceMs = nowMs;
      this.pauseMs = firstPauseMs;
    } else {
      await pause(this.pauseMs * (0.5 + Math.random() / 2));
      this.pauseMs = Math.min(maxPauseMs, this.pauseMs * 2);
    }
    const timeoutMs = this.brokenSinceMs + maxBreakMs - Date.now();
    if (timeoutMs <= 0) throw new ApiError("unavailable", "No node serves this stream.", { position: this.position });
    this.replace(await this.reopen(this.options.resume(), timeoutMs, this.position.node));
  }

  private replace({ opened, position }: Reached<NodeStream>): void {
    this.stream = opened;
    this.position = position;
    this.openedMs = Date.now();
    // Whoever has stopped it meanwhile did not know of this one.
    if (this.over) opened.cancel();
  }
}

function pause(waitMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, waitMs));
}
